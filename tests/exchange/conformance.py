"""The exchange before an oracle of others: conformance.py ADAPTER TRACES.

Runs the suite of nine cases and TRACES seeded campaigns of the PyPI package tracebook-conformance 0.6.0 against the adapter,
which speaks its protocol. Where the package is not installed it says so and ends with 77 (skipped). Where it is, any difference
is a failure. TRACEBOOK names the command, when it is not on the path. The outcome it last had is in tests/data/conformance.json."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(command):
    print("$", " ".join(str(part) for part in command), flush=True)
    return subprocess.run([str(part) for part in command]).returncode


def main():
    adapter, traces = sys.argv[1], int(sys.argv[2])
    tool = os.environ.get("TRACEBOOK") or shutil.which("tracebook-conformance")
    if not tool:
        print("SKIPPED: tracebook-conformance is not installed; for this proof: pip install tracebook-conformance==0.6.0")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite, campaign = folder / "suite", folder / "campaign"
        failed += run([tool, "sample", "--suite-version", "v2", suite]) != 0
        failed += run([tool, "suite", suite, "--output", folder / "suite.json", "--timeout", 60, "--candidate-cmd", adapter]) != 0
        failed += run([tool, "campaign", "--profile", "fifo-full-v1", "--traces", traces, "--output-dir", campaign, "--timeout", 60,
                       "--candidate-cmd", adapter]) != 0
        cases = json.loads((folder / "suite.json").read_text())
        traced = json.loads((campaign / "campaign.json").read_text())
    outcome = {"package": "tracebook-conformance 0.6.0", "suite": cases["suite_id"], "suite_hash": cases["suite_hash"],
               "cases": cases["case_count"], "conformant_cases": cases["conformant_cases"], "campaign_id": traced["campaign_id"],
               "traces": traced["completed_traces"], "events": traced["generated_events"], "conformant": traced["conformant"]}
    print(json.dumps(outcome, indent=2))
    failed += outcome["cases"] != 9 or outcome["conformant_cases"] != 9 or outcome["traces"] != traces or not outcome["conformant"]
    print("1 passed, 0 failed" if failed == 0 else "0 passed, 1 failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
