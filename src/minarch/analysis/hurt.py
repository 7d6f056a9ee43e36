"""Whether fewer bits hurt small models more, and harder data more: slopes of what the parameters' precision costs.

All rules here are our inference (docs/methods.md 1.4). Size is judged within a family and data set, so that neither
stands in for it; difficulty between data sets, whose number is all that counts.
"""

import numpy as np
import pandas as pd

from minarch.analysis.multiplicity import P_ADJUSTED, P_VALUE, VERDICT, adjusted_name, with_adjusted
from minarch.analysis.precision import DROPS, OPEN, POINT, drops, integers
from minarch.analysis.records import MODEL
from minarch.analysis.slopes import FEWEST_DATASETS, Slopes, at_equal_size, between, within
from minarch.contract import ORIGINAL
from minarch.quantization import FLOAT32

HURT_MORE, HURT_LESS, TOO_FEW = "hurt more", "hurt less", "too few"  # of too few it says what, and how many
POINTS, RELATIVE = "points", "relative"  # accuracy lost; lost of what fp32 has above chance, in per cent
SIZE, DIFFICULTY = "size", "difficulty"
ALL = "all"  # of the families; of the precisions AVERAGED, per tensor and per row
AVERAGED = [f"int{bits}" for bits in (2, 3, 4, 5, 6)]  # finer ones cost next to nothing, one bit nearly all
LEARNED = 5.0  # points above chance at fp32: a network with less has nothing to lose
COLUMNS = ["family", *POINT, "bits", "loss", "term", "coefficient", "low", "high", P_VALUE, P_ADJUSTED]
COLUMNS += ["models", "datasets", "interval_over", VERDICT, adjusted_name()]


def losses(curves: pd.DataFrame, chance: pd.Series) -> pd.DataFrame:
    """What every original model loses on test images: a row per model (MODEL), columns POINT and loss.

    Both losses are those of mean accuracies over repeats. Models are left out that are not LEARNED, or lack a precision
    that others have.

    Args:
        curves: as of `minarch.analysis.precision`, of any variants.
        chance: accuracy of guessing, a fraction, by data set.
    """
    curves = drops(curves[curves["method"] == ORIGINAL])
    finest = curves[curves["precision"] == FLOAT32].groupby(MODEL)["test"].mean()
    above = 100 * (finest - chance.reindex(finest.index.get_level_values("dataset")).to_numpy())
    lost = integers(curves).groupby([*MODEL, *POINT])[DROPS[1]].mean().unstack(POINT).dropna()
    lost = lost[above.reindex(lost.index) >= LEARNED]
    averaged = lost.loc[:, lost.columns.get_level_values("precision").isin(AVERAGED)]
    if not averaged.empty:
        lost[ALL, ALL] = averaged.mean(axis=1)
    relative = 100 * lost.div(above.reindex(lost.index), axis=0)
    return pd.concat({POINTS: lost, RELATIVE: relative}, axis=1, names=["loss"]).reorder_levels(
        [*POINT, "loss"], axis=1
    )


def difficulties(curves: pd.DataFrame) -> pd.Series:
    """Points that the best model of a data set, as it was trained, is short of 100 % at fp32, by data set.

    Of validation images: those of test are in the losses, and the same noise would be on both sides.
    """
    finest = curves[(curves["method"] == ORIGINAL) & (curves["precision"] == FLOAT32)]
    return 100 * (1 - finest.groupby(MODEL)["validation"].mean().groupby("dataset").max())


