"""The workflow's own files: what Snakemake's linter says of them, and that the schema is the one of the types."""

import re
import subprocess
import sys
from pathlib import Path

from minarch.flow.schema import SCHEMA, text
from minarch.flow.stages import STAGES

REPOSITORY = Path(__file__).parents[2]
# The environment is requirements.txt, in one .venv that `make` creates: the fork server serves every rule from it.
ACCEPTED = {"Specify a conda environment or container for each rule."}


def test_snakemake_lints_nothing_else() -> None:
    command = [sys.executable, "-m", "snakemake", "--lint"]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stderr
    for stage in STAGES:
        assert f"Lints for rule {stage}_item" in said, said
    assert set(re.findall(r"^    \* (.*):$", said, re.M)) == ACCEPTED


def test_the_schema_is_generated_from_the_types() -> None:
    assert (REPOSITORY / SCHEMA).read_text() == text(), "run `make generate`"


def test_every_study_in_params_is_valid() -> None:
    from minarch.flow.config import load

    studies = [REPOSITORY / "params.yaml", *sorted((REPOSITORY / "params").glob("*.yaml"))]
    assert len(studies) >= 3
    for study in studies:
        load(study)
