"""Counts test cases over Meson's test logs: the last line printed is "N passed, N failed".

A doctest program counts by its own cases, a script by its last line "N passed, N failed", any other
test as one case by its exit status. A program that died counts as one failed case, as does a build
that failed and a log that was never written. Exit status 1 when something failed or nothing ran."""
import json
import pathlib
import re
import sys

DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
SCRIPT = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


def cases(test):
    """Passed and failed cases of one entry of a log."""
    result = test["result"]
    if result == "SKIP":
        return 0, 0
    text = test.get("stdout", "") or ""
    found = DOCTEST.findall(text)
    if found:
        passed, failed = sum(int(f[1]) for f in found), sum(int(f[2]) for f in found)
    elif SCRIPT.search(text):
        last = SCRIPT.findall(text)[-1]
        passed, failed = int(last[0]), int(last[1])
    else:
        passed, failed = (1, 0) if result in ("OK", "EXPECTEDFAIL") else (0, 1)
    if result not in ("OK", "EXPECTEDFAIL") and failed == 0:
        failed = 1
    return passed, failed


def main(arguments):
    passed, failed = 0, int(arguments[1])
    broken = []
    for log in arguments[2:]:
        path = pathlib.Path(log)
        if not path.exists():
            failed += 1
            broken.append(f"{log}: the tests were not built")
            continue
        for line in path.read_text().splitlines():
            test = json.loads(line)
            good, bad = cases(test)
            passed, failed = passed + good, failed + bad
            if bad:
                broken.append(f"{test['name']}: {bad} failed ({test['result'].lower()}); {path.with_suffix('.txt')}")
    for text in broken:
        print("failed:", text)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
