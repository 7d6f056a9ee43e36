"""`minarch plan`: what a study will take, before anything is computed.

No data set is read and no artifact is written.
"""

import os
import sys

from minarch.commands import sweep_tables
from minarch.commands.assumed import Assumed
from minarch.commands.effort import efforts, elapsed
from minarch.commands.estimates import estimated, table
from minarch.commands.output import console
from minarch.commands.units import duration, scaled
from minarch.errors import UserError
from minarch.flow import fastest
from minarch.flow.stages import sweep


def plan(study: str, cores: int | None) -> None:
    """Print what a study will take: the sweep by data set and family, and every stage with the time that it takes.

    Args:
        cores: that the run may use, each for a job; None: all of this machine, on cuda one.

    Raises:
        UserError: no such number of cores, or a device that this machine does not have.
    """
    planned = Assumed(study)
    if cores is None:
        cores = 1 if planned.study.train.device == "cuda" else os.cpu_count() or 1
    if cores < 1:
        raise UserError(f"--cores: {cores} is not allowed, it must be an integer of at least 1")
    trainings = list(efforts(planned.study))
    print("timing a few architectures on this machine, about half a minute ...", file=sys.stderr, flush=True)
    from minarch.commands.calibration import calibrate

    fastest.share_compiled()
    rates = calibrate(trainings, planned.study)
    seconds = sum(rates[effort.network].seconds(effort) for effort in trainings)
    stages = estimated(planned, {sweep.STAGE.name: seconds})
    low, high = (duration(elapsed(trainings, rates, cores, errors)) for errors in (-1, 1))
    out = console(120)
    out.print(sweep_tables.counts(trainings, rates, f"sweep of study {planned.name} ({planned.study_file})"))
    out.print(sweep_tables.timings(trainings, rates))
    out.print(table(stages, cores))
    total = duration(sum(stage.elapsed(cores) for stage in stages))
    out.print(f"estimated time on this machine, {cores} at a time: {total}, of that the sweep {low} to {high}")
    for decider, words in planned.assumptions.items():
        out.print(f"not known before {decider} has decided; assumed here: {words}", markup=False)
    out.print(f"memory of the largest item of the sweep: {scaled(max(effort.memory for effort in trainings), 'B')}")
