"""A finding: one section of the report, in a module and a template of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from matplotlib.figure import Figure

from minarch.reporting.evidence import Evidence
from minarch.reporting.tables import Tables

Config = Mapping[str, Any]  # of the report's item
Inputs = Mapping[str, Any]  # stage -> the folders of its items; of a stage that has one item, its folder
Metric = tuple[tuple[str, ...], Any]  # where a number stands in metrics-details.json, names outermost first; and it


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A section of the report; its module declares it, and <name>.html.j2 beside the module says it.

    The template reads `tables` (the rows of the finding's tables by name), what `facts` returns, and what every
    template reads (`minarch.reporting.html`).
    """

    name: str  # of the module and its template; the section's anchor
    title: str  # in the navigation
    heading: str
    part: Literal["main", "appendix"] = "appendix"  # the main part is what a reader finishes; the appendix is folded
    more: tuple[str, ...] = ()  # the findings of the appendix that say in full what a section of the main part sums up
    tables: Mapping[str, str] = field(default_factory=dict)  # those at home here: name -> what one row is
    make: Callable[[Config, Inputs], Tables] = lambda config, inputs: {}  # of these, those that no other finding reads
    figures: Mapping[str, Callable[[Evidence], Figure | None]] = field(default_factory=dict)  # None: nothing to show
    facts: Callable[[Evidence], dict[str, Any]] = lambda evidence: {}
    metrics: Callable[[Evidence], Iterable[Metric]] = lambda evidence: ()
