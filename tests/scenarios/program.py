"""What the tests of the program share: running it, and counting cases."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(ROOT / "tests"))
import json_schema  # noqa: E402

CASES = []


def case(function):
    """Marks a test case; its docstring is the sentence it proves."""
    CASES.append(function)
    return function


class LeftOut(Exception):
    """Raised where something that a case needs is absent: said loudly, and a failure with CI=true."""


def walras(*words, code=0, folder=None, timeout=240):
    """Runs the program; returns (stdout, stderr). Fails when the exit code is another (None: any), or on a stack trace."""
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=folder, timeout=timeout)
    told = f"walras {' '.join(map(str, words))}\nexit {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    assert code is None or done.returncode == code, f"expected exit {code}: {told}"
    assert "terminate called" not in done.stderr and "internal error" not in done.stderr, told
    if code in (2, 3):
        lines = [line for line in done.stderr.splitlines() if line.startswith("walras: ")]
        assert lines, f"expected one message, was: {told}"
    return done.stdout, done.stderr


def checked(what, text):
    """Parses JSON output and checks it against docs/schema."""
    value = json.loads(text)
    schema = json.loads((ROOT / "docs" / "schema" / f"{what}.json").read_text())
    found = json_schema.problems(value, schema)
    assert not found, f"{what}: " + "; ".join(found[:5])
    return value


def write(folder, name, value):
    path = pathlib.Path(folder) / name
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
    return path


def bars_csv(folder, name="prices.csv", days=900, seed=1):
    """Daily bars of one made-up share, business days from 2015-01-01; the same for the same seed."""
    import datetime
    state = seed
    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (state >> 11) / (1 << 53)
    day, price, lines = datetime.date(2015, 1, 1), 100.0, ["date,open,high,low,close,volume"]
    while len(lines) <= days:
        day += datetime.timedelta(days=1)
        if day.weekday() >= 5:
            continue
        opening = price * (1 + 0.004 * (uniform() - 0.5))
        price = max(1.0, opening * (1 + 0.03 * (uniform() - 0.49)))
        high, low = max(opening, price) * 1.002, min(opening, price) * 0.998
        lines.append(f"{day},{opening:.2f},{high:.2f},{low:.2f},{price:.2f},{int(1e6 * (0.5 + uniform()))}")
    return write(folder, name, "\n".join(lines) + "\n")


def study(*files, **changes):
    """A small scenario over bar files."""
    scenario = {
        "walras": 1, "name": "small",
        "market": {"mode": "replay", "source": [{"kind": "ohlcv_csv", "path": pathlib.Path(f).name} for f in files]},
        "venue": {"fees": {"kind": "basis_points", "bps": 2}},
        "strategies": [{"kind": "buy_and_hold"}, {"kind": "moving_average", "grid": {"fast": [5, 10], "slow": [20, 40]}}],
        "walk_forward": {"train": 250, "test": 120, "warm_up": 60},
        "evidence": {"resamples": 200}, "report": {"pdf": False},
    }
    scenario.update(changes)
    return scenario


def main():
    names = sys.argv[3:]
    passed = failed = 0
    for function in CASES:
        if names and function.__name__ not in names:
            continue
        folder = tempfile.mkdtemp(prefix="walras-test-")
        try:
            function(pathlib.Path(folder))
            passed += 1
        except LeftOut as reason:
            if os.environ.get("CI") == "true":
                failed += 1
            print(f"\n*** TEST LEFT OUT: {function.__doc__}: {reason} ***\n")
        except Exception:
            failed += 1
            print(f"FAILED {function.__name__}: {function.__doc__}")
            traceback.print_exc(file=sys.stdout)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
