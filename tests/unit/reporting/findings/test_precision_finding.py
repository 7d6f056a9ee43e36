import pytest

from minarch.reporting.findings.precision import fewest_counts, fragility, hurt_counts


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
        assert row["cases"] > 0 and row["more"] == row["less"] == 0  # too few repeats for any to remain among so many
        assert row["alone"] == (row["cases"] if row["bits"] == 2 else 0)
        if row["bits"] == 2:  # three points, and a third of a point for half the parameters
            assert row["median"] == pytest.approx(3.0 + 0.301, abs=0.01)


def test_what_remains_of_those_judged_alone_is_counted(simulated) -> None:
    fragile = simulated["fragile"]
    (row,) = fragility(fragile[fragile["bits"] == 2].assign(verdict_adjusted="more fragile"), ["bits"])
    assert row["more"] == row["alone"] == row["cases"] and row["less"] == 0


def test_whom_it_hurts_is_counted(simulated) -> None:
    """Two data sets: difficulty cannot be told, and of size the averages do not count."""
    hurt = simulated["hurt"]
    counts = {(row["term"], row["loss"]): row for row in hurt_counts(hurt)}
    assert set(counts) == {(term, loss) for term in ("size", "difficulty") for loss in ("points", "relative")}
    for (term, _), row in counts.items():
        rows = hurt[(hurt["term"] == term) & (hurt["precision"] != "all")]
        assert row["cases"] == len(rows) / 2
        assert row["too_few"] == row["cases"] if term == "difficulty" else row["more"] <= row["alone"]
    marked = hurt.assign(verdict="hurt less", verdict_adjusted="hurt less")
    assert all(row["less"] == row["alone"] == row["cases"] and not row["more"] for row in hurt_counts(marked))
