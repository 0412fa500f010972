"""Every header compiles alone: headers.py ROOT COMPILER [FLAG...]. Headers that bring LibTorch are left out where
its folder is not among the flags. One case a header."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOMS = ["engine", "stats", "strategies", "models", "agents", "reports", "scenarios"]


def compiles(root, header, compiler, flags):
    done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-I", str(root), *flags, "-x", "c++", "-"],
                          input=f'#include "{header}"\n', capture_output=True, text=True, cwd=root)
    return header, done.returncode == 0, done.stderr


def main():
    root, compiler, flags = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3:]
    with_torch = any("torch" in flag for flag in flags)
    headers = sorted(p.relative_to(root).as_posix() for room in ROOMS for p in (root / room).rglob("*.hpp"))
    if not with_torch:
        headers = [h for h in headers if not h.startswith(("models/", "agents/"))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, good, text in pool.map(lambda h: compiles(root, h, compiler, flags), headers):
            if not good:
                failed += 1
                print(f"{header} does not compile alone:\n{text}")
    print(f"{len(headers) - failed} passed, {failed} failed")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
