"""Several families searched together, and the target that follows from the best."""

import numpy as np
import pytest

from minarch.adaptive.decision import BLOCK, Beyond, Proven, Train
from minarch.adaptive.ladder import ladders
from minarch.adaptive.outcome import answers, parents
from minarch.adaptive.search import Goal, Left, Wait, best, climb, plan_next
from minarch.adaptive.trials import Record, Trials

LADDERS = ladders((1, 28, 28), 10, 1000)


def learn(family: str, size: int, rng: np.random.Generator) -> float:
    """The accuracy of a simulated training: of dnn lower at every size, of cnn near the best from 2,000 parameters."""
    ceiling, half = {"dnn": (0.95, 3_000), "cnn": (0.99, 300)}[family]
    return float(np.clip(ceiling * size**2 / (size**2 + half**2) + rng.normal(0, 0.002), 0, 1))


def search(goal: Goal, most: float = np.inf, rounds: int = 200) -> tuple[Record, dict[str, object]]:
    rng = np.random.default_rng(0)
    sizes = {family: LADDERS[family] for family in ("dnn", "cnn")}
    steps = {family: sum(size.bytes <= most for size in of) for family, of in sizes.items()}
    record = Record({family: Trials(of, steps[family]) for family, of in sizes.items()}, 0.0, 0.0)
    for _ in range(rounds):
        decided = plan_next(record.families, goal)
        following = {family: next_ for family, next_ in decided.items() if isinstance(next_, Train)}
        if not following:
            break
        for family, train in following.items():
            trials = record.families[family]
            for _ in range(train.trainings - trials.trained(train.step)):
                accuracy = learn(family, trials.sizes[train.step].parameters, rng)
                trials.accuracies.setdefault(train.step, []).append(accuracy)
    return record, dict(decided)


def test_a_target_is_searched_without_the_largest_sizes():
    record, decided = search(Goal(0.9, None, 10))
    assert isinstance(decided["cnn"], Proven)
    size = record.size("cnn", decided["cnn"].step).parameters
    assert 850 <= size <= 1_700, "0.99 x^2 / (x^2 + 300^2) is 0.9 at 949, and the ladder has 854 and 1,600"
    assert max(record.families["cnn"].accuracies) < len(LADDERS["cnn"]) - 2


def test_a_family_that_surely_needs_much_more_is_left():
    record, decided = search(Goal(0.9, None, 10))
    assert decided["dnn"] == Left(2.0), "0.95 x^2 / (x^2 + 3000^2) is 0.9 at 12,728"
    assert record.families["dnn"].total < record.families["cnn"].total


def test_a_margin_is_measured_from_the_best_of_all_families():
    goal = Goal(None, 0.01, 10)
    record, decided = search(goal)
    assert best(record.families) == pytest.approx(0.99, abs=0.003)
    assert goal.accuracy(record.families) == pytest.approx(0.98, abs=0.003)
    assert decided["dnn"] in (Beyond(), Left(2.0)), "its best is 0.95"
    assert isinstance(decided["cnn"], Proven)


def test_both_a_target_and_a_margin_are_kept():
    families = {"cnn": Trials(LADDERS["cnn"], 13, {5: [0.96, 0.98]})}
    assert Goal(0.9, 0.01, 10).accuracy(families) == pytest.approx(0.96)
    assert Goal(0.97, 0.01, 10).accuracy(families) == 0.97
    assert Goal(0.9, None, 10).accuracy(families) == 0.9


def test_a_single_training_is_no_best():
    assert best({"cnn": Trials(LADDERS["cnn"], 13, {5: [0.99], 3: [0.9, 0.92]})}) == pytest.approx(0.91)


def test_climbing_ends_where_larger_sizes_bring_no_more():
    trials = Trials(LADDERS["cnn"], 13)
    steps = []
    while (train := climb(trials, 0.01)) is not None:
        steps.append(train.step)
        accuracy = 0.9 if len(steps) == 1 else 0.95
        trials.accuracies[train.step] = [accuracy] * BLOCK
    assert [trials.sizes[step].parameters for step in steps] == [1_600, 3_740, 8_570]


def test_bytes_bound_the_answer_and_not_the_best():
    record, decided = search(Goal(None, 0.01, 10), most=3_500)
    trials = record.families["cnn"]
    assert max(trials.accuracies) >= trials.steps, "larger sizes tell what the best is"
    assert decided["cnn"] == Beyond(), "it is near the best from 3,000 parameters on"


def test_a_family_without_a_size_so_small_still_tells_what_the_best_is():
    record, decided = search(Goal(None, 0.01, 10), most=1_000)
    assert {family: trials.steps for family, trials in record.families.items()} == {"dnn": 0, "cnn": 0}
    assert decided == {"dnn": Beyond(), "cnn": Beyond()}
    assert best(record.families) == pytest.approx(0.99, abs=0.003)


def test_a_family_that_waits_has_its_answer_when_the_time_is_over():
    goal = Goal(0.9, None, 10)
    families = {
        "cnn": Trials(LADDERS["cnn"], 13, {1: [0.95, 0.96], 5: [0.95, 0.5]}),
        "dnn": Trials(LADDERS["dnn"], 10, {6: [0.97, 0.97]}),
    }
    decided = {"cnn": Train(3, 2), "dnn": Wait(2.0)}
    (answer,) = answers(Record(families, 0.0, 0.0), decided, goal)
    assert (answer.family, answer.step) == ("dnn", 6), "of cnn none is as likely as not reliable above the failure"


def test_a_search_that_is_cut_names_the_smallest_size_that_never_failed():
    goal = Goal(0.9, None, 10)
    trials = Trials(LADDERS["cnn"], 13, {2: [0.5, 0.95], 4: [0.95, 0.96], 6: [0.97, 0.97, 0.97]})
    record = Record({"cnn": trials}, 0.0, 0.0)
    (answer,) = answers(record, {"cnn": Train(4, 4)}, goal)
    assert (answer.step, answer.reached, answer.trainings) == (4, 2, 2)
    assert answers(record, {"cnn": Beyond()}, goal) == []


def test_what_is_pruned_has_twice_the_answer_s_parameters():
    record, decided = search(Goal(0.9, None, 10))
    (answer,) = answers(record, decided, Goal(0.9, None, 10))
    itself, parent = parents(record, answer)
    sizes = [record.size("cnn", step).parameters for step in (itself, parent)]
    assert sizes[1] >= 2 * sizes[0]
    assert itself == answer.step
