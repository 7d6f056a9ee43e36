"""The working memory of generated C: tensors of one type that are not needed at the same time share an array.

The generator gives every tensor an array of its own in the stack frame of the function that calls its operators one
after the other. Sharing arrays of one type only keeps C's rule that an object is read as what it was stored as.
"""

import re
from math import prod

ARRAY = re.compile(r"    (?P<type>\w+) (?P<name>\w+)(?P<sizes>(?:\[\d+\])+);")
CALL = re.compile(r"    (?P<function>\w+)\((?P<arguments>[\w, ]*)\);")
PARAMETER = re.compile(r"(?P<const>const )?(?P<type>\w+) \w+(?P<sizes>(?:\[\d+\])+)")
FUNCTION = re.compile(r"^EMX_NODE_FN void (?P<name>\w+)\((?P<parameters>.*)\) \{$", re.MULTILINE)


def with_shared_memory(source: str, entry: str) -> str:
    """A source whose function `entry` declares the fewest arrays that a greedy choice finds, and passes parts of them.

    Raises:
        ValueError: the function has a line that is neither an array nor a call.
    """
    start = source.index("{\n", source.index(f"void {entry}(")) + 2
    end = source.index("\n}", start)
    arrays: dict[str, tuple[str, int]] = {}  # name -> type and numbers
    calls: list[tuple[str, list[str]]] = []
    for line in source[start:end].splitlines():
        if array := ARRAY.fullmatch(line):
            arrays[array["name"]] = array["type"], prod(map(int, re.findall(r"\d+", array["sizes"])))
        elif call := CALL.fullmatch(line):
            calls.append((call["function"], call["arguments"].split(", ")))
        else:
            raise ValueError(f"generated C with {line.strip()!r}, which is neither an array nor a call")
    calls, same = _without_copies(arrays, calls)
    places, sizes = _places(arrays, [[same.get(name, name) for name in names] for _, names in calls])
    places |= {name: places[first] for name, first in same.items()}
    parameters = {match["name"]: match["parameters"].split(", ") for match in FUNCTION.finditer(source)}
    lines = [f"    {kind} {name}[{numbers}];" for name, (kind, numbers) in sizes.items()]
    for function, names in calls:
        arguments = [
            _cast(parameter, places[name]) if name in places else name
            for name, parameter in zip(names, parameters[function], strict=True)
        ]
        lines.append(f"    {function}({', '.join(arguments)});")
    return source[:start] + "\n".join(lines) + source[end:]


def _without_copies(
    arrays: dict[str, tuple[str, int]], calls: list[tuple[str, list[str]]]
) -> tuple[list[tuple[str, list[str]]], dict[str, str]]:
    """The calls without those that only give the values of an array another shape, and the array of each such copy."""
    same: dict[str, str] = {}
    kept = []
    for function, names in calls:
        first, copy = names[0], names[-1]
        if function.endswith("_reshape") and first in arrays and arrays.get(copy) == arrays[first]:
            same[copy] = same.get(first, first)
        else:
            kept.append((function, names))
    return kept, same


def _places(
    arrays: dict[str, tuple[str, int]], calls: list[list[str]]
) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    """The shared array of each array, and the shared ones with type and numbers.

    A new array gets the free one of its type that must grow the least, of those that need not the smallest.
    """
    last = {name: step for step, names in enumerate(calls) for name in names}
    places: dict[str, str] = {}
    shared: dict[str, tuple[str, int]] = {}
    free: set[str] = set()
    for step, names in enumerate(calls):
        for name in names:
            if name in arrays and name not in places:
                kind, numbers = arrays[name]
                fitting = sorted(
                    (max(0, numbers - shared[one][1]), shared[one][1], one) for one in free if shared[one][0] == kind
                )
                place = fitting[0][2] if fitting else f"memory{len(shared)}"
                shared[place] = kind, max(numbers, shared.get(place, (kind, 0))[1])
                free.discard(place)
                places[name] = place
        free |= {places[name] for name in names if name in places and last[name] == step}
    return places, shared


def _cast(parameter: str, place: str) -> str:
    """An array as what a function takes: a pointer to what the array has in its first dimension."""
    match = PARAMETER.fullmatch(parameter)
    if match is None:
        raise ValueError(f"{parameter!r} is no array")
    inner = match["sizes"].partition("]")[2]
    pointer = f"(*){inner}" if inner else "*"
    return f"({match['const'] or ''}{match['type']} {pointer}){place}"
