"""`make claims`: reports/claims.html, reports/claims.csv and the README's table, from the committed reports."""

import sys
from pathlib import Path

from minarch.claims import CLAIMS
from minarch.claims.page import csv_of, page_of, readme_with
from minarch.claims.reports import Reports
from minarch.errors import UserError

REPORTS, README = Path("reports"), Path("README.md")


def texts() -> dict[Path, str]:
    """What each file should hold.

    Raises:
        UserError: the report of a study that a claim is judged by is missing.
    """
    reports = Reports(REPORTS / "studies")
    judged = [claim.judged(reports) for claim in CLAIMS]
    return {
        REPORTS / "claims.html": page_of(judged, reports),
        REPORTS / "claims.csv": csv_of(judged),
        README: readme_with(README.read_text(encoding="utf-8"), judged),
    }


if __name__ == "__main__":
    try:
        for path, text in texts().items():
            path.write_text(text, encoding="utf-8")
            print(f"claims: {path}")
    except UserError as error:
        sys.exit(f"claims: {error}")
