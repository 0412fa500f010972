"""Runs of the program that end badly: faults.py PROGRAM ROOT [CASE...]. Part of the slow suite."""
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import PROGRAM, LeftOut, bars_csv, case, main, study, walras, write


def record_marks(file):
    """The seed that a record was written for, told by another library."""
    try:
        import h5py
    except ImportError as error:
        raise LeftOut("python3-h5py is not installed") from error
    with h5py.File(file) as record:
        assert record.attrs["record_hash"], dict(record.attrs)
        return int(record.attrs["seed"])


@case
def killed_at_any_moment(folder):
    """A run killed with signal 9 at 100 random moments leaves the old record or the new one, whole"""
    write(folder, "study.json", study(bars_csv(folder)))
    start = time.monotonic()
    walras("run", "study.json", "--out", "out", "--seed", "1", folder=folder)
    whole = time.monotonic() - start
    draw = random.Random(7)
    old, news = 1, 0
    for seed in range(2, 102):
        run = subprocess.Popen([PROGRAM, "run", "study.json", "--out", "out", "--seed", str(seed)], cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Half of the moments late in the run, where the files are written.
        time.sleep(whole * (draw.uniform(0, 1.1) if seed % 2 else draw.uniform(0.7, 1.1)))
        run.send_signal(signal.SIGKILL)
        run.wait()
        found = record_marks(folder / "out" / "record.h5")
        assert found in (old, seed), f"the record is of run {found}, not of {old} or {seed}"
        news += found == seed
        old = found
        walras("export", "out", "--out", "csv", folder=folder)
    assert 0 < news < 100, f"{news} of 100 kills came after the record was written"


@case
def full_disk(folder):
    """A disk that is full ends the run with exit 1 and one message; what was there stays"""
    write(folder, "study.json", study(bars_csv(folder)))
    walras("run", "study.json", "--out", "out", folder=folder)
    before = {p.name: p.read_bytes() for p in (folder / "out").iterdir() if p.is_file()}
    # A limit on the size of files is to a writer what a full disk is; Python ignores the signal that comes with it.
    done = subprocess.run([PROGRAM, "run", "study.json", "--out", "out", "--seed", "2"], cwd=folder, capture_output=True, text=True,
                          restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)))
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert len([line for line in done.stderr.splitlines() if line.startswith("walras: ")]) == 1, done.stderr
    after = {p.name: p.read_bytes() for p in (folder / "out").iterdir() if p.is_file()}
    assert before == after, "a failed run changed the results"


if __name__ == "__main__":
    main()
