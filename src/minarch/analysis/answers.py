"""How narrow the choice of each data set's answer is, and how good it is where nothing was chosen.

The choice is by validation accuracy: what it keeps its bound by, and what a smaller model lacks. As the best of many it
is partly luck, so that its validation accuracy is optimistic; test accuracy is not, and tells it from the best model.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from minarch.analysis.complexity import verdict
from minarch.analysis.controls import welch
from minarch.analysis.front import recommend, worthwhile
from minarch.analysis.intervals import EDGE, TEST, VALIDATION, of_mean
from minarch.analysis.precision import VARIANT
from minarch.analysis.reliability import PROVEN, REACHED, Reliability
from minarch.analysis.routes import STORED
from minarch.analysis.sampling import TEST_SAMPLED, against_validation, difference_interval

MODEL = ["model", "bytes", "n", VALIDATION.value]
BEST, SMALLER = ([f"{which}_{name}" for name in MODEL] for which in ("best", "smaller"))
DROP, LEAD = of_mean("drop_points"), of_mean("lead_points")
PROOF = ["repeats", REACHED, PROVEN]  # only where there is a target
SMALLER_PROOF = [f"smaller_{name}" for name in PROOF]
TESTED = [*TEST, *TEST_SAMPLED[1:]]
BEST_TESTED = [f"best_{name}" for name in TESTED]
OPTIMISM, BEST_DIFFERENCE = of_mean("test_less_validation_points"), of_mean("best_difference_points")
ON_TEST = ["chosen_among", *OPTIMISM, "test_images", *TESTED, *BEST_TESTED, *BEST_DIFFERENCE, "best_verdict"]
COLUMNS = ["dataset", *MODEL, *BEST, *DROP, "margin_points", "fitting", *SMALLER, "short_points", *LEAD, "verdict"]
COLUMNS += ON_TEST


def answers(
    models: pd.DataFrame,
    validations: Mapping[Any, pd.Series],
    rights: Mapping[Any, pd.DataFrame],
    datasets: pd.DataFrame,
    *,
    max_drop_points: float,
    reliability: Reliability,
    confidence: float,
) -> pd.DataFrame:
    """One row of COLUMNS per data set that has a recommended model; but for ON_TEST all in validation accuracy, which
    chose it.

    DROP is how far the recommended model lies below the best, `margin_points` how far above the bound; `fitting` counts
    the models that keep the bound. The smaller one is the most accurate of those with fewer bytes: it misses the bound
    by `short_points`, and LEAD is how far it lies below the recommended one. Intervals are Welch's, of the repeats; the
    verdict says what the recommended model is against the smaller one.

    On test images OPTIMISM is by how much the recommended model is better there than where it was chosen among
    `chosen_among`, BEST_DIFFERENCE by how much it is better than the best, with the verdict `best_verdict`; of one
    model there is none.

    With a target the bound is the target: `fitting` counts the reliable models, the smaller one is not reliable (so its
    mean may lie above the target), and PROOF says of both how many trainings reach it.

    Args:
        models: the table of final models; with a target it has PROOF.
        validations: validation accuracies (fractions) of each final model by repeat, by its values of STORED.
        rights: what each final model knows of the test images (minarch.analysis.sampling), by the same.
        datasets: by data set `trained`, how many models the study trained, and `validation`, its validation images.
    """
    proof = [] if reliability.target is None else PROOF
    rows = []
    for dataset, of_data in models.groupby("dataset"):
        fit = worthwhile(reliability.reliable(of_data))
        if fit.empty:
            continue
        chosen, best = (fit.loc[index] for index in recommend(fit, reliability.within(max_drop_points)))
        accuracy = fit[VALIDATION.value]
        bound = reliability.bound(best[VALIDATION.value], max_drop_points)
        row: dict[str, Any] = {"dataset": dataset} | dict(chosen[MODEL]) | dict(zip(BEST, best[MODEL], strict=True))
        ours, highest = (100 * validations[tuple(model[STORED])].to_numpy(float) for model in (chosen, best))
        row |= dict(zip(DROP, welch(highest, ours, confidence), strict=True))
        row["margin_points"] = 100 * (chosen[VALIDATION.value] - bound)
        row["fitting"] = int((accuracy >= bound - EDGE).sum()) if not proof else len(fit)
        others = fit if not proof else worthwhile(of_data[of_data[VALIDATION.value].notna()])
        lighter = others[others["bytes"] < chosen["bytes"]]
        lighter = lighter.sort_values([VALIDATION.value, "bytes"], ascending=[False, True])
        row |= dict(chosen[proof])
        if len(lighter):
            smaller = lighter.iloc[0]
            row |= dict(zip(SMALLER_PROOF, smaller[proof], strict=False))
            row |= dict(zip(SMALLER, smaller[MODEL], strict=True))
            row["short_points"] = 100 * (bound - smaller[VALIDATION.value])
            lead = welch(ours, 100 * validations[tuple(smaller[STORED])].to_numpy(float), confidence)
            row |= dict(zip(LEAD, lead, strict=True)) | {"verdict": verdict(lead[1], lead[2])}
        right, highest_right = (rights[tuple(model[STORED])] for model in (chosen, best))
        reached = validations[tuple(chosen[STORED])]
        studied = datasets.loc[str(dataset)].to_dict()
        row["chosen_among"] = studied["trained"]
        optimism = against_validation(right, reached, studied["validation"], confidence)
        row |= dict(zip(OPTIMISM, optimism, strict=True)) | {"test_images": right.shape[1]}
        row |= dict(chosen[TESTED]) | dict(zip(BEST_TESTED, best[TESTED], strict=True))
        if chosen.name != best.name:
            same = bool((chosen[VARIANT] == best[VARIANT]).all())  # in two precisions
            difference = difference_interval(right, highest_right, paired=same, confidence=confidence)
            row |= dict(zip(BEST_DIFFERENCE, difference, strict=True))
            row["best_verdict"] = verdict(difference[1], difference[2])
        rows.append(row)
    return pd.DataFrame(rows, columns=[*COLUMNS, *proof, *(SMALLER_PROOF if proof else [])])
