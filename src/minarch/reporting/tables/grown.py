"""The models that are no representatives: finalists, and those whose structure was found while they were trained, with
what it cost to find them.

The latter are what searches for a depth and complexity-aware training end with.
"""

import pandas as pd

from minarch.analysis.choice import FURTHER, ROLES
from minarch.analysis.records import MODEL
from minarch.complexity import GATED

SEARCH_MACS, SEARCH_TRAININGS = "search_macs", "search_trainings"
COLUMNS = {"parameters_mean": "parameters", "cost_macs": SEARCH_MACS, "cost_mean": SEARCH_TRAININGS}


def searched_models(odn: pd.DataFrame, complexity: pd.DataFrame) -> pd.DataFrame:
    """One row per model: MODEL, its role, and the means over its repeats of parameters and of the MACs that it took.

    SEARCH_TRAININGS are these MACs over those of one training of the whole network, the mean of its repeats. What a
    search's target is read off is not in its cost.

    Args:
        odn: the table ODN, of which methods are meant.
        complexity: the table COMPLEXITY, of which networks trained with gates are meant.
    """
    models = [odn[odn["restart"].notna()], complexity[complexity["way"] == GATED]]
    tables = [table[[*MODEL, *COLUMNS]].rename(columns=COLUMNS) for table in models]
    table = pd.concat([table for table in tables if len(table)] or tables[:1])
    table = table.assign(role=pd.Categorical([FURTHER] * len(table), ROLES)).astype(
        dict.fromkeys(COLUMNS.values(), float)
    )
    return table[[*MODEL, "role", *COLUMNS.values()]].sort_values(MODEL, ignore_index=True)


def named_models(representatives: pd.DataFrame, searched: pd.DataFrame, finalists: pd.DataFrame) -> pd.DataFrame:
    """MODEL and role of all that may be pruned and quantized, by data set, family and role. Who has no other role is
    FURTHER.

    Args:
        representatives: in this order.
        finalists: those of the table CANDIDATES.
    """
    columns = [*MODEL, "role"]
    further = finalists.assign(role=pd.Categorical([FURTHER] * len(finalists), ROLES))
    named = pd.concat([table[columns] for table in (representatives, searched, further)]).drop_duplicates(MODEL)
    return named.sort_values(["dataset", "family", "role"], kind="stable", ignore_index=True)
