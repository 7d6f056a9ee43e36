"""What was run: data sets, architectures, budget, devices and versions."""

import platform
from importlib.metadata import version
from typing import Any

import yaml

from minarch.analysis.reliability import REACHED
from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.run import run_table
from minarch.reporting.wording import span

PACKAGES = ["torch", "torchvision", "nncf", "openvino", "scikit-learn", "numpy", "scipy", "pandas", "matplotlib"]


def facts(evidence: Evidence) -> dict[str, Any]:
    sizes = evidence.tables["sizes"]
    return {
        "architectures": sizes["family"].value_counts().sort_index().to_dict(),
        "repeats": span(sizes["repeats"]),
        "missed": int((sizes["repeats"] - sizes[REACHED]).sum()) if REACHED in sizes else None,
        "failed": int((evidence.tables["sweep"]["status"] != "ok").sum()),
        "run": evidence.run,
        "versions": {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "study_file": yaml.safe_dump(evidence.params, sort_keys=False, default_flow_style=None),
    }


FINDING = Finding(
    name="run",
    title="What was run",
    heading="What was run",
    tables={
        "sweep": "one training: metrics of its last epoch",
        "data": "one data set",
        "run": "one stage: its items and what they took",
    },
    make=lambda config, inputs: {"run": run_table(inputs)},
    facts=facts,
)
