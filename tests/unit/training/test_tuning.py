"""What is fastest: measured with some certainty, answered once, and whatever a file may hold."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
import torch

from minarch.training import tuning
from minarch.training.answers import LONGEST, Answers
from minarch.training.blocks import train_repeats
from minarch.training.stacked.products import LIBRARIES
from minarch.training.strategy import choose
from minarch.training.tuning import MARGIN, fastest

WHICH = "which?: one, other"  # what stands in the file for the question and its ways
fork = multiprocessing.get_context("fork")


@pytest.fixture
def begin(no_answers, monkeypatch):
    """begin(folder): from here on, this is a new process of the workspace; the path of its file."""

    def start(folder):
        monkeypatch.setattr(tuning, "_answers", Answers())
        tuning.keep(folder)
        return folder / f"{tuning.processor()}.jsonl"

    return start


def ways(one, other):
    """Two ways of so many seconds."""
    return {"one": lambda: one, "other": lambda: other}


def line(question=WHICH, answer="other"):
    return json.dumps({"question": question, "answer": answer}).encode() + b"\n"


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [((1 + MARGIN - 0.01, 1.0), "one"), ((1 + MARGIN + 0.01, 1.0), "other"), ((1.0, 1.0), "one"), ((1.0, 9.0), "one")],
)
def test_an_earlier_way_is_taken_unless_another_is_clearly_faster(seconds, answer, no_answers):
    assert fastest("which?", ways(*seconds)) == answer


def test_the_least_counts_and_what_is_hopeless_is_not_measured_to_the_end(no_answers):
    calls = {"noisy": [], "even": [], "slow": []}

    def way(name, seconds):
        return lambda: calls[name].append(0) or seconds(len(calls[name]))

    noisy = way("noisy", lambda number: 0.5 if number == 7 else 1.9)
    assert fastest("which?", {"slow": way("slow", lambda _: 2.1), "even": way("even", lambda _: 1.0), "noisy": noisy})
    assert len(calls["slow"]) == 3 and len(calls["even"]) == len(calls["noisy"]) == 9
    assert tuning._answers.known == {"which?: slow, even, noisy": ["noisy"]}


def test_a_single_way_is_not_measured(no_answers):
    assert fastest("which?", {"only": lambda: pytest.fail("measured")}) == "only"


def test_a_way_is_a_value_and_its_text_is_what_is_kept(tmp_path, begin):
    path = begin(tmp_path)
    ways = [Path("one"), Path("other")]
    assert fastest("which?", dict(zip(ways, (lambda: 2.0, lambda: 1.0), strict=True))) is ways[1]
    assert json.loads(path.read_text())["answer"] == "other"
    begin(tmp_path)
    assert fastest("which?", dict.fromkeys(ways, lambda: pytest.fail("measured"))) is ways[1]


def test_what_was_answered_once_stays(tmp_path, begin):
    path = begin(tmp_path / "new/folder")
    assert fastest("which?", ways(2.0, 1.0)) == "other"
    assert fastest("which?", ways(1.0, 2.0)) == "other"
    begin(tmp_path / "new/folder")
    assert fastest("which?", ways(1.0, 2.0)) == "other"
    entry = {"question": WHICH, "answer": "other", "seconds": {"one": 2.0, "other": 1.0}}
    assert [json.loads(text) for text in path.read_text().splitlines()] == [entry]


def test_other_ways_are_another_question(tmp_path, begin):
    begin(tmp_path)
    assert fastest("which?", ways(2.0, 1.0)) == "other"
    assert fastest("which?", {"third": lambda: 1.0, **ways(2.0, 2.0)}) == "third"


def test_until_a_place_is_named_nothing_is_kept(no_answers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fastest("which?", ways(2.0, 1.0)) == fastest("which?", ways(1.0, 2.0)) == "other"
    assert not list(tmp_path.iterdir())


def test_whoever_answers_while_we_measure_is_right(tmp_path, begin):
    path = begin(tmp_path)
    assert fastest("which?", {"one": lambda: path.write_bytes(line()) * 0.0, "other": lambda: 1.0}) == "other"
    assert path.read_bytes() == line()


def _ask(folder, number, barrier, results):
    """Ask, as one of several processes, the same questions, with another opinion than the next one."""
    tuning.keep(folder)
    barrier.wait()
    results.put([fastest(f"question {i}", ways(*((2.0, 1.0) if (number + i) % 2 else (1.0, 2.0)))) for i in range(100)])


def test_processes_that_ask_at_once_agree(tmp_path, begin):
    barrier, results = fork.Barrier(4), fork.Queue()
    processes = [fork.Process(target=_ask, args=(tmp_path, number, barrier, results)) for number in range(4)]
    for process in processes:
        process.start()
    first, *others = (results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert others == [first] * 3
    entries = [json.loads(text) for text in begin(tmp_path).read_text().splitlines()]
    assert [entry["answer"] for entry in sorted(entries, key=lambda e: int(e["question"][9:-12]))] == first


def test_the_file_of_another_processor_is_not_read(tmp_path, begin):
    (tmp_path / "another-processor-0123456789ab.jsonl").write_bytes(line())
    path = begin(tmp_path)
    assert fastest("which?", ways(1.0, 2.0)) == "one"
    assert b"one" in path.read_bytes()


@pytest.mark.parametrize(
    "strange",
    [
        b"not json\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[1]\n",
        b'"which?: one, other"\n',
        b'{"question": "which?: one, other"}\n',
        b'{"question": "which?: one, other", "answer": ["other"]}\n',
        b'{"question": 1, "answer": "other"}\n',
        b'{"question": {"which?: one, other": 1}, "answer": null}\n',
        b"[" * 60_000 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"\n",
        b"1" * 10_000 + b"\n",
        line(answer="a way of old"),
        line(answer="x" * 3 * LONGEST),
        line()[:-5],
        b"\0" * 10_000,
    ],
    ids=lambda text: text[:20].decode(errors="replace"),
)
def test_a_strange_line_is_no_answer_and_hides_none(strange, tmp_path, begin):
    path = begin(tmp_path)
    path.write_bytes(strange)
    begin(tmp_path)
    assert fastest("which?", ways(1.0, 2.0)) == "one"
    assert path.read_bytes().startswith(strange)
    begin(tmp_path)  # what was left after it is whole
    assert fastest("which?", ways(2.0, 1.0)) == "one"


def test_a_file_that_is_removed_meanwhile_is_begun_again(tmp_path, begin):
    path = begin(tmp_path)
    for number in range(3):
        fastest(f"question {number}", ways(1.0, 2.0))
    path.write_bytes(line())
    assert fastest("which?", ways(1.0, 2.0)) == "other"


@pytest.mark.parametrize("place", ["folder", "file"])
def test_where_nothing_can_be_written_each_process_decides_and_says_so_once(place, tmp_path, begin, capfd):
    blocked = tmp_path / "blocked"
    if place == "folder":
        blocked.write_text("a file")
    else:
        (blocked / f"{tuning.processor()}.jsonl").mkdir(parents=True)
    begin(blocked)
    assert fastest("which?", ways(2.0, 1.0)) == fastest("which?", ways(1.0, 2.0)) == "other"
    assert fastest("and this?", ways(1.0, 2.0)) == "one"
    said = capfd.readouterr().err
    assert said.count("cannot be written") == 1 and str(blocked) in said and "results may differ by rounding" in said


def _train(task):
    """How two repeats of the task are trained in a new process of a workspace, and the bytes they end with."""
    made = task("dnn", {"depth": 2, "width": 8}, epochs=2)
    strategy = choose(made, 2, "auto", torch.device("cpu"))
    networks = [result.networks["final"] for result in train_repeats(made, [0, 1], strategy)]
    return strategy.record(), [t.numpy().tobytes() for n in networks for t in n.state_dict().values()]


def test_a_workspace_with_the_decisions_of_another_gives_its_bytes(task, tmp_path, begin):
    path = begin(tmp_path / "first")
    before = _train(task)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    begin(tmp_path / "second")
    assert _train(task) == before
    assert (tmp_path / "second" / path.name).read_bytes() == path.read_bytes(), "nothing was left to ask"


def test_what_is_decided_is_done_even_if_it_is_slower(task, tmp_path, begin):
    path = begin(tmp_path)
    before, _ = _train(task)
    entries = [json.loads(text) for text in path.read_text().splitlines()]
    for entry in entries:
        if entry["question"].startswith("product"):
            entry["answer"] = next(way for way in LIBRARIES if way != entry["answer"])
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    begin(tmp_path)
    after, _ = _train(task)
    assert after["processor"] == before["processor"] == path.stem
    assert list(after["products"]) == list(before["products"])
    assert all(after["products"][shape] != way for shape, way in before["products"].items())
