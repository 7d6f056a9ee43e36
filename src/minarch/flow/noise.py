"""What of Snakemake's messages is kept from the terminal."""

import logging
from typing import Any


class Noise(logging.Filter):
    """During a run, `Progress` tells how far it is and `fail` why a job failed; what Snakemake says of each job is
    noise then.
    """

    EVENTS = frozenset({"JOB_INFO", "JOB_FINISHED", "JOB_ERROR", "PROGRESS", "RESOURCES_INFO", "SHELLCMD"})
    TEXTS = (
        "Select jobs to execute",
        "Execute ",
        "Using shell:",
        "RuleException:",
        "Shutting down",
        "Updating checkpoint",
        "Singularity containers: ignored",  # of every run without an image
    )
    METADATA = (  # validity lies in the paths, so there is none
        "missing provenance/metadata",
        "Rules with missing metadata",
        "Missing metadata for file",
    )

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self.workflow = workflow

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if any(part in text for part in self.METADATA):
            return False
        event = getattr(getattr(record, "event", None), "name", "")
        return self.workflow.dryrun or not (event in self.EVENTS or text.startswith(self.TEXTS))
