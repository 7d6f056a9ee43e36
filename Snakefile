# minarch: every stage is declared in src/minarch/flow/stages, where all logic begins; here are its rules.
# An item's path carries its key, so what exists is valid and mtimes say nothing.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from minarch.flow.groups import TURN
from minarch.flow.image import IMAGE, interpreter
from minarch.flow.session import Session
from minarch.flow.stages import STAGES, reads

session = Session(workflow, config)
plan, groups = session.plan, session.groups
ROOT = plan.root.as_posix()
LOGS = f"logs/{plan.name}"
JOB = [interpreter(workflow), "-S", "src/minarch/worker/client.py"]
CLOSE = [*JOB, "minarch.flow.close"]


report: "workflow/report/workflow.rst"


container: IMAGE


include: "workflow/rules/common.smk"


wildcard_constraints:
    item=r"[\w.-]+",


rule all:
    default_target: True
    input:
        [local(plan.index(stage).as_posix()) for stage in STAGES],
        *[listed(stage) for stage in STAGES],
        *shown(),
    localrule: True


include: "workflow/rules/stages.smk"


onstart:
    session.start()


onsuccess:
    session.succeed()


onerror:
    session.fail()
