"""Jobs in an image: `snakemake --sdm apptainer` runs them with what is in there, and only then."""

import sys
from pathlib import Path
from typing import Any

from snakemake.settings.types import DeploymentMethod

from minarch.errors import UserError

IMAGE = "minarch.sif"


def used(workflow: Any) -> bool:
    """Whether Snakemake's workflow runs its jobs in the image."""
    return DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method


def interpreter(workflow: Any) -> str:
    """The Python that jobs name: this one, or the image's."""
    return "python" if used(workflow) else sys.executable


def check(workflow: Any) -> None:
    """See that the image is there if it is used.

    Raises:
        UserError: it is not.
    """
    if used(workflow) and not Path(IMAGE).exists():
        raise UserError(
            f"--sdm apptainer: {IMAGE} is not in this directory; allowed: with an image that `apptainer build` made"
            " (docs/remotes-and-clusters.md)"
        )
