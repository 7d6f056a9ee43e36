"""What the test images allow to be said: intervals that hold for other trainings and for other images of the kind.

All repeats of a model answer the same test images, so more repeats do not make up for few images. The error of a mean
accuracy has two parts: of the trainings, read off the repeats (Student's t), and of the images, read off what the
repeats together know of each image. Their distances add in squares (docs/methods.md 1.5).

What is peculiar to a repeat on an image is in both parts. For an accuracy it stays there, so that its interval is
rather too wide, and never narrower than that of the repeats alone. Of a difference on the same images it is most of the
error: there the part of the trainings goes without it.

Answers of a model are `right`: a bool frame [repeats x images], its rows named by repeat.
"""

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.intervals import ACCURACY, Columns

TEST_SAMPLED = Columns("test_mean", "test_sampled_low", "test_sampled_high")  # over trainings and test images
Interval = tuple[float, float]


def accuracy_interval(right: pd.DataFrame, confidence: float) -> Interval:
    """The interval of the mean accuracy (fraction) over trainings and images; NaN with fewer than two repeats."""
    if len(right) < 2:
        return np.nan, np.nan
    share = float(right.to_numpy().mean())
    of_images = wilson(share, effective_images(right), confidence)
    low, high = _combined(share, _over_repeats(right.mean(axis=1), confidence), of_images)
    return max(low, ACCURACY[0]), min(high, ACCURACY[1])


def difference_interval(
    ours: pd.DataFrame, theirs: pd.DataFrame, *, paired: bool, confidence: float
) -> tuple[float, float, float]:
    """The difference of two mean accuracies on the same images, ours less theirs, in points, and its interval over
    trainings and images; NaN ends with fewer than two repeats of either.

    Args:
        paired: the repeats of one number are the same network, in two precisions.
    """
    if paired:
        both = ours.index.intersection(theirs.index)
        ours, theirs = ours.loc[both], theirs.loc[both]
    samples = [100.0 * right.to_numpy(float) for right in (ours, theirs)]
    by_image = samples[0].mean(axis=0) - samples[1].mean(axis=0)
    difference = float(by_image.mean())
    half = _half_over_trainings([samples[0] - samples[1]] if paired else samples, confidence)
    of_images = _over_differing_images(by_image, confidence)
    return difference, *_combined(difference, (difference - half, difference + half), of_images)


def against_validation(
    right: pd.DataFrame, validation: pd.Series, validation_images: int, confidence: float
) -> tuple[float, float, float]:
    """Mean test accuracy less mean validation accuracy, in points, and its interval over trainings, test images and
    validation images, of which the answers are not kept: they vary as those of as many test images would.

    Args:
        validation: accuracies (fractions) by repeat.
    """
    on_test, on_validation = float(right.to_numpy().mean()), float(validation.mean())
    images = effective_images(right)
    tested = wilson(on_test, images, confidence)
    chosen = wilson(on_validation, images * validation_images / right.shape[1], confidence)
    difference = on_test - on_validation
    low, high = _combined(
        difference,
        _over_repeats(right.mean(axis=1) - validation, confidence),
        (tested[0] - on_validation, tested[1] - on_validation),
        (on_test - chosen[1], on_test - chosen[0]),
    )
    return 100 * difference, 100 * low, 100 * high


def effective_images(right: pd.DataFrame) -> float:
    """How many images, answered once by one network, say as much of the mean accuracy as these, answered by all
    repeats: as many as there are if the repeats agree on every image, more if they do not (Korn and Graubard, Survey
    Methodology 24, 1998).
    """
    answers = right.to_numpy()
    share, spread = answers.mean(), answers.mean(axis=0).var()
    alike = share * (1 - share)
    if alike == 0:
        return float(right.shape[1])
    return float(right.shape[1] * min(alike / spread if spread > 0 else np.inf, len(right)))


def wilson(share: float, number: float, confidence: float) -> Interval:
    """Wilson's interval of a share of `number` independent cases (Journal of the American Statistical Association 22,
    1927); of 0 or 1 it has a width, too.
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    centre = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    return float(centre - half), float(centre + half)


def _half_over_trainings(samples: list[np.ndarray], confidence: float) -> float:
    """Half the interval of the difference of the means of one or two samples [repeats, N], as far as it comes from the
    repeats as a whole and not from what is peculiar to one on an image; NaN with fewer than two repeats of one.

    Args:
        samples: what every repeat has on every image, the same images for all.
    """
    if min(map(len, samples)) < 2:
        return np.nan
    whole, peculiar = np.zeros(len(samples)), np.zeros(len(samples))
    for i, values in enumerate(samples):
        repeats, images = values.shape
        means = values.mean(axis=1)
        rest = values - means[:, None] - values.mean(axis=0) + means.mean()
        whole[i] = means.var(ddof=1) / repeats
        peculiar[i] = rest.var() / (repeats - 1) / max(images - 1, 1)
    if whole.sum() <= peculiar.sum():
        return 0.0
    freedom = whole.sum() ** 2 / (whole**2 / [len(values) - 1 for values in samples]).sum()  # as Welch's
    return float(stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(whole.sum() - peculiar.sum()))


def _over_differing_images(by_image: np.ndarray, confidence: float) -> Interval:
    """The interval over images of the mean of differences by image [N], in points.

    With one image more that each of the two models alone knows (Bonett and Price, Journal of Educational and
    Behavioral Statistics 37, 2012), so that no or few images that differ are no certainty.
    """
    values = np.append(by_image, [100.0, -100.0])
    half = stats.norm.ppf((1 + confidence) / 2) * values.std() / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def _over_repeats(values: pd.Series, confidence: float) -> Interval:
    """Student's interval of the mean; NaN with fewer than two values."""
    values = values.dropna()
    if len(values) < 2:
        return np.nan, np.nan
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def _combined(value: float, *parts: Interval) -> Interval:
    """The interval of a value whose error is a sum of independent ones with the intervals `parts` around it: distances
    to their ends add in squares (Zou and Donner, Statistics in Medicine 27, 2008).
    """
    below, above = ([value - low for low, _ in parts], [high - value for _, high in parts])
    return value - float(np.hypot.reduce(below)), value + float(np.hypot.reduce(above))
