"""Stage refine: which sizes to add around P_min (convergence.refine of them), from the sweep's validation records."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minarch.analysis.minimal import Bootstrap, minimal_counts, statistics
from minarch.analysis.records import read_curves, read_runs
from minarch.analysis.refinement import gaps, sizes_to_add
from minarch.analysis.regimes import Thresholds
from minarch.analysis.reliability import Reliability
from minarch.analysis.sizes import sizes_of
from minarch.errors import UserError
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.families import Family, architecture
from minarch.models.families import family as kind_of


def between(family: str, tried: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Family]]:
    """Knobs and architectures between those tried: all else is equal, the size lies between two neighbours."""
    knob = kind_of(family).size
    tried = [{knob: getattr(architecture(family, knobs), knob), **knobs} for knobs in tried]  # it may be a default
    for knobs in tried:
        like = [other[knob] for other in tried if {**other, knob: knobs[knob]} == knobs]
        for size in range(knobs[knob] + 1, min((other for other in like if other > knobs[knob]), default=0)):
            with suppress(UserError):  # not every width is a multiple of the heads
                yield {**knobs, knob: size}, architecture(family, {**knobs, knob: size})


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write refinement.json: the architectures to add, by data set and family, as {dataset, family, knobs}.

    Per data set and family they are those of the depth whose P_min is smallest; a family whose P_min is not found, or
    is its smallest size, or has no size between, gets none: there the sweep must be widened.
    """
    thresholds, reliability = Thresholds.of(config), Reliability.of(config)
    bootstrap = Bootstrap(resamples=config["bootstrap"], confidence=config["confidence"], seed=config["seed"])
    runs, curves = read_runs(inputs["sweep"]), read_curves(inputs["sweep"])
    records = {item.name: read_json(item / "results.json") for item in inputs["sweep"]}
    added = []
    for (dataset, family), rows in runs.groupby(["dataset", "family"]):
        of_family = curves[(curves["dataset"] == dataset) & (curves["family"] == family)]
        depths = {
            depth: sizes_of(part, of_family[of_family["architecture"].isin(part["architecture"])], reliability)
            for depth, part in rows.groupby("depth")
        }
        samples = [statistics(sizes, bootstrap, i, reliability.trainings) for i, sizes in enumerate(depths.values())]
        best = np.max([of_depth.mean.max(axis=-1) for of_depth in samples], axis=0)
        counts = [minimal_counts(of_depth, thresholds, best)[0] for of_depth in samples]
        p_min = dict(zip(depths, counts, strict=True))
        depth = min(p_min, key=lambda depth: p_min[depth][0])
        mine = [records[name] for name in sorted(rows.loc[rows["depth"] == depth, "item"].unique())]
        shape, classes = mine[0]["repeats"][0]["spec"]["shape"], mine[0]["classes"]
        tried = [record["knobs"] for record in mine]
        inside = between(str(family), tried)
        new = {count: knobs for knobs, kind in inside if (count := kind.parameters(shape, classes)) is not None}
        grid = [size.parameters for size in depths[depth]]
        chosen = sizes_to_add(gaps(grid, p_min[depth][1:]), sorted(new), config["refine"])
        added += [{"dataset": dataset, "family": family, "knobs": new[count]} for count in chosen]
    write_json(out / "refinement.json", added)


if __name__ == "__main__":
    run_stage("refine", work)
