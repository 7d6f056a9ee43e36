"""Keys: the hash of all that a result depends on. It stands in the result's path, so what exists under its key is
valid.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted, compact, finite numbers only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(*parts: Any) -> str:
    """Twelve hexadecimal digits that name these parts (48 bits: a collision among 100,000 items has odds of 1 in
    56,000).
    """
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:12]


def differences(then: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The leaves in which two values differ, as path, old and new; what one of them lacks is None there."""
    if isinstance(then, dict) and isinstance(now, dict):
        for field in sorted(set(then) | set(now)):
            yield from differences(then.get(field), now.get(field), f"{name}.{field}" if name else field)
    elif then != now:
        yield name, then, now
