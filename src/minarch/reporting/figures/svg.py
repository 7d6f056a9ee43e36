"""A figure's SVG without what nobody sees, so that a report can hold many of them."""

import re
from collections import Counter

UNSEEN = re.compile(r"<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.DOTALL)
NO_TURN = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
GROUP = re.compile(r'<g id="[^"]*"')  # matplotlib's names of the parts of a figure; nothing refers to them
DECIMALS = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is seen on no screen
TAG = re.compile(r"<[^>]*>")
ID = re.compile(r'(?<= id=")[^"]+|(?<=url\(#)[^)]+|(?<=href="#)[^"]+')  # of shapes and clips, and where they are used
STYLE = re.compile(r' style="([^"]*)"')


def slim(text: str) -> str:
    """The same picture in half the bytes: every path, mark and word stays.

    matplotlib repeats the style in every element, names every group, gives coordinates to a millionth of a point, and
    derives ids from their last digits, which may differ between runs.
    """
    text = GROUP.sub("<g", NO_TURN.sub("", UNSEEN.sub("", text)))
    text = TAG.sub(lambda tag: DECIMALS.sub(r"\1", tag[0]), text)  # what is written between tags keeps its digits
    ids: dict[str, str] = {}
    text = ID.sub(lambda match: ids.setdefault(match[0], f"i{len(ids)}"), text)
    names = {style: f"s{i}" for i, (style, _) in enumerate(Counter(STYLE.findall(text)).most_common())}
    text = STYLE.sub(lambda match: f' class="{names[match[1]]}"', text)
    rules = "".join(f".{name}{{{style.replace(': ', ':').replace('; ', ';')}}}" for style, name in names.items())
    text = re.sub(r"\s+", " ", text).replace("> <", "><").replace(' "', '"').strip()
    return text.replace("</style>", f"{rules}</style>", 1) + "\n"
