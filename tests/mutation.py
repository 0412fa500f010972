"""Do the tests of the order book notice a wrong book? mutation.py ROOT [--count N] [--seed N] [--jobs N]

Changes engine/book one place at a time (an operator, a constant, a condition, a statement left out), builds the book's tests
against it with -O0, and runs them. A mutant is killed when they fail, crash or do not end. Mutants that do not compile are not
counted. Needs g++ and what the project needs; builds in a temporary folder. Ends with 1 when fewer than 80 % are killed."""
import argparse
import concurrent.futures
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

FILES = ["engine/book/order_book.hpp", "engine/book/order_book.cpp"]
TESTS = ["tests/book/order_book_test.cpp", "tests/book/order_book_random_test.cpp"]
OTHERS = ["tests/support/main.cpp", "engine/base/error.cpp", "engine/base/random.cpp", "engine/base/units.cpp"]
FLAGS = ["-std=c++20", "-O0", "-w", "-DWALRAS_EXPECTS"]
SWAPS = [(r" == ", " != "), (r" != ", " == "), (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
         (r" \+ ", " - "), (r" - ", " + "), (r" && ", " || "), (r" \|\| ", " && "), (r" \+= ", " -= "), (r" -= ", " += "),
         (r"\+\+(?=[a-z])", "--"), (r"--(?=[a-z])", "++"), (r" \? ", " ? !!"), (r"std::min\(", "std::max("), (r"std::max\(", "std::min("),
         (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" << ", " >> "), (r" >> ", " << "), (r" & ", " | "), (r" \| ", " & ")]
NUMBER = re.compile(r"(?<![\w.\"'])(\d+)(?![\w.\"'])")
CONDITION = re.compile(r"\b(if|while) \((?!const )([^;{}]*)\)( |$)")
STATEMENT = re.compile(r"^\s+(?!return|const |auto |std::|using|static|using|for|if|while|struct|}|throw)[\w\[\]().>*-]+ ?(=|\+=|-=|&=|\|=|\+\+|--).*;$|^\s+(\+\+|--)[\w.\->\[\]]+;$"
                       r"|^\s+\w+[\w.\->]*\([^{}]*\);$")


def places(root):
    """(file, line number, new line, what) of every change that could be made."""
    found = []
    for name in FILES:
        for number, line in enumerate((root / name).read_text().splitlines()):
            code = line.split("//")[0]
            # Declarations, hints and what cannot change what the book does.
            if not code.strip() or re.search(r"^\s*(#|///|template|using|static_assert|\[\[nodiscard|namespace)|prefetch|reserve|spare|fail\(|\"", code):
                continue
            for pattern, new in SWAPS:
                for match in re.finditer(pattern, code):
                    found.append((name, number, code[:match.start()] + new + code[match.end():], f"{match.group(0).strip()} -> {new.strip()}"))
            for match in NUMBER.finditer(code):
                found.append((name, number, code[:match.start()] + str(int(match.group(1)) + 1) + code[match.end():], f"{match.group(1)} + 1"))
            for match in CONDITION.finditer(code):
                found.append((name, number, code[:match.start(2)] + "!(" + match.group(2) + ")" + code[match.end(2):], "condition negated"))
            if STATEMENT.match(code):
                found.append((name, number, re.match(r"\s*", code).group(0) + ";", "statement left out"))
    return found


def run(command, folder, limit):
    try:
        return subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return -1


def compile_to(folder, root, source, output):
    return run(["g++", *FLAGS, "-I", folder, "-I", root, "-c", folder / source if (folder / source).exists() else root / source, "-o", output], root, 300)


def judge(root, base, mutant):
    """'killed', 'survived' or 'invalid'."""
    name, number, line, _ = mutant
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines = (root / name).read_text().splitlines()
        lines[number] = line
        for other in FILES:
            (folder / other).parent.mkdir(parents=True, exist_ok=True)
            (folder / other).write_text((root / other).read_text() if other != name else "\n".join(lines) + "\n")
        objects = []
        for source in TESTS + ["engine/book/order_book.cpp"]:
            output = folder / (pathlib.Path(source).stem + ".o")
            if name.endswith(".cpp") and source in TESTS:
                objects.append(base / output.name)  # the test saw only the header
                continue
            if compile_to(folder, root, source, output) != 0:
                return "invalid"
            objects.append(output)
        objects += [base / (pathlib.Path(source).stem + ".o") for source in OTHERS]
        if run(["g++", *objects, "-lfmt", "-o", folder / "test"], root, 120) != 0:
            return "invalid"
        return "survived" if run([folder / "test"], root, 120) == 0 else "killed"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("root", type=lambda text: pathlib.Path(text).resolve())
    arguments.add_argument("--count", type=int, default=60)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=1)
    given = arguments.parse_args()
    everything = places(given.root)
    chosen = random.Random(given.seed).sample(everything, min(given.count, len(everything)))
    base = pathlib.Path(tempfile.mkdtemp())
    try:
        for source in TESTS + OTHERS + ["engine/book/order_book.cpp"]:
            if compile_to(given.root, given.root, source, base / (pathlib.Path(source).stem + ".o")) != 0:
                print("does not build:", source)
                return 2
        objects = [base / (pathlib.Path(source).stem + ".o") for source in TESTS + OTHERS + ["engine/book/order_book.cpp"]]
        if run(["g++", *objects, "-lfmt", "-o", base / "test"], given.root, 120) != 0 or run([base / "test"], given.root, 300) != 0:
            print("the tests do not pass before anything is changed")
            return 2
        counts = {"killed": 0, "survived": 0, "invalid": 0}
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            for mutant, verdict in zip(chosen, pool.map(lambda each: judge(given.root, base, each), chosen)):
                counts[verdict] += 1
                if verdict == "survived":
                    print(f"survived: {mutant[0]}:{mutant[1] + 1}: {mutant[3]}: {mutant[2].strip()}", flush=True)
    finally:
        shutil.rmtree(base)
    judged = counts["killed"] + counts["survived"]
    rate = counts["killed"] / max(1, judged)
    print(f"{len(everything)} possible mutants, {len(chosen)} tried, {counts['invalid']} did not compile, "
          f"{counts['killed']} of {judged} killed: {100 * rate:.1f} %")
    return 0 if rate >= 0.8 else 1


if __name__ == "__main__":
    sys.exit(main())
