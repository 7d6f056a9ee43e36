"""The sections of what is found out about trained networks, and of what is told of it."""

from typing import Any, Literal

from pydantic import Field

from minarch.flow.sections.base import NOT_IDENTITY, Confidence, Distinct, Images, Points, Real, Section, Seed, Share


class Convergence(Section):
    """Thresholds of the regimes (defaults: our inference, see the report)."""

    failure_share: Real = Field(0.05, ge=0, le=1, description="unstable above this share of failed repeats")
    spread_factor: Real = Field(
        3.0, gt=0, le=1000, description="unstable above this many times the spread of the larger sizes"
    )
    spread_points: Points = Field(2.0, description="... but never below this spread (percentage points)")
    below_best_points: Points = Field(10.0, description="unstable this far below the best size (points)")
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
    refine: int | None = Field(
        None,
        ge=1,
        le=100,
        json_schema_extra=NOT_IDENTITY,
        description="sizes added around P_min per data set and family, where they narrow its interval most; null: none",
    )


class Weights(Section):
    """Statistics of every trained network's weights."""

    near_zero: Real = Field(1e-3, gt=0, le=1, description="a weight below this counts as near zero")
    attention_images: Images = Field(64, description="validation images over which attention maps are averaged")


class Similarity(Section):
    """Distances between the weights of good and of poor networks (definitions: our inference)."""

    good_points: Points = Field(1.0, description="good: within this of the family's best repeat (points)")
    poor_share: Share = Field(0.25, description="poor: this share of a family's repeats, the worst ones")
    networks: int = Field(20, ge=2, le=1000, description="at most this many good and poor ones per data set and family")
    permutations: int = Field(1000, ge=100, le=100_000, description="of the labels good and poor")
    confidence: Confidence = Field(0.95, description="level of each interval")
    seed: Seed = Field(0, description="seed of the draws")


class Representatives(Section):
    """Which models go on to pruning and quantization."""

    roles: Distinct[Literal["minimal", "learning", "overfitting"]] = Field(
        default=["minimal", "learning", "overfitting"],
        min_length=1,
        description="one model each, per data set and family",
    )
    further: dict[str, Any] | None = Field(
        None, description="more architectures of the sweep, written as there: family -> knob -> value or list"
    )


class Aggregate(Section):
    """The report's recommendation."""

    max_drop_points: Points = Field(1.0, description="a recommended model loses at most this against the best (points)")
