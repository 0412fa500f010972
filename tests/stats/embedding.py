"""The program in docs/statistics.md compiles against the installed headers with pkg-config's flags, and runs: embedding.py BUILD ROOT CXX..."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

build, root, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
page = (root / "docs" / "statistics.md").read_text()
program = re.search(r"```cpp\n(.*?)```", page, re.S).group(1)
with tempfile.TemporaryDirectory() as folder:
    prefix = pathlib.Path(folder) / "usr"
    subprocess.run(["sh", root / "tools" / "install_headers.sh"], check=True,
                   env={**os.environ, "MESON_SOURCE_ROOT": str(root), "MESON_INSTALL_DESTDIR_PREFIX": str(prefix)})
    config = {**os.environ, "PKG_CONFIG_PATH": str(build / "meson-private")}
    ask = ["pkg-config", f"--define-variable=prefix={prefix}", "walras"]
    library = pathlib.Path(subprocess.run([*ask[:2], "--variable=libdir", "walras"], env=config, capture_output=True, text=True, check=True).stdout.strip())
    library.mkdir(parents=True, exist_ok=True)
    for file in build.glob("libwalras.so*"):
        if file.is_file():
            shutil.copy(file, library, follow_symlinks=True)
    flags = subprocess.run([*ask, "--cflags", "--libs"], env=config, capture_output=True, text=True, check=True).stdout.split()
    source = pathlib.Path(folder) / "judge.cpp"
    source.write_text(program)
    # From a folder of its own: nothing of the checkout is on the way.
    subprocess.run([*compiler, "-std=c++20", source, "-o", pathlib.Path(folder) / "judge", *flags], check=True, cwd=folder)
    told = subprocess.run([pathlib.Path(folder) / "judge"], capture_output=True, text=True, check=True,
                          env={**os.environ, "LD_LIBRARY_PATH": f"{library}:{build}"}).stdout
    print(told)
p = [float(x) for x in re.findall(r"adjusted p ([0-9.e-]+)", told)]
overfitting = float(re.search(r"overfitting ([0-9.e-]+)", told).group(1))
good = len(p) == 3 and p[2] <= 0.05 < min(p[:2]) and overfitting < 0.2
print("1 passed, 0 failed" if good else "0 passed, 1 failed")
sys.exit(0 if good else 1)
