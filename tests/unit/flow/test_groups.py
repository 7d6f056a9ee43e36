"""Groups: every item once, few groups of about equal length, and limits that grow with the attempt."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from minarch.flow.groups import GROUP_S, LEAST_MINUTES, MOST, STARTING_S, minutes, pack, together
from minarch.flow.item import Item, Resources

NAMES = st.text("abc", min_size=1, max_size=5)
SECONDS = st.dictionaries(NAMES, st.floats(0.01, 2_000), min_size=1, max_size=80)


def _item(name: str, seconds: float, *parents: Item) -> Item:
    return Item(
        stage="sweep",
        module="minarch.sweep",
        slug=name,
        identity={},
        config={},
        inputs={"data": "data/one", "parents": [parent.path for parent in parents]},
        resources=Resources(seconds=seconds),
    )


@given(SECONDS)
def test_every_name_is_in_one_group(seconds):
    packed = pack(seconds)
    assert sorted(name for names in packed for name in names) == sorted(seconds)
    assert all(packed)


@given(SECONDS)
def test_there_are_as_few_groups_as_hold_their_time_on_average(seconds):
    assert len(pack(seconds)) == min(ceil(sum(seconds.values()) / GROUP_S), len(seconds))


def _best(seconds: list[float], totals: tuple[float, ...]) -> float:
    """The shortest longest group of all ways to go on from groups of these totals."""
    if not seconds:
        return max(totals)
    first, rest = seconds[0], seconds[1:]
    return min(_best(rest, (*totals[:n], totals[n] + first, *totals[n + 1 :])) for n in range(len(totals)))


@given(st.dictionaries(NAMES, st.floats(1, 600), min_size=1, max_size=5))
def test_the_longest_group_is_at_most_a_third_longer_than_the_best_there_is(seconds):
    packed = pack(seconds)
    best = _best(list(seconds.values()), (0.0,) * len(packed))
    assert max(sum(seconds[name] for name in names) for names in packed) <= 4 / 3 * best + 1e-6


@given(SECONDS)
def test_the_order_in_which_names_come_does_not_matter(seconds):
    assert pack(dict(reversed(seconds.items()))) == pack(seconds)


@given(st.integers(0, 4 * MOST))
def test_no_group_has_more_names_than_snakemake_can_add_up(count):
    packed = pack({f"{number}": 0.01 for number in range(count)})
    assert len(packed) == ceil(count / MOST) and all(len(names) <= MOST for names in packed)


def test_a_thousand_tiny_items_are_at_most_twenty_jobs():
    assert len(pack({f"{number}": STARTING_S + 1 for number in range(1_000)})) <= 20


def test_nothing_is_no_group():
    assert pack({}) == [] == together([])


@given(st.lists(st.tuples(st.floats(0.01, 900), st.lists(st.integers(0, 40), max_size=2)), max_size=40), st.randoms())
def test_what_an_item_reads_of_its_own_stage_is_in_its_group(rows, random):
    items: list[Item] = []
    for number, (seconds, parents) in enumerate(rows):
        items.append(_item(str(number), seconds, *(items[p] for p in set(parents) if p < number)))
    shuffled = random.sample(items, len(items))
    packed = together(shuffled)
    assert sorted(item.name for group in packed for item in group) == sorted(item.name for item in items)
    place = {item.path: number for number, group in enumerate(packed) for item in group}
    assert all(place[path] == place[item.path] for item in items for path in item.parents if path in place)


@given(st.lists(st.floats(0.01, 10_000), min_size=1, max_size=20))
def test_a_limit_of_time_leaves_thrice_the_estimate_and_grows_with_every_attempt(seconds):
    items = [_item(str(number), value) for number, value in enumerate(seconds)]
    first = minutes(items, 1)
    assert first >= LEAST_MINUTES + 3 * sum(seconds) / 60
    assert [minutes(items, attempt) for attempt in (2, 3)] == [2 * first, 3 * first]
