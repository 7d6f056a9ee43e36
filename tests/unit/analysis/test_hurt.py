"""Whom fewer bits hurt more: worlds in which the answer is known."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.hurt import (
    ALL,
    COLUMNS,
    DIFFICULTY,
    HURT_LESS,
    HURT_MORE,
    POINTS,
    RELATIVE,
    SIZE,
    difficulties,
    hurt_table,
    judged,
    losses,
    slopes_table,
)
from minarch.analysis.records import MODEL

FAMILIES = ["cnn", "dnn", "vit"]
STEPS = 6  # sizes of every family
INTEGERS = [f"int{bits}" for bits in range(8, 1, -1)]


def design(datasets=6):
    """A model per family, data set and size; each family has other sizes, and harder data sets have larger models."""
    family, dataset, step = (index.ravel() for index in np.indices((len(FAMILIES), datasets, STEPS)))
    models = pd.DataFrame({"family": np.array(FAMILIES)[family], "dataset": [f"set-{number}" for number in dataset]})
    models["log_size"] = 2 + 0.3 * step + 0.8 * family + 0.1 * dataset
    models["architecture"] = [f"{name}-{number}" for name, number in zip(models["family"], step, strict=True)]
    models["parameters"] = 10 ** models["log_size"]
    models["finest"] = 0.95 - 0.07 * dataset - 0.02 * (STEPS - 1 - step)
    return models


def curves(models, lost, precisions=("int4",), schemes=("tensor",)):
    """Curves of one repeat: fp32 at `finest`, everything else `lost` points [M] or [M, points of the curve] below."""
    points = [(precision, scheme) for precision in precisions for scheme in schemes]
    lost = np.broadcast_to(np.asarray(lost, float).T, (len(points), len(models))).T
    tables = [models.assign(precision="fp32", scheme="tensor", lost=0.0)]
    tables += [models.assign(precision=name[0], scheme=name[1], lost=lost[:, i]) for i, name in enumerate(points)]
    table = pd.concat(tables, ignore_index=True)
    bits = table["precision"].str.extract(r"(\d+)")[0].astype(int)
    table = table.assign(method="original", level=0.0, repeat=0, bits=bits, bytes=bits)
    table["validation"] = table["test"] = table["finest"] - table["lost"] / 100
    return table


def chance(models):
    return pd.Series(0.1, models["dataset"].unique())


def hurt(models, lost, **points):
    return hurt_table(curves(models, lost, **points), models, chance(models), 0.95)


def row(table, family=ALL, term=SIZE, loss=POINTS, precision="int4"):
    names = {"family": family, "term": term, "loss": loss, "precision": precision}
    (found,) = table[(table[list(names)] == pd.Series(names)).all(axis=1)].to_dict("records")
    return found


def hardness(models):
    return 100 * (1 - models.groupby("dataset")["finest"].max())


def world(generator, models, points, slope=0.0, per_difficulty=0.0):
    """Points lost [M, points]: of families and data sets of their own, with noise of one point between models."""
    outcomes = generator.normal(0, 1, (len(models), points)) + slope * models["log_size"].to_numpy()[:, None]
    for names, spread in ((["family"], 4), (["dataset"], 0.2 if per_difficulty else 4), (["family", "dataset"], 0.2)):
        groups = models.groupby(names).ngroup().to_numpy()
        outcomes += generator.normal(0, spread, (groups.max() + 1, points))[groups]
    return outcomes + per_difficulty * models["dataset"].map(hardness(models)).to_numpy()[:, None]


def studies(seed, models, of_family=0.0, **effects):
    """The tables of 200 studies of four precisions, by points; they have their models in common: one call fits all.

    Each family loses `of_family` points less than the one before it.
    """
    precisions = ["int5", "int4", "int3", "int2"]
    lost = world(np.random.default_rng(seed), models, 200 * len(precisions), **effects)
    lost -= of_family * models["family"].map(FAMILIES.index).to_numpy()[:, None]
    columns = pd.MultiIndex.from_product([precisions, range(200), [POINTS]], names=["precision", "scheme", "loss"])
    table = pd.DataFrame(lost, pd.MultiIndex.from_frame(models[MODEL]), columns)
    rows = slopes_table(table, pd.Series(models["log_size"].to_numpy(), table.index), hardness(models), 0.95)
    return [judged(study, 0.95) for _, study in rows.groupby("scheme")], lost


def test_known_slopes() -> None:
    models = design()
    hard = models["dataset"].map(hardness(models))
    table = hurt(models, 20 - 3 * models["log_size"] + 0.2 * hard)
    for family in [*FAMILIES, ALL]:
        size, difficulty = row(table, family), row(table, family, DIFFICULTY)
        assert [size[name] for name in ("coefficient", "low", "high")] == pytest.approx([-3] * 3)
        assert [difficulty[name] for name in ("coefficient", "low", "high")] == pytest.approx([0.2] * 3)
        assert {size["verdict"], size["verdict_adjusted"], difficulty["verdict"]} == {HURT_MORE}
        models_of = len(models) if family == ALL else len(models) // 3
        assert (size["models"], size["datasets"], size["interval_over"]) == (models_of, 6, "data sets")
        assert difficulty["p"] == pytest.approx(2 / 720)
    assert list(table) == COLUMNS and len(table) == 2 * 2 * 4 * 2  # points of the curve and their mean


def test_the_other_way_round() -> None:
    models = design()
    hard = models["dataset"].map(hardness(models))
    table = hurt(models, 5 + 2 * models["log_size"] - 0.1 * hard)
    assert set(table.loc[table["loss"] == POINTS, "verdict_adjusted"]) == {HURT_LESS}


def test_the_relative_loss_is_of_what_is_above_chance() -> None:
    models = design(datasets=3)
    above = 100 * (models["finest"] - 0.1)
    table = hurt(models, above * (0.5 - 0.1 * models["log_size"]))
    assert row(table, loss=RELATIVE)["coefficient"] == pytest.approx(-10)
    assert row(table, loss=POINTS)["coefficient"] != pytest.approx(-10, abs=1)
    lost = losses(curves(models, 8.5), chance(models))
    assert lost["int4", "tensor", POINTS].to_numpy() == pytest.approx(8.5)
    assert lost["int4", "tensor", RELATIVE].max() == pytest.approx(850 / above.min())


def test_what_learned_nothing_does_not_count() -> None:
    models = design()
    models.loc[models["architecture"] == "cnn-0", "finest"] = 0.149
    table = hurt(models, 3 - models["log_size"])
    assert row(table)["models"] == len(models) - 6 and row(table, "cnn")["models"] == len(models) // 3 - 6


def test_the_average_is_of_two_to_six_bits_and_both_schemes() -> None:
    models = design()
    at = [(precision, scheme) for precision in INTEGERS for scheme in ("tensor", "channel")]
    factors = np.array([int(precision[3:]) + (scheme == "channel") for precision, scheme in at])
    lost = models["log_size"].to_numpy()[:, None] * factors
    table = hurt(models, lost, precisions=INTEGERS, schemes=["tensor", "channel"])
    average = row(table, precision=ALL)
    assert (average["scheme"], pd.isna(average["bits"])) == (ALL, True)
    assert average["coefficient"] == pytest.approx(np.mean([2, 3, 4, 5, 6]) + 0.5)


def test_difficulty_is_of_the_best_model_on_validation_images() -> None:
    models = design(datasets=3)
    table = curves(models, 5.0)
    table["test"] = 0.5
    assert difficulties(table).to_dict() == pytest.approx({"set-0": 5, "set-1": 12, "set-2": 19})


def test_three_data_sets_say_nothing_of_difficulty_and_of_size_on_themselves() -> None:
    models = design(datasets=3)
    generator = np.random.default_rng(0)
    table = hurt(models, world(generator, models, 1, slope=-5, per_difficulty=2))
    size, difficulty = row(table), row(table, term=DIFFICULTY)
    assert (size["verdict_adjusted"], size["interval_over"]) == (HURT_MORE, "models")
    assert difficulty["verdict"] == difficulty["verdict_adjusted"] == "too few data sets (3) to tell"
    assert difficulty["p"] == pytest.approx(2 / 6) and np.isnan([difficulty["low"], difficulty["p_adjusted"]]).all()


def test_too_few_models_are_said() -> None:
    models = design(datasets=3)
    few = models[models["architecture"].str.endswith("-0")]  # one of each family and data set
    assert row(hurt(few, 5.0), "cnn")["verdict"] == "too few models (0) to tell"
    pair = models[models["architecture"].isin(["cnn-0", "cnn-1"]) & (models["dataset"] == "set-0")]
    table = hurt(pair, 5.0 * pair["log_size"])
    assert set(table["family"]) == {"cnn"}  # no pooled rows of one family
    assert row(table, "cnn")["verdict"] == "too few models (2) to tell"
    assert row(table, "cnn")["coefficient"] == pytest.approx(5)


def test_only_originals_and_integers_count() -> None:
    models = design()
    table = curves(models, 4 - models["log_size"], ["int4", "fp8"])
    pruned = table.assign(method="l1", level=0.5, test=0.0)
    expected = hurt_table(table[table["precision"] != "fp8"], models, chance(models), 0.95)
    both = pd.concat([table, pruned]).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        hurt_table(both, models.sample(frac=1, random_state=1), chance(models), 0.95), expected
    )


def test_nothing_measured_is_nothing_told() -> None:
    models = design()
    table = hurt_table(curves(models, 1.0)[:0], models[:0], chance(models), 0.95)
    assert table.empty and list(table) == COLUMNS
    assert hurt(models, 1.0, precisions=[]).empty


def share(tables, term, verdicts, column="verdict_adjusted"):
    """Of the rows of a term the share with one of these verdicts."""
    return np.mean([table.loc[table["term"] == term, column].isin(verdicts).mean() for table in tables])


def assert_no_effect(tables):
    """At most the nominal share of the studies has any verdict, and of the rows that are judged alone."""
    told = [HURT_MORE, HURT_LESS]
    assert np.mean([table["verdict_adjusted"].isin(told).any() for table in tables]) <= 0.05
    for term in (SIZE, DIFFICULTY):
        assert share(tables, term, told, "verdict") <= 0.055


@pytest.mark.parametrize(("datasets", "seed"), [(3, 0), (6, 1)])
def test_families_and_data_sets_that_differ_are_no_sign_of_size_or_difficulty(datasets, seed) -> None:
    """200 studies without an effect, in which families and data sets have losses of their own."""
    assert_no_effect(studies(seed, design(datasets))[0])


def test_size_that_goes_with_the_family_is_no_effect_of_size() -> None:
    """Each family has ten times the size of the one before and loses eight points less; its own sizes do nothing."""
    models = design()
    models["log_size"] = 2 + 0.02 * (models["log_size"] - 2) + models["family"].map(FAMILIES.index)
    tables, lost = studies(4, models, of_family=8)
    assert np.mean(np.polyfit(models["log_size"], lost, 1)[0] < -3) > 0.9  # what one line through all models says
    assert_no_effect(tables)


@pytest.mark.parametrize(("datasets", "slope"), [(3, -2.0), (6, -1.5)])
def test_an_effect_of_size_is_told(datasets, slope) -> None:
    """Points per ten times the parameters, of which a family spans one and a half, beside noise of one point."""
    tables, _ = studies(2, design(datasets), slope=slope)
    assert share(tables, SIZE, [HURT_MORE]) >= 0.8 and share(tables, SIZE, [HURT_LESS]) == 0


def test_an_effect_of_difficulty_is_told_by_six_data_sets() -> None:
    """A seventh of a point per point of difficulty: five points between the easiest and the hardest."""
    tables, _ = studies(3, design(), per_difficulty=0.15)
    assert share(tables, DIFFICULTY, [HURT_MORE]) >= 0.8 and share(tables, DIFFICULTY, [HURT_LESS]) == 0
    assert share(tables, SIZE, [HURT_MORE, HURT_LESS]) <= 0.055
