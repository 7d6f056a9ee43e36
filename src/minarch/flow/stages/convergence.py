"""Stage convergence: regimes and minimal sizes of all that was trained."""

from collections.abc import Iterator

from pydantic import Field

from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.section import (
    MOST_REPEATS,
    NOT_IDENTITY,
    UNLESS_DEFAULT,
    Confidence,
    Points,
    Real,
    Section,
    Seed,
    Share,
)
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import trained


class Convergence(Section):
    """Thresholds of the regimes (defaults: our inference, see the report)."""

    failure_share: Real = Field(0.05, ge=0, le=1, description="unstable above this share of failed repeats")
    spread_factor: Real = Field(
        3.0, gt=0, le=1000, description="unstable above this many times the spread of the larger sizes"
    )
    spread_points: Points = Field(2.0, description="... but never below this spread (percentage points)")
    gain_share: Share | None = Field(
        0.9, description="unstable below this share of what the best size gains over chance; null: not judged so"
    )
    below_best_points: Points | None = Field(
        None, description="unstable this far below the best size (points); null: not judged so"
    )
    near_best_points: Points = Field(1.0, description="as good as the best within this (points)")
    saturated_train: Real = Field(0.995, gt=0, le=1, description="training accuracy that counts as fitted completely")
    gap_factor: Real = Field(
        2.0, gt=0, le=1000, description="overfitting above this many times the first good size's gap"
    )
    loss_rise: Real = Field(
        1.1, ge=1, le=1000, description="overfitting when validation loss ends this many times above its minimum"
    )
    bootstrap: int = Field(1000, ge=100, le=100_000, description="resamples of the repeats for each interval")
    confidence: Confidence = Field(0.95, description="level of each interval")
    seed: Seed = Field(0, description="seed of the resampling")
    target: Share | None = Field(
        None, description="validation accuracy below which a training has failed; null: twice chance"
    )
    trainings: int = Field(
        1,
        ge=1,
        le=MOST_REPEATS,
        json_schema_extra=UNLESS_DEFAULT,
        description="a size or model with fewer trainings is not called reliable",
    )
    refine: int | None = Field(
        None,
        ge=1,
        le=100,
        json_schema_extra=NOT_IDENTITY,
        description="sizes added around P_min per data set and family, where they narrow its interval most; null: none",
    )


def items(before: Before, *, convergence: Convergence) -> Iterator[Item]:
    inputs: Inputs = {"sweep": [item.path for item in trained(before)]}
    yield STAGE.item("convergence", convergence.model_dump(), inputs, identity=convergence.identity())


STAGE = Stage(
    name="convergence",
    words="regimes (unstable, learning, overfitting) and minimal learnable sizes",
    sections=("convergence",),
    reads=("sweep", "refined"),
    items=items,
    single=True,
    resources=Resources(seconds=2.5, urgent=True),  # the representatives wait for it
)
