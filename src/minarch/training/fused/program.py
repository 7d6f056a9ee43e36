"""A vision transformer as a list of operations, and where its parameters and values lie in flat arrays.

Values are vectors along the images of a block: those of a token follow each other, then come those of the next token.
Places of values and of their gradients are counted in such vectors, of parameters in numbers, which lie as in the
network's state. Only the class token is read: in the last attention it alone asks and goes on from there; without any
attention it is alone from the start.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from minarch.models.families import Spec

NORM, LINEAR, GELU, ATTEND = range(4)
OPERATION = np.dtype(
    [
        ("kind", "i8"),
        ("tokens", "i8"),  # that it handles; of attention: that ask
        ("inputs", "i8"),  # values of a token that it reads
        ("outputs", "i8"),
        ("read", "i8"),  # where the values begin that it reads
        ("made", "i8"),
        ("kept", "i8"),  # of a norm: the reciprocals of the deviations; of attention: its shares [heads, asking, all]
        ("of_read", "i8"),  # where their gradients begin; -1: nobody needs them
        ("of_made", "i8"),
        ("weight", "i8"),  # of a linear layer, [outputs, inputs]
        ("bias", "i8"),  # -1: none
        ("norm", "i8"),  # the weights of the norm before it, which its own take in; its biases follow; -1: no norm
        ("onto", "i8"),  # 1 if the results are added to what is there
        ("adds", "i8"),  # 1 if the gradients of what it reads are added to what is there
        ("all", "i8"),  # tokens that attention looks at
        ("heads", "i8"),
    ]
)


class Program:
    """The operations of a network of this structure, whose parameters have these names and counts.

    Attributes:
        rows: one of OPERATION each, in order.
        pixels, places: [(N-1)F]: the pixel that each feature of each patch is, and its place among the values.
        tokens: N, the class token first; 1 if no attention reads the others.
        values: the number of parameters; `class_token` and `positions` say where these begin.
        made, slopes: the numbers of vectors that a block's values and their gradients need.
        start: where the tokens begin among the values; their gradients begin at 0.
    """

    def __init__(self, spec: Spec, counts: Mapping[str, int]) -> None:
        begins = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))
        self.counts, self.values = list(counts.values()), sum(counts.values())
        self.classes, self.width, self._begins = spec["classes"], spec["width"], begins
        self.class_token, self.positions = begins["class_token"], begins["positions"]
        pixels = _patches(spec["shape"], spec["patch"])
        self.pixels = pixels.ravel()
        self.tokens = 1 + (len(pixels) if any(spec["heads"]) else 0)
        count, features = pixels.shape
        self.places = (np.arange(count)[:, None] * apart(features) + np.arange(features)).ravel()
        self.start, self._rows = count * apart(features), list[tuple[int, ...]]()
        self.made, self.slopes = self.start + self.tokens * apart(self.width), 0
        if self.tokens > 1:
            first = apart(self.width)  # the class token comes before it
            patches = {"read": 0, "made": self.start + first, "of_read": -1, "of_made": first}
            self._linear("embedding", self.tokens - 1, features, self.width, patches, onto=1)
        left = self.tokens
        for position, (heads, units) in enumerate(zip(spec["heads"], spec["ffn"], strict=True)):
            name = f"blocks.{position}"
            if heads:
                asking = left if any(spec["heads"][position + 1 :]) else 1
                self._attention(name, left, asking, heads, heads * spec["head_size"])
                left = asking
            if units:
                self._feed_forward(name, left, units)
        slopes = self._normed("norm", 1)
        logits = {"read": self._last("made"), "made": self._new(apart(self.classes))}
        logits |= {"of_read": self._last("of_made"), "of_made": slopes}
        self._linear("classifier", 1, self.width, self.classes, logits, "norm")
        self.slopes = max(self.slopes, slopes + apart(self.classes))
        self.rows = np.array(self._rows, OPERATION)

    def packed(self, state: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The parameters, in the order of the network's, as one array."""
        return np.concatenate([part.ravel() for part in state])

    def unpacked(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The parameters, or their gradients, as `packed` takes them, flat: copies."""
        return [values[a:b].copy() for a, b in pairwise(accumulate(self.counts, initial=0))]

    def _attention(self, name: str, tokens: int, asking: int, heads: int, width: int) -> None:
        slopes = self._normed(f"{name}.norm1", tokens)
        normed, of_normed = self._last("made"), self._last("of_made")
        parts, counts = ("query", "key", "value"), (asking, tokens, tokens)
        made = [self._new(count * apart(width)) for count in counts]
        of_made = [slopes + start for start in accumulate([count * apart(width) for count in counts], initial=0)]
        for part, count, to, of_to in zip(parts, counts, made, of_made, strict=False):
            where = {"read": normed, "made": to, "of_read": of_normed, "of_made": of_to}
            # gradients come in reverse: those of the values are the first
            self._linear(f"{name}.{part}", count, self.width, width, where, f"{name}.norm1", adds=int(part != "value"))
        mixed, kept = self._new(asking * apart(width)), self._new(heads * asking * tokens)
        where = {"read": made[0], "made": mixed, "of_read": of_made[0], "of_made": of_made[3]}
        self._add(ATTEND, asking, width, width, **where, kept=kept, all=tokens, heads=heads)
        out = {"read": mixed, "made": self.start, "of_read": of_made[3], "of_made": 0}
        self._linear(f"{name}.output", asking, width, self.width, out, onto=1)
        self.slopes = max(self.slopes, of_made[3] + asking * apart(width) + asking * tokens)

    def _feed_forward(self, name: str, tokens: int, units: int) -> None:
        slopes = self._normed(f"{name}.norm2", tokens)
        read, made, bent = self._last("made"), self._new(tokens * apart(units)), self._new(tokens * apart(units))
        where = {"read": read, "made": made, "of_read": self._last("of_made"), "of_made": slopes}
        self._linear(f"{name}.fc1", tokens, self.width, units, where, f"{name}.norm2")
        self._add(GELU, tokens, units, units, read=made, made=bent, of_read=slopes, of_made=slopes)
        where = {"read": bent, "made": self.start, "of_read": slopes, "of_made": 0}
        self._linear(f"{name}.fc2", tokens, units, self.width, where, onto=1)
        self.slopes = max(self.slopes, slopes + tokens * apart(units))

    def _normed(self, name: str, tokens: int) -> int:
        """Add a norm of the tokens; return where gradients of further values may lie."""
        made, kept, slopes = self._new(tokens * apart(self.width)), self._new(tokens), self.tokens * apart(self.width)
        where = {"read": self.start, "made": made, "of_read": 0, "of_made": slopes}
        self._add(NORM, tokens, self.width, self.width, **where, kept=kept, norm=self._begins[f"{name}.weight"])
        return slopes + tokens * apart(self.width)

    def _linear(
        self, name: str, tokens: int, inputs: int, outputs: int, where: dict[str, int], norm: str = "", **how: int
    ) -> None:
        bias = self._begins.get(f"{name}.bias", -1)
        of_norm = self._begins[f"{norm}.weight"] if norm else -1
        weight = self._begins[f"{name}.weight"]
        self._add(LINEAR, tokens, inputs, outputs, **where, weight=weight, bias=bias, norm=of_norm, **how)

    def _add(self, kind: int, tokens: int, inputs: int, outputs: int, **fields: int) -> None:
        fields |= {"kind": kind, "tokens": tokens, "inputs": inputs, "outputs": outputs}
        self._rows.append(tuple(fields.get(name, 0) for name in OPERATION.names or ()))

    def _new(self, count: int) -> int:
        self.made += count
        return self.made - count

    def _last(self, field: str) -> int:
        return self._rows[-1][(OPERATION.names or ()).index(field)]


def apart(width: int) -> int:
    """The distance of two tokens' values: odd, because caches hold little of what lies powers of two apart."""
    return width | 1


def _patches(shape: Sequence[int], patch: int) -> NDArray[np.int64]:
    """The pixels [N-1, C patch patch] of each patch, in the order of the embedding's weights."""
    depth, height, width = shape
    pixels = np.arange(depth * height * width).reshape(depth, height // patch, patch, width // patch, patch)
    return pixels.transpose(1, 3, 0, 2, 4).reshape(-1, depth * patch**2)
