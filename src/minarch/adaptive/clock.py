"""The time that a search may take."""

import re
import time
from math import inf

from minarch.errors import UserError, short

SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)")


class Clock:
    """Counts from now on, to the end of a budget if there is one."""

    def __init__(self, budget: str | None) -> None:
        """Begin.

        Args:
            budget: such as "90s", "30m" or "2h"; None: any time.

        Raises:
            UserError: it says no time.
        """
        self.began, self.budget = time.monotonic(), inf
        if budget is not None:
            match = BUDGET.fullmatch(budget.strip())
            self.budget = float(match[1]) * SECONDS[match[2]] if match else 0.0
            if not self.budget:
                raise UserError(f"--budget: {short(budget)} is not allowed; allowed: such as 90s, 30m or 2h")

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds to the end of the budget; infinity without one."""
        return self.budget - self.spent
