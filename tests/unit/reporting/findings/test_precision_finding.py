import pytest

from minarch.reporting.findings.precision import fewest_counts, fragility, hurt_at


def test_four_bits_are_enough_for_all(simulated) -> None:
    counts = fewest_counts(simulated["fewest"])
    assert {(row["scheme"], row["models"]) for row in counts} == {
        (scheme, models) for scheme in ("tensor", "channel") for models in ("as trained", "pruned")
    }
    assert all(row["bits"] == {4: row["cases"]} and row["none"] == 0 for row in counts)


def test_pruning_made_them_more_fragile_at_two_bits_only(simulated) -> None:
    rows = fragility(simulated["fragile"], ["bits", "scheme", "method"])
    assert [row["bits"] for row in rows] == sorted((row["bits"] for row in rows), reverse=True)
    for row in rows:
        assert row["cases"] > 0 and row["less"] == 0
        assert row["more"] == (row["cases"] if row["bits"] == 2 else 0)
        if row["bits"] == 2:  # three points, and a third of a point for half the parameters
            assert row["median"] == pytest.approx(3.0 + 0.301, abs=0.01)


def test_where_it_hurts_is_told_in_words(simulated) -> None:
    size, difficulty = hurt_at(simulated["hurt"])
    assert (size["term"], size["more"], size["less"]) == ("log10_parameters", "int2 per row, int2 per tensor", "")
    assert size["open"] == 4 and difficulty["open"] == 6