def hurt_table(curves: pd.DataFrame, parameters: pd.DataFrame, chance: pd.Series, confidence: float) -> pd.DataFrame:
    """A row per family (and ALL, with a level for each, where there are several), precision, scheme, loss and term.

    SIZE: `coefficient` is what ten times the parameters add to the loss, within a family and data set. DIFFICULTY: what
    a point of difficulty adds, between data sets, at equal size. The verdicts, on smaller models and on harder data,
    are those of `p`; adjusted ones are of all rows together. Rows that could not tell whatever they held are no tests.

    Args:
        curves, chance: as of `losses`.
        parameters: MODEL and parameters, of every model; rows may repeat.
    """
    lost = losses(curves, chance)
    sizes = parameters.drop_duplicates(MODEL).set_index(MODEL)["parameters"].astype(float)
    lost = lost[lost.index.isin(sizes.index)].sort_index()
    table = slopes_table(lost, sizes.reindex(lost.index).map(np.log10), difficulties(curves), confidence)
    bits = curves.drop_duplicates("precision").set_index("precision")["bits"]
    table["bits"] = table["precision"].map(bits).astype("Int64")
    order = ["family", "loss", "term", "bits", *POINT]
    ascending = [name not in ("term", "bits") for name in order]
    table = table.sort_values(order, ascending=ascending, ignore_index=True, na_position="first")
    return judged(table, confidence)[COLUMNS]


def slopes_table(lost: pd.DataFrame, log_size: pd.Series, hard: pd.Series, confidence: float) -> pd.DataFrame:
    """The rows of `hurt_table` that all columns of `lost` have, without verdicts.

    Args:
        lost: as `losses` gives it.
        log_size: logarithm of the parameters of the same models.
        hard: difficulty by data set.
    """
    families = list(lost.index.unique("family"))
    tables = [pd.DataFrame(columns=COLUMNS).astype({P_VALUE: float})]
    for family in [*families, ALL] if len(families) > 1 else families:
        kept = lost if family == ALL else lost[lost.index.get_level_values("family") == family]
        terms = _slopes(kept, log_size.reindex(kept.index).to_numpy(), hard, confidence)
        tables += [_rows(kept, slopes).assign(family=family, term=term) for term, slopes in terms.items()]
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _slopes(lost: pd.DataFrame, log_size: np.ndarray, hard: pd.Series, confidence: float) -> dict[str, Slopes]:
    """Term -> slopes of all losses of some models."""
    names = lost.index.to_frame(index=False)
    cells = names.groupby(["family", "dataset"]).ngroup().to_numpy()
    families, (datasets, known) = pd.factorize(names["family"])[0], pd.factorize(names["dataset"], sort=True)
    outcomes = lost.to_numpy()
    equal = at_equal_size(log_size, families, datasets, outcomes)
    return {
        SIZE: within(log_size, cells, datasets, outcomes, confidence),
        DIFFICULTY: between(hard[known].to_numpy(), equal, confidence, len(lost)),
    }


def _rows(lost: pd.DataFrame, slopes: Slopes) -> pd.DataFrame:
    """One row per loss."""
    table = lost.columns.to_frame(index=False)
    table["coefficient"], table["low"], table["high"] = slopes.coefficient, slopes.low, slopes.high
    return table.assign(
        **{P_VALUE: slopes.p}, models=slopes.models, datasets=slopes.datasets, interval_over=slopes.over
    )


def judged(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The table with verdicts, single and adjusted over all rows; those of too few models or data sets are no tests."""
    size, p = table["term"] == SIZE, table[P_VALUE]
    few_datasets, few_models = ~size & (table["datasets"] < FEWEST_DATASETS), size & p.isna()
    worse = table["coefficient"] * np.where(size, -1, 1)  # smaller models hurt more: a falling line
    verdict = pd.Series(OPEN, table.index)
    verdict = verdict.mask((p <= 1 - confidence) & (worse > 0), HURT_MORE)
    verdict = verdict.mask((p <= 1 - confidence) & (worse < 0), HURT_LESS)
    verdict = verdict.mask(few_datasets, f"{TOO_FEW} data sets (" + table["datasets"].astype(str) + ") to tell")
    verdict = verdict.mask(few_models, f"{TOO_FEW} models (" + table["models"].astype(str) + ") to tell")
    tests = table.assign(**{VERDICT: verdict, P_VALUE: p.mask(few_datasets)})
    return with_adjusted(tests, confidence, OPEN).assign(**{P_VALUE: p})
