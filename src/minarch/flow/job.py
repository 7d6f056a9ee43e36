"""One item at work: `python -m minarch.<stage> [--study FILE] [--item NAME]`, what every stage's rule runs."""

import argparse
import importlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from minarch.errors import UserError
from minarch.flow import fastest, sources
from minarch.flow.item import Item
from minarch.flow.parcel import pack, unpack_items
from minarch.flow.plan import DEFAULT, Plan
from minarch.flow.seal import RECORD, damage, files, md5, write_sealed
from minarch.flow.stages import STAGES
from minarch.flow.store import discard
from minarch.flow.vouch import note_made

Work = Callable[[dict[str, Any], dict[str, Any], Path], None]


def run_stage(stage: str, work: Work) -> None:
    """Make one item of a stage, or every missing one; the body of a stage module's main.

    A mistake of the user's ends in one line and exit code 1. Nothing is left behind by a failure.
    """
    arguments = _parser(stage).parse_args()
    _one_thread()
    fastest.share()
    try:
        plan = _plan(arguments.study)
        for item in _items(plan, stage, arguments.item):
            if arguments.parcel:
                unpack_items(item.parents, plan.root, arguments.parcel.parents[1])
            if not arguments.keep or damage(plan.folder(item.path), item.name):
                make(plan, item, work)
            if arguments.parcel:
                pack(plan.folder(item.path), arguments.parcel)
    except UserError as error:
        sys.exit(f"minarch {stage}: {error}")


def prepare(words: list[str]) -> None:
    """Do what every job of a run would do again; the fork server's jobs inherit it.

    Args:
        words: a job's command line, such as ["minarch.sweep", "--study", "params.yaml", "--item", NAME].
    """
    stage = next((name for name, stage in STAGES.items() if stage.module == words[0]), None)
    if stage is None:  # the closing of a stage
        return
    _one_thread()
    fastest.share()
    plan = _plan(_parser(stage).parse_args(words[1:]).study)
    if plan.ready(stage):
        items = plan.items(stage)
        if "minarch.training.blocks" in sys.modules:
            importlib.import_module("minarch.worker.warm").compile_steps(items.values())


def make(plan: Plan, item: Item, work: Work) -> None:
    """Compute an item in a temporary folder, seal it, and only then give it its name."""
    inputs = plan.inputs(item)
    for name, paths in inputs.items():
        for path in paths if isinstance(paths, list) else [paths]:
            if not (path / RECORD).exists():
                raise UserError(
                    f"{item.name}: its input {name} is missing: {path}; make it first (`snakemake`) or `dvc pull`"
                )
    folder = plan.folder(item.path)
    temporary = folder.with_name(f".tmp-{os.getpid()}-{item.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        work(item.config, inputs, temporary)
        if changed := sources.edited():
            raise UserError(f"{changed[0]} was edited during the run: nothing is kept of {item.name}; run again")
        body = {
            "item": item.name,
            "stage": item.stage,
            "identity": item.identity,
            "inputs": item.inputs,
            "code": item.code,
            "files": {str(p.relative_to(temporary)): md5(p) for p in files(temporary)},
        }
        write_sealed(temporary / RECORD, body)
        note_made(item.path, md5(temporary / RECORD))
        discard(folder)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _parser(stage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {STAGES[stage].module.removesuffix('.__main__')}", description=sys.modules["__main__"].__doc__
    )
    parser.add_argument("--study", default=DEFAULT, metavar="FILE", help="params file (default: %(default)s)")
    parser.add_argument("--item", metavar="NAME", help="the item to make (default: every one that is missing)")
    parser.add_argument("--parcel", type=Path, metavar="FILE", help="also pack the item; its inputs lie there, packed")
    parser.add_argument("--keep", action="store_true", help="leave an item that is whole as it is")
    return parser


@cache
def _one_thread() -> None:
    """Compute with one thread per job, as many jobs as cores. Searching what is loaded for threads takes 5 ms."""
    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@cache
def _plan(study: str) -> Plan:
    return Plan(study)


def _items(plan: Plan, stage: str, name: str | None) -> list[Item]:
    if not plan.ready(stage):
        raise UserError(f"the stages that decide its items are not finished: {', '.join(plan.undecided(stage))}")
    items = plan.items(stage)
    if name is None:
        return [i for i in items.values() if not (plan.folder(i.path) / RECORD).exists()]
    if name not in items:
        raise UserError(f"--item: {name!r} is not in the plan of {plan.study_file} (was a file edited during the run?)")
    return [items[name]]
