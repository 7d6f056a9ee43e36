# minarch: data -> sweep -> refine -> weights, similarity -> convergence -> representatives -> prune -> quantize -> aggregate
# All logic lives in src/minarch; an item's path carries its key, so what exists is valid and mtimes say nothing.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from minarch.flow.cost import seconds
from minarch.flow.plan import STAGES
from minarch.flow.session import Session

session = Session(workflow, config)
plan = session.plan
ROOT = plan.root.as_posix()
LOGS = f"logs/{plan.name}"
JOB = [sys.executable, "-S", "src/minarch/worker/client.py"]
CLOSE = [sys.executable, "-m", "minarch.flow.close"]


include: "workflow/rules/common.smk"


wildcard_constraints:
    item=r"[\w.-]+",


localrules:
    all,
    data,
    sweep,
    refine,
    refined,
    weights,
    similarity,
    convergence,
    representatives,
    prune,
    quantize,
    aggregate,


rule all:
    default_target: True
    input:
        [plan.index(stage).as_posix() for stage in STAGES],
        finished("data"),
        finished("sweep"),
        finished("refine"),
        trained("refined"),
        trained("weights"),
        trained("similarity"),
        trained("convergence"),
        trained("representatives"),
        chosen("prune"),
        chosen("quantize"),
        chosen("aggregate"),


include: "workflow/rules/data.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/refine.smk"
include: "workflow/rules/refined.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/similarity.smk"
include: "workflow/rules/convergence.smk"
include: "workflow/rules/representatives.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/quantize.smk"
include: "workflow/rules/aggregate.smk"


onstart:
    session.start()


onsuccess:
    session.succeed()


onerror:
    session.fail()
