"""docs/size_and_power.md is what `size_and_power render` makes of the stored counts: size_and_power_report.py PROGRAM ROOT."""
import pathlib
import subprocess
import sys

program, root = sys.argv[1], pathlib.Path(sys.argv[2])
counts = root / "tests" / "data" / "size_and_power.json"
made = subprocess.run([program, "render", counts], capture_output=True, text=True, check=True).stdout
kept = (root / "docs" / "size_and_power.md").read_text()
same = made == kept
if not same:
    print("docs/size_and_power.md is stale: size_and_power render tests/data/size_and_power.json > docs/size_and_power.md")
bad = [line for line in kept.splitlines() if "**outside**" in line]
for line in bad:
    print("outside what is due: " + line)
print(f"{same + (not bad)} passed, {(not same) + bool(bad)} failed")
sys.exit(0 if same and not bad else 1)
