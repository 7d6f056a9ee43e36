"""Numbers and names as readers want them: per cent, separators, intervals beside means, a dash for what is missing."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from markupsafe import Markup

from minarch.analysis.choice import FURTHER

SCOPES = {"global": "whole network", "layer": "each layer"}  # among which weights the smallest are sought
PLAIN = {  # settings and statuses as a reader says them
    "L1": "size of its weights",
    "random": "drawn by lot",
    "layer": "each layer",
    "global": "the whole network",
    "macs": "MACs",
    "one-shot": "one step",
    "iterative": "several steps",
    "trained": "trained on",
    "rewound": "rewound, then trained",
    "fresh": "new, then trained",
    "nearest": "nearest of the sweep",
    "pruned": "after the cut",
    "finetuned": "trained",
    "channel": "row",
    "failure_share": "share of failed repeats",
    "spread_factor": "spread against larger sizes",
    "spread_points": "spread in points",
    "gain_share": "share of the best's gain over chance",
    "below_best_points": "points below the best",
    "near_best_points": "points of the near best",
    "saturated_train": "train accuracy of overfitting",
    "gap_factor": "gap of train and validation",
    "loss_rise": "rise of the validation loss",
    "from p_min": Markup("from P<sub>min</sub> on"),
    "P_min to 4 P_min": Markup("from P<sub>min</sub> to 4 P<sub>min</sub>"),
}
ROLES = {"near-best": "near best"}
MISSING = Markup("–")


def is_missing(value: Any) -> bool:
    return bool(pd.isna(value)) or not math.isfinite(value)


def short_name(row: dict[str, Any]) -> str:
    """A model's role, which its family has once, or its architecture where several may have the role."""
    return str(row["architecture"] if row["role"] == FURTHER else row["role"])


def plain(name: Any) -> str:
    """A setting or status in plain words."""
    return PLAIN.get(str(name), str(name))


def role_name(role: Any) -> str:
    """A representative's role as a reader says it."""
    return ROLES.get(str(role), str(role))


def percent(value: Any, digits: int = 1) -> str:
    """0.9712 as "97.1"; the unit stands in the column's head."""
    return MISSING if is_missing(value) else f"{100 * float(value):.{digits}f}"


def percent_below(value: Any) -> str:
    """0.7498 as "74": a lower bound is rounded down, so that it stays one."""
    return MISSING if is_missing(value) else f"{math.floor(100 * float(value) + 1e-9)}"


def percent_above(value: Any) -> str:
    """0.4507 as "46": an upper bound is rounded up, so that it stays one."""
    return MISSING if is_missing(value) else f"{math.ceil(100 * float(value) - 1e-9)}"


def exact_percent(value: Any) -> str:
    """0.97 as "97" and 0.9995 as "99.95": a limit as it was set."""
    return MISSING if is_missing(value) else f"{100 * float(value):.10g}"


def span(counts: Iterable[int]) -> str:
    """Numbers that may differ: "5" if all are 5, else "1 to 20"."""
    counts = [int(count) for count in counts]
    fewest, most = min(counts), max(counts)
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def share(value: Any) -> str:
    """0.125 as "12.5" and 0.9 as "90": levels, which are exact."""
    return MISSING if is_missing(value) else f"{100 * float(value):.3g}"


def count(value: Any) -> str:
    """1490.0 as "1,490"."""
    return MISSING if is_missing(value) else f"{float(value):,.0f}"


def points(value: Any) -> str:
    """Percentage points: one decimal, with a sign unless it rounds to zero."""
    if is_missing(value):
        return MISSING
    text = f"{float(value):+.1f}"
    return text[1:] if float(text) == 0 else text


def number(value: Any, digits: int = 3) -> str:
    """Significant digits, never in exponential form."""
    if is_missing(value):
        return MISSING
    exponent = int(f"{float(value):.{digits - 1}e}".partition("e")[2])
    return f"{float(value):,.{max(0, digits - 1 - exponent)}f}"


def points_apart(value: Any) -> str:
    """Percentage points of what has no sign: a spread, or a largest difference."""
    return MISSING if is_missing(value) else f"{float(value):.1f}"


def milliseconds(value: Any) -> str:
    """0.0123 as "12.3 µs" and 1.23 as "1.23 ms"."""
    if is_missing(value):
        return MISSING
    return f"{number(1000 * value)} µs" if value < 1 else f"{number(value)} ms"


def correlation(value: Any) -> str:
    """Two decimals with a sign."""
    return MISSING if is_missing(value) else f"{float(value):+.2f}"


def p_value(value: Any) -> str:
    return number(value, 2)


def duration(seconds: Any) -> str:
    """3725.0 as "62 minutes", 40.2 as "40 s"."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


FORMATS: dict[str, Callable[..., str]] = {
    "percent": percent,
    "percent_below": percent_below,
    "percent_above": percent_above,
    "exact_percent": exact_percent,
    "plain": plain,
    "role": role_name,
    "share": share,
    "count": count,
    "duration": duration,
    "points": points,
    "points_apart": points_apart,
    "milliseconds": milliseconds,
    "number": number,
    "correlation": correlation,
    "p": p_value,
}


def between(value: Any, low: Any, high: Any, kind: str) -> Markup:
    """A value in words of `kind`; after it, small, its interval."""
    value, low, high = (FORMATS[kind](number) for number in (value, low, high))
    if MISSING in (low, high):
        if low == high or value == MISSING:
            return Markup("{}").format(value)
        return Markup("{} <small>{} to &infin;</small>").format(value, low)
    return Markup("{} <small>{} to {}</small>").format(value, low, high)


def estimate(row: dict[str, Any], name: str, kind: str, mean: str = "_mean") -> Markup:
    """The value of column name+mean between name_low and name_high."""
    return between(row[name + mean], row[f"{name}_low"], row[f"{name}_high"], kind)
