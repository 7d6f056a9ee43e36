"""Keys: the hash of all that a result depends on. It stands in the result's path, so what exists under its key is
valid.
"""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted, compact, finite numbers only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(*parts: Any) -> str:
    """Twelve hexadecimal digits that name these parts (48 bits: a collision among 100,000 items has odds of 1 in
    56,000).
    """
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:12]
