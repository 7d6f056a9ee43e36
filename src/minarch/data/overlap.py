"""Equal images in two splits: accuracy on an image that was trained on says nothing about others."""

from collections.abc import Iterator
from hashlib import blake2b

from minarch.data.sources import Array, Images
from minarch.errors import UserError

PAIRS = (("train", "test"), ("train", "validation"), ("validation", "test"))
Equal = dict[str, list[tuple[int, int]]]


def overlap(splits: dict[str, Images]) -> Equal:
    """The images of a split that an earlier split holds as well, pixel by pixel.

    Returns:
        For "train-test", "train-validation" and "validation-test" one pair per such image of the second split:
        (number of an equal image in the first, its own number).
    """
    digests = {name: list(_digests(split.images)) for name, split in splits.items()}
    equal = {}
    for first, second in PAIRS:
        place = {digest: i for i, digest in enumerate(digests[first])}
        equal[f"{first}-{second}"] = [(place[d], j) for j, d in enumerate(digests[second]) if d in place]
    return equal


def refuse(splits: dict[str, Images], equal: Equal, dataset: str) -> None:
    """Stop where splits of the user's files hold equal images.

    Raises:
        UserError: there are some; it names two of the files, of different classes if there are such.
    """
    for first, second in PAIRS:
        pairs = equal[f"{first}-{second}"]
        if not pairs:
            continue
        one, other = splits[first], splits[second]
        contradicting = [(i, j) for i, j in pairs if one.labels[i] != other.labels[j]]
        i, j = (contradicting or pairs)[0]
        size = " x ".join(map(str, one.images.shape[2:]))
        classes = f", {len(contradicting)} of them of another class" if contradicting else ""
        raise UserError(
            f"data.datasets: {dataset!r}: {len(pairs)} of {len(other.labels)} {second} images equal {first} images at"
            f" {size} pixels{classes}, such as {str(other.files[j])!r} and {str(one.files[i])!r};"
            " allowed: every image once"
        )


def _digests(images: Array) -> Iterator[bytes]:
    return (blake2b(image.tobytes(), digest_size=16).digest() for image in images)
