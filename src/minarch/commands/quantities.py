"""Numbers as people write them on a command line."""

import re

from minarch.errors import UserError, short

THOUSANDS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)B?")


def count(field: str, text: str) -> int:
    """The number that "50000", "50k" or "1.5MB" says, rounded down.

    Raises:
        UserError: it says none of at least 1; the message begins with `field`.
    """
    match = NUMBER.fullmatch(text.strip())
    number = int(float(match[1]) * THOUSANDS[match[2]]) if match else 0
    if number < 1:
        raise UserError(f"{field}: {short(text)} is not allowed; allowed: at least 1, such as 50000, 50k or 1.5M")
    return number
