"""Close a stage: `python -m minarch.flow.close STAGE [--study FILE]` takes out what it does not list any more, then
writes its index.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from minarch.errors import UserError
from minarch.flow import made_by, store
from minarch.flow.parcel import unpack_items
from minarch.flow.plan import DEFAULT, Plan
from minarch.flow.reconcile import published, tidy
from minarch.flow.seal import RECORD, listed, md5, write_sealed
from minarch.flow.stages import PUBLISHED, STAGES
from minarch.flow.vouch import Vouchers, note_made


def close(plan: Plan, stage: str, parcels: Path | None = None) -> None:
    """Leave exactly the plan's items and one index in the stage's folder: what DVC then records depends on the plan
    alone.

    Args:
        parcels: where items that nodes have made lie packed.
    """
    items, index, folder = plan.items(stage), plan.index(stage), plan.root / stage
    if parcels:
        for path in unpack_items([item.path for item in items.values()], plan.root, parcels):
            note_made(path, md5(plan.folder(path) / RECORD))
    if missing := [n for n in items if not (folder / n / RECORD).exists()]:
        raise UserError(f"{stage}: {len(missing)} item(s) are missing, the first is {missing[0]}")
    if stage == PUBLISHED:
        publish(plan)
    tidy(plan, stage, Vouchers())
    write_sealed(index, {"stage": stage, "items": sorted(items)})


def publish(plan: Plan) -> None:
    """Copy the report to where people and git look for it, in place of the one before."""
    pairs = published(plan)
    before = {plan.reports / name for item in (plan.root / PUBLISHED).iterdir() for name in listed(item)}
    for kind in ("figures", "tables"):
        for file in sorted((plan.reports / kind).rglob("*")):
            if file.is_dir() or file in pairs.values():
                continue
            if file in before:
                file.unlink()
            else:
                store.set_apart(file, "is not part of the report")
    for source, target in pairs.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".tmp-{os.getpid()}-{target.name}")
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    write_sealed(plan.reports / made_by.FILE, made_by.made_by(plan))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m minarch.flow.close", description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--study", default=DEFAULT, metavar="FILE")
    parser.add_argument("--parcels", type=Path, metavar="FOLDER", help="where items that nodes have made lie packed")
    arguments = parser.parse_args()
    try:
        close(Plan(arguments.study), arguments.stage, arguments.parcels)
    except UserError as error:
        sys.exit(f"minarch close: {error}")


if __name__ == "__main__":
    main()
