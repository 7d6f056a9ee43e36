"""Large numbers and times in words."""

UNITS = {"years": 31_557_600, "days": 86_400, "h": 3_600, "min": 60}  # of time, in seconds
PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")


def scaled(value: float, unit: str = "") -> str:
    """Three digits and an SI prefix: 12_345 is "12.3 k"."""
    power = 0
    while value >= 999.5 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {PREFIXES[power]}{unit}".rstrip()


def duration(seconds: float) -> str:
    """A time in the largest unit that it reaches: 7200 is "2.0 h"."""
    for unit, length in UNITS.items():
        if seconds >= length:
            return f"{seconds / length:,.{0 if seconds >= 10 * length else 1}f} {unit}"
    return f"{seconds:.0f} s"
