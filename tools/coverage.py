"""Run every test under coverage and print the report: `python -m tools.coverage [pytest's arguments]`.

Processes that tests start are measured, too: coverage starts itself in each of them.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from coverage import Coverage

_DATA = Path(".coverage")
_JSON = _DATA / "coverage.json"
_ENOUGH = 90.0


def main(arguments: list[str]) -> int:
    """Run, combine and report; return pytest's exit code."""
    shutil.rmtree(_DATA, ignore_errors=True)
    _DATA.mkdir()
    tests = subprocess.run([sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", *arguments], check=False)
    measured = Coverage()
    measured.combine()
    measured.save()
    total = measured.report(show_missing=False)
    measured.json_report(outfile=str(_JSON))
    files = json.loads(_JSON.read_text())["files"]
    low = [(entry["summary"]["percent_covered"], path) for path, entry in files.items()]
    low = sorted((share, path) for share, path in low if share < _ENOUGH)
    print(f"\n{len(low)} files below {_ENOUGH:.0f} % of lines and branches, {total:.1f} % in total")  # noqa: T201 — the report
    for share, path in low:
        print(f"  {share:5.1f} %  {path}")  # noqa: T201 — the report
    return tests.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
