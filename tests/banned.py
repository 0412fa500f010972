"""What must not be written: banned.py ROOT. Clocks and foreign random numbers where results are made (they
would differ from run to run and from library to library), paths of one machine, addresses of package
hosts, committed market data or third-party bundles, and leftovers. One case a rule."""
import pathlib
import re
import sys

RESULT_ROOMS = ("engine/", "stats/", "strategies/")
CODE = (".hpp", ".cpp", ".cu", ".h", ".in")
TEXT = CODE + (".py", ".sh", ".md", ".json", ".build", ".txt", ".bib", ".yml", "")
SKIP = re.compile(r"^(build[^/]*|\.git|\.deps|\.cache|results)(/|$)|(^|/)(\.walras|__pycache__)/")
KNOWN_HOSTS = ("www.w3.org", "json-schema.org", "www.apache.org", "apache.org", "doi.org", "arxiv.org", "ssrn.com",
               "papers.ssrn.com", "example.com", "localhost", "127.0.0.1", "semver.org", "keepachangelog.com")

RULES = [
    ("clocks", RESULT_ROOMS, CODE,
     r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock|file_clock)\b|\b(std)?::time\s*\(|\btime\s*\(\s*(NULL|nullptr|0)\s*\)"
     r"|\b(gettimeofday|clock_gettime|localtime|gmtime)\w*\s*\(|(?<![\w.>])clock\s*\(\s*\)",
     "time comes from events; a wall clock makes two runs differ"),
    ("random numbers of other libraries", RESULT_ROOMS, CODE,
     r"\bstd::(random_device|mt19937\w*|minstd_rand\w*|default_random_engine|ranlux\w+|knuth_b|shuffle|sample)\b|\bstd::\w+_distribution\b"
     r"|#\s*include\s*<random>|(?<![\w:.>])s?rand\s*\(", "use walras::Rng"),
    ("fused or reordered arithmetic", RESULT_ROOMS + ("reports/", "scenarios/"), CODE + (".build",),
     r"\bstd::(fma|reduce|transform_reduce)\b|-ffast-math|-Ofast|-march=native|std::execution::", "the same bits are promised for every compiler"),
    ("leftovers", (), CODE + (".py", ".sh"), r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or say in an issue what is missing"),
    ("paths of one machine", (), TEXT, r"(?<![\w.])/(work|home/\w+|root|opt/wheels)/", "paths are relative or named by an option"),
]
# Whoever waits for another program waits by the clock on the wall.
SPARED = {"clocks": ("engine/link/",)}
MAX_BYTES = 600_000


def files(root):
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not path.is_symlink() and not SKIP.search(name) and not name.endswith(".pyc"):
            yield name, path


def check(root):
    problems = {rule[0]: [] for rule in RULES}
    problems.update({"host names": [], "committed data and bundles": []})
    own = pathlib.Path(__file__).name
    for name, path in files(root):
        if path.stat().st_size > MAX_BYTES or re.search(r"\.(whl|zst|xz|zip|h5|so|npz|parquet)$|echarts.*\.js$", name):
            if not name.startswith("tests/"):
                problems["committed data and bundles"].append(f"{name}: {path.stat().st_size} bytes; nothing third-party and no market data is committed")
        if path.suffix not in TEXT or path.name == own:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for rule, rooms, endings, pattern, why in RULES:
            if path.suffix not in endings or (rooms and not name.startswith(rooms)) or name.startswith(SPARED.get(rule, ("\0",))):
                continue
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                written = text.splitlines()[line - 1].strip()
                if rooms and written.startswith(("//", "*", "///")):
                    continue
                problems[rule].append(f"{name}:{line}: {match.group(0).strip()}: {why}")
        for match in re.finditer(r"https?://([\w.-]+)", text):
            host = match.group(1)
            if host not in KNOWN_HOSTS:
                problems["host names"].append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {host}")
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
