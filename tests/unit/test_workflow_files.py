"""The workflow's own files: what Snakemake's linter says of them, and that the schema is the one of the types."""

import subprocess
import sys
from pathlib import Path

from minarch.flow.schema import SCHEMA, text

REPOSITORY = Path(__file__).parents[2]


def test_snakemake_lints_nothing() -> None:
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "Congratulations, your workflow is in a good condition!" in done.stderr, done.stderr
    assert "Lints for" not in done.stderr


def test_the_schema_is_generated_from_the_types() -> None:
    assert (REPOSITORY / SCHEMA).read_text() == text(), "run `make generate`"


def test_every_study_in_params_is_valid() -> None:
    from minarch.flow.config import load

    studies = [REPOSITORY / "params.yaml", *sorted((REPOSITORY / "params").glob("*.yaml"))]
    assert len(studies) >= 3
    for study in studies:
        load(study)
