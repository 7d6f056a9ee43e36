import pandas as pd

from minarch.reporting.findings.early import certain_epochs


def test_the_certain_epoch_comes_after_the_last_false_alarm() -> None:
    alarms = [3, 0, 1, 0, 0]
    epochs = {"epoch": range(1, 6), "false_alarms": alarms, "missed": [0, 0, 0, 2, 0], "called_unstable": 4}
    table = pd.DataFrame(epochs).assign(dataset="digits", family="dnn", p_min=[9, 9, 9, 5, 7])
    (row,) = certain_epochs(table.sample(frac=1, random_state=0))
    assert (row["epoch"], row["missed"], row["budget"]) == (4, 2, 5)
    assert (row["p_min"], row["p_min_end"]) == (5, 7)
