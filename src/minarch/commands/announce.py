"""`make review`, before it installs anything: which remote it fetches from, and how much. The standard library alone
runs this.
"""

import sys
from pathlib import Path

from minarch.errors import UserError
from minarch.flow.published import default_remote, directories, lacking


def announce(study: str) -> str:
    """The remote that a review fetches from, and the size of what the commit names, in words.

    Raises:
        UserError: there is no default remote, it is a folder that does not hold the artifacts, or those of the study
            are not published.
    """
    name = Path(study).stem
    if name not in ("params", "default") and not Path(f"artifacts/studies/{name}.dvc").is_file():
        raise UserError(
            f"study {name}: its artifacts are not published, only its report (reports/studies/{name});"
            f" allowed: `make review` of the default study, or `make study STUDY={study}`, which computes them"
        )
    outputs = directories()
    if not outputs:
        raise UserError("dvc.lock: names no artifacts; allowed: a commit of a study that was computed")
    remote = default_remote()
    if remote.folder is not None and (
        missing := [file for output in outputs for file in lacking(remote.folder, output)]
    ):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{missing[0]}{more}: not in the {remote};"
            " allowed: a commit whose artifacts were published, or `make`, which computes them"
        )
    files, size = sum(output.files for output in outputs), sum(output.size for output in outputs)
    return f"{files:,} artifacts of {size / 1e6:.1f} MB from the {remote}"


if __name__ == "__main__":
    try:
        print("review:", announce(sys.argv[1]), flush=True)
    except UserError as error:
        sys.exit(f"review: {error}")
