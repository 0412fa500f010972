"""Who may include whom: layering.py ROOT. Fails where a room reaches into a room that data has not passed
through yet, where a heavy library leaves its one home, where LibTorch leaves the plug-in, or where a
path is not written from the root. The last line is "N passed, N failed", one case a rule."""
import pathlib
import re
import sys

ROOMS = ["engine", "stats", "strategies", "models", "agents", "reports", "scenarios", "tests"]
MAY_INCLUDE = {
    "engine/base": ["engine/base"],
    "engine": ["engine"],
    "stats": ["stats", "engine/base"],
    "strategies": ["strategies", "stats", "engine"],
    "models": ["models", "strategies", "stats", "engine"],
    "agents": ["agents", "models", "strategies", "stats", "engine"],
    "reports": ["reports", "stats", "engine/base", "engine/ledger", "engine/link", "engine/market"],
    "scenarios": ["scenarios", "reports", "strategies", "stats", "engine", "agents/catalog.hpp", "models/catalog.hpp"],
    "tests": ["tests", "scenarios", "reports", "agents", "models", "strategies", "stats", "engine"],
}
# library -> (pattern of the include, files or folders that may hold it)
HOMES = {
    "nlohmann/json": (r"nlohmann/", ["engine/base/json.cpp"]),
    "HDF5": (r"(hdf5|H5\w*)\.h$", ["engine/base/store.cpp"]),
    "TBB": (r"(tbb|oneapi/tbb)/", ["engine/base/parallel", "stats/"]),
    "Random123": (r"Random123/", ["engine/base/random"]),
    "Boost.Asio and Beast": (r"boost/(asio|beast)", ["engine/link/"]),
    "Boost.DLL": (r"boost/dll", ["scenarios/plugins.cpp"]),
    "CLI11": (r"CLI/", ["scenarios/cli/parser.cpp"]),
    "libarchive": (r"archive(_entry)?\.h$", ["engine/base/files.cpp", "tests/"]),
    "libcrypto": (r"openssl/", ["engine/base/files.cpp"]),
    "LibTorch": (r"(torch|ATen|c10)/", ["models/torch.hpp", "models/pch/", "tests/support/torch_doctest.hpp"]),
    "doctest": (r"doctest", ["tests/"]),
}
# headers that bring LibTorch with them, and who may include them
TORCH_HEADERS = r"(models/(torch|attention|batches|checkpointing|layers|net|objective|optimiser|training|nets/nets)|agents/(networks|losses))\.hpp$"
TORCH_USERS = ["models/", "agents/", "tests/agents/", "tests/models/", "tests/support/torch_doctest.hpp"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def sources(root):
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".cu", ".h", ".in"):
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def room_of(name):
    return "engine/base" if name.startswith("engine/base/") else name.split("/")[0]


def under(name, places):
    return any(name == p or name.startswith(p if p.endswith("/") else p + "/") or name.startswith(p + ".") for p in places)


def check(root):
    problems = {"include table": [], "paths from the root": [], "LibTorch quarantine": [], "pragma once": []}
    problems.update({f"home of {library}": [] for library in HOMES})
    for name, text in sources(root):
        if name.endswith(".hpp") and "#pragma once" not in text:
            problems["pragma once"].append(f"{name}: expected #pragma once, was absent")
        for match in INCLUDE.finditer(text):
            quote, target = match.groups()
            place = f"{name}:{text.count(chr(10), 0, match.start()) + 1 + match.group(0).count(chr(10))}"
            for library, (pattern, homes) in HOMES.items():
                if quote == "<" and re.search("^" + pattern, target) and not under(name, homes):
                    problems[f"home of {library}"].append(f"{place}: includes <{target}>; its home is {', '.join(homes)}")
            if quote == "<":
                continue
            if not (root / target).exists():
                problems["paths from the root"].append(f"{place}: no file {target} from the root")
            elif not under(target, MAY_INCLUDE[room_of(name)]):
                allowed = ", ".join(MAY_INCLUDE[room_of(name)])
                problems["include table"].append(f"{place}: includes {target}; {room_of(name)} may include {allowed}")
            if re.search(TORCH_HEADERS, target) and not under(name, TORCH_USERS):
                problems["LibTorch quarantine"].append(f"{place}: includes {target}, which brings LibTorch")
    return problems


def main():
    problems = check(pathlib.Path(sys.argv[1]).resolve())
    for rule, lines in problems.items():
        for line in lines:
            print(f"{rule}: {line}")
    failed = sum(1 for lines in problems.values() if lines)
    print(f"{len(problems) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
