"""`python -m minarch.commands.reports`: which committed reports are not what today's code and params make."""

import argparse
import subprocess
import sys
from pathlib import Path

from minarch.errors import UserError, one_line
from minarch.flow.made_by import FILE, stale
from minarch.flow.plan import REPORTS

PARTS = ("report.html", "metrics.json", "metrics-details.json", "figures", "tables", FILE)  # of a report


def reports(*, strict: bool = False) -> None:
    """Print a line for each committed report that is stale: why, and what makes it anew.

    Args:
        strict: end with exit code 1 if one is.

    Raises:
        UserError: this is no git checkout.
    """
    folders = committed()
    lines = [f"{folder}: {'; '.join(why)}: {_anew(folder)}" for folder in folders if (why := stale(folder))]
    fresh = f"{len(folders) - len(lines)} of {len(folders)} committed reports are made by today's code and params"
    print(*lines, fresh, sep="\n")
    if strict and lines:
        sys.exit(1)


def committed() -> list[Path]:
    """The folders of the reports of which git tracks a file.

    Raises:
        UserError: this is no git checkout.
    """
    command = ["git", "ls-files", "-z", "--", str(REPORTS)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode:
        raise UserError(f"git ls-files: {one_line(listing.stderr)}; allowed: a git checkout, which tracks the reports")
    files = [Path(name).relative_to(REPORTS) for name in listing.stdout.split("\0") if name]
    others = {REPORTS / "studies" / file.parts[1] for file in files if file.parts[0] == "studies"}
    return [*([REPORTS] if any(file.parts[0] in PARTS for file in files) else []), *sorted(others)]


def _anew(folder: Path) -> str:
    """The command that makes a report anew."""
    return "make" if folder == REPORTS else f"make study STUDY={folder.name}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m minarch.commands.reports", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a report is stale")
    try:
        reports(strict=parser.parse_args().strict)
    except UserError as error:
        sys.exit(f"reports: {error}")


if __name__ == "__main__":
    main()
