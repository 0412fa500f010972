"""Every .cu of the source compiles with nvcc: cuda.py ROOT OBJECT...

The objects are what the build made of them; each must hold code for a GPU beside its host part. Without nvcc there are
none, and the test says how to have them: ./walras test fetches nvcc. The last line is "N passed, N failed".
"""
import pathlib
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    objects = {pathlib.Path(name).name: pathlib.Path(name) for name in sys.argv[2:]}
    sources = sorted(path for room in ("engine", "stats", "strategies", "models", "agents") for path in (root / room).rglob("*.cu"))
    if not objects:
        print("skipped: no nvcc here; ./walras test fetches it, or configure with -Dcuda=enabled beside a CUDA toolkit")
        return 77
    failed = 0
    for source in sources:
        built = objects.get(source.name + ".o")
        code = built.read_bytes() if built and built.exists() else b""
        # The fat binary's section, and in it the PTX of at least one kernel.
        good = code.startswith(b"\x7fELF") and b".nv_fatbin" in code and len(code) > 10_000
        if not good:
            print(f"{source.relative_to(root)}: expected an object with code for a GPU, was {'none' if built is None else built}")
            failed += 1
    if not sources:
        print("expected a .cu file in the source, was none")
        failed += 1
    print(f"{len(sources) - min(failed, len(sources))} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
