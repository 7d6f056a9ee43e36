"""Every mistake in a params file is one line: the file, the field, the value, what is allowed."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.stages.train import Training
from minarch.models.families import Dnn, Family

DNN = {"architectures": {"dnn": {"depth": 2, "width": 4}}}


class Flat(Family):
    """A family whose architectures cannot be made shallower."""

    network = "minarch.models.dnn:DNN"


class Ungated(Family):
    """A family whose network is the user's."""

    network = "test_config:Net"


@dataclass(frozen=True, kw_only=True)
class Named(Dnn):
    """A family whose architectures may be called as what becomes of others."""

    tag: str | None = None

    @property
    def label(self):
        return super().label.replace("-tag", "-").removesuffix("-None")


BAD = {
    "unknown section": ({"traning": {}}, "traning: unknown key; allowed: data, sweep, train,"),
    "unknown key": ({"train__epoch": 3}, "train.epoch: unknown key; allowed: epochs, batch_size,"),
    "unknown inner key": ({"prune__finetune__epoch": 3}, "prune.finetune.epoch: unknown key; allowed: epochs,"),
    "wrong type": ({"train__epochs": "thirty"}, "train.epochs: 'thirty' is not allowed; allowed: a valid integer"),
    "a list for a number": ({"train__epochs": [1]}, "train.epochs: [1] is not allowed; allowed: a valid integer"),
    "out of range": ({"train__epochs": 0}, "train.epochs: 0 is not allowed; allowed: greater than or equal to 1"),
    "a share of one": ({"data__validation": 1}, "data.validation: 1 is not allowed; allowed: less than 1"),
    "not finite": (
        {"convergence__spread_factor": float("inf")},
        "spread_factor: .inf is not allowed; allowed: a finite",
    ),
    "not a number": (
        {"train__learning_rate": float("nan")},
        "train.learning_rate: .nan is not allowed; allowed: a finite",
    ),
    "unknown choice": (
        {"train__optimizer": "lion"},
        "train.optimizer: 'lion' is not allowed; allowed: 'adam' or 'sgd'",
    ),
    "a warm-up as long as the training": (
        {"train__warmup": 2},
        "train.warmup: 2 is not allowed; allowed: less than epochs, 2",
    ),
    "labels that say nothing": (
        {"train__label_smoothing": 1.0},
        "train.label_smoothing: 1.0 is not allowed; allowed: less than 1",
    ),
    "an unknown schedule": (
        {"prune__finetune__schedule": "step"},
        "prune.finetune.schedule: 'step' is not allowed; allowed: 'constant' or 'cosine'",
    ),
    "images that stay where they are": (
        {"train__augment": {"shift": 0}},
        "train.augment: nothing is moved; allowed: a shift, a rotation, flip: true, or null instead of all",
    ),
    "mirrored digits": (
        {"train__augment": {"flip": True}},
        "train.augment.flip: true is not allowed with digits, whose mirror images are other characters",
    ),
    "mirrored digits after a cut": (
        {"prune__finetune__augment": {"flip": True}},
        "prune.finetune.augment.flip: true is not allowed with digits,",
    ),
    "a shift out of the image": (
        {"train__augment": {"shift": 8}},
        "train.augment.shift: 8 is not allowed with digits, of 8 pixels; allowed: less than 8",
    ),
    "a schedule of a depth": ({"depth__train": {"schedule": "cosine"}}, "depth.train.schedule: unknown key; allowed:"),
    "a long list for a section": (
        {
            "prune": [{name: [1 / 3, 2 / 3, 1 / 7] for name in ("magnitude_levels", "magnitude_finetuned", "levels")}]
            * 6
        },
        " is not allowed; allowed: a mapping",
    ),
    "null section": ({"train": None}, "train: None is not allowed"),
    "empty list": ({"prune__levels": []}, "prune.levels: [] is not allowed; allowed: "),
    "bad entry": ({"prune__levels": [0.5, 1.0]}, "prune.levels.1: 1.0 is not allowed; allowed: less than 1"),
    "unknown data set": (
        {"data__datasets": ["imagenet"]},
        "data.datasets: 'imagenet' is no data set; allowed: digits,",
    ),
    "data set twice": (
        {"data__datasets": ["digits", "digits"]},
        "data.datasets: 'digits' is the name of two data sets",
    ),
    "empty folder": ({"data__datasets": ["folder:"]}, "data.datasets: 'folder:' is no data set"),
    "no family": ({"sweep__families": {}}, "sweep.families: {} is not allowed; allowed: "),
    "a grid's repeats": (
        {"sweep__families": {"dnn": {"depth": 1, "width": 1, "repeats": 0}}},
        "sweep.families: dnn.repeats: 0 is not allowed, it must be an integer from 1 to 10,000",
    ),
    "unknown family": ({"sweep__families": {"rnn": {"width": 1}}}, "sweep.families: family: 'rnn' is not known"),
    "unknown knob": (
        {"sweep__families": {"dnn": {"depth": 1, "wide": 1}}},
        "sweep.families: dnn.wide: 1 is not allowed",
    ),
    "bad knob": (
        {"sweep__families": {"dnn": {"depth": 1, "width": [4, 0]}}},
        "sweep.families: dnn.width: 0 is not allowed",
    ),
    "bad pattern": (
        {"sweep__families": {"shaped-dnn": {"depth": 2, "width": 4, "steps": "wider"}}},
        "sweep.families: shaped-dnn.steps: 'wider' is not allowed for depth 2, it must be all or 1 of grow,",
    ),
    "too many patterns": (
        {"sweep__families": {"shaped-dnn": {"depth": 30, "width": 4, "steps": "all"}}},
        "sweep.families: shaped-dnn.steps: 'all' is not allowed for depth 30, it must be",
    ),
    "heads": (
        {"sweep__families": {"vit": {"depth": 1, "width": [4, 6], "heads": 4, "patch": 4}}},
        "sweep.families: vit.width: 6 is not allowed, it must be a multiple of heads (4)",
    ),
    "unknown resnet": (
        {"sweep__families": {"resnet": {"depth": 26}}},
        "sweep.families: resnet.depth: 26 is not allowed, it must be one of 18, 34, 50",
    ),
    "a method called as what is not pruned": (
        {"prune__methods": {"original": {}}},
        "prune.methods: 'original' is what other models are called; allowed: any name but original, structured,",
    ),
    "a method called as the curve of magnitudes": (
        {"prune__methods": {"magnitude-layer": {}}},
        "prune.methods: 'magnitude-layer' is what other models are called; allowed: any name but",
    ),
    "a method called as what is not quantized": (
        {"quantize__methods": {"fp32": {}}},
        "quantize.methods: 'fp32' is not allowed with precision: int8, it says something else; allowed: any name but",
    ),
    "a method called as another precision": (
        {"quantize__methods": {"int8": {}, "int4": {"precision": "nf4"}}},
        "quantize.methods: 'int4' is not allowed with precision: nf4",
    ),
    "a method called as the simulated curve": (
        {"quantize__methods": {"precision": {}}},
        "quantize.methods: 'precision' is not allowed",
    ),
    "a method that cannot be a part of a file name": (
        {"prune__methods": {"L 1/": {}}},
        "prune.methods.'L 1/': 'L 1/' is not allowed; allowed: small letters, digits and -",
    ),
    "a long name of a method": (
        {"prune__methods": {"l" * 31: {}}},
        "allowed: at most 30 characters",
    ),
    "more methods than anyone reads": (
        {"quantize__methods": {f"m{i}": {} for i in range(101)}},
        "is not allowed; allowed: at most 100",
    ),
    "a method without a mapping": (
        {"prune__methods": {"l1": None}},
        "prune.methods.l1: None is not allowed; allowed: a map",
    ),
    "further, nothing": (
        {"representatives__further": {"dnn": None}},
        "representatives.further: dnn: None is not allowed; allowed: knob -> value or list",
    ),
    "further, an unknown knob": (
        {"representatives__further": {"dnn": {"depth": 1, "width": 4, "wide": 1}}},
        "representatives.further: dnn.wide: 1 is not allowed, dnn has no such knob",
    ),
    "further, twice": (
        {"representatives__further": {"dnn": {"depth": 1, "width": [4, 4]}}},
        "representatives.further: dnn: depth1-width4 is listed twice",
    ),
    "further, not swept": (
        {"representatives__further": {"dnn": {"depth": 1, "width": 5}}},
        "representatives.further: dnn {'depth': 1, 'width': 5} is not in the sweep",
    ),
    "further, another family": (
        {"representatives__further": {"vit": {}}},
        "further: 'vit' is not in the sweep; allowed: dnn",
    ),
    "one family under two names": (
        {"sweep__families": {"minarch.models.families.dnn:Dnn": {"depth": 1, "width": 4}}},
        "sweep.families: family: 'minarch.models.families.dnn:Dnn' is another name of 'dnn', it must be called that",
    ),
    "a grid of a billion": (
        {"sweep__families": {"vit": {k: list(range(1, 1001)) for k in ("depth", "width", "patch")} | {"heads": 1}}},
        "sweep.families: vit: its grid lists 1,000,000,000 architectures; allowed: at most 100,000",
    ),
    "a study of too many items": (
        {
            "sweep__repeats": 10_000,
            "sweep__block": 1,
            "sweep__families": {"dnn": {"depth": 1, "width": list(range(1, 12))}},
        },
        "sweep: 1 data set(s) x 11 architectures x at most 10,000 block(s) are 110,000 items; allowed: at most",
    ),
    "too many pruned models": (
        {"prune__levels": [i / 1000 for i in range(1000)], "prune__methods": {f"m{i}": {} for i in range(20)}},
        "prune: up to 6 models with every method, level and scope are 120,012 items; allowed: at most 100,000",
    ),
    "too many quantized models": (
        {"prune__levels": [i / 1000 for i in range(900)], "quantize__methods": {f"m{i}": {} for i in range(20)}},
        "quantize: up to 5,411 models with every method are 108,220 items; allowed: at most 100,000",
    ),
    "names that no folder can have": (
        {"sweep__families": {"shaped-dnn": {"depth": 40, "width": 4, "steps": "-".join(["equal"] * 39)}}},
        "bytes; allowed: at most 230, by shorter names or fewer knobs",
    ),
    "empty grid": (
        {"sweep__families": {"dnn": {"depth": 1, "width": []}}},
        "lists no architecture; allowed: at least one",
    ),
    "a target above 1": (
        {"depth": {"target": 1.5}},
        "depth.target: 1.5 is not allowed; allowed: full, best or a share above 0, up to 1",
    ),
    "an unknown target": (
        {"depth": {"target": "fulll"}},
        "depth.target: 'fulll' is not allowed; allowed: full, best or a share above 0, up to 1",
    ),
    "a depth beyond the architecture": (
        {"depth": DNN | {"levels": {"dnn": [1, 3]}}},
        "depth.levels: dnn: 3 is not allowed for depth2-width4; allowed: 1 to 2",
    ),
    "a depth below 1": (
        {"depth": DNN | {"levels": {"dnn": [0]}}},
        "depth.levels.dnn.0: 0 is not allowed; allowed: greater than or equal to 1",
    ),
    "depths of a family that is not there": (
        {"depth": DNN | {"levels": {"cnn": [1]}}},
        "depth.levels: 'cnn' is not in architectures; allowed: dnn",
    ),
    "an unknown restart": (
        {"depth": {"methods": {"odn": {"restart": "again"}}}},
        "depth.methods.odn.restart: 'again' is not allowed; allowed: 'warmup', 'continue' or 'scratch'",
    ),
    "a warm-up that new weights forget": (
        {"depth": {"methods": {"odn": {"restart": "scratch"}}}},
        "depth.methods.odn.warmup: 1 has no effect with restart: scratch; allowed: 0",
    ),
    "a method called as depths trained alone": (
        {"depth": {"methods": {"alone-3": {}}}},
        "depth.methods: 'alone-3' is what depths trained alone are called; allowed: any name but alone",
    ),
    "a family without depth": (
        {"depth": {"architectures": {"test_config:Flat": {"depth": 2}}}},
        "depth.architectures: test_config:Flat cannot be made shallower; allowed: families with a full_depth",
    ),
    "unknown architecture of depth": (
        {"depth": {"architectures": {"resnet": {"depth": 26}}}},
        "depth.architectures: resnet.depth: 26 is not allowed, it must be one of 18, 34, 50",
    ),
    "the best depth without the others": (
        {"depth": {"target": "best", "controls": "full"}},
        "depth.controls: 'full' is not allowed with target: best; allowed: all",
    ),
    "unknown method to compress": (
        {"depth": {"compress": ["l1"]}},
        "depth.compress: 'l1' is not in methods; allowed: odn",
    ),
    "a method called as a knob of the sweep": (
        {
            "depth": {"architectures": {"resnet": {"depth": 18, "width": 2}}, "methods": {"levels3": {}}},
            "sweep__families": {"resnet": {"depth": 18, "width": 2, "levels": 3}},
        },
        "depth.methods: levels3: resnet-depth18-width2-stemcifar-levels3 is in the sweep; allowed: another name",
    ),
    "a tower that does not fit": (
        {"depth": {"architectures": {"cnn": {"depth": 5, "channels": 2}}}},
        "depth.architectures: cnn.depth: 5 is not allowed for images of 8x8 pixels, it needs at least 18x18",
    ),
    "too many depths": (
        {"depth": {"architectures": {"dnn": {"depth": 1000, "width": list(range(1, 200))}}}},
        "depth: 1 data set(s) x 199 architectures with every depth and method are 199,199 items; allowed: at most",
    ),
    "layers of a network that has none to leave out": (
        {"complexity": DNN | {"beta": [0.5]}},
        "complexity.beta: [0.5] is not allowed with dnn, which has no layers that can be left out; allowed: a list with"
        " 0",
    ),
    "a price below 0": (
        {"complexity": DNN | {"nu": [3, -1]}},
        "complexity.nu.1: -1 is not allowed; allowed: greater than or equal to 0",
    ),
    "a price that outweighs everything": (
        {"complexity": DNN | {"nu": [1e9]}},
        "complexity.nu.0: 1000000000.0 is not allowed; allowed: less than or equal to 100000",
    ),
    "no price": ({"complexity": DNN | {"nu": []}}, "complexity.nu: [] is not allowed; allowed: at least 1"),
    "a balance above 1": (
        {"complexity": DNN | {"alpha": [1.5]}},
        "complexity.alpha.0: 1.5 is not allowed; allowed: less than or equal to 1",
    ),
    "an unknown estimator": (
        {"complexity": DNN | {"estimator": "exact"}},
        "complexity.estimator: 'exact' is not allowed; allowed: 'balanced' or 'first_order'",
    ),
    "an unknown control": (
        {"complexity": DNN | {"controls": ["L1"]}},
        "complexity.controls.0: 'L1' is not allowed; allowed: 'l1', 'fresh' or 'swept'",
    ),
    "gates that are drawn by a coin": (
        {"complexity": DNN | {"explore": 0.5}},
        "complexity.explore: 0.5 is not allowed; allowed: less than 0.5",
    ),
    "a delay and a settling that leave nothing": (
        {"complexity": DNN | {"delay": 0.7, "settle": 0.3}},
        "complexity.delay: 0.7 is not allowed with settle: 0.3; allowed: a sum below 1",
    ),
    "too few epochs for gates to move": (
        {"complexity": DNN | {"train": {"epochs": 2}, "delay": 0.4}},
        "complexity.train.epochs: 2 is not allowed with delay: 0.4 and settle: 0.3, no epoch is left in which gates"
        " move; allowed: more epochs",
    ),
    "a training without epochs": ({"complexity": DNN | {"train": {}}}, "complexity.train.epochs: missing"),
    "data sets of a family that is not there": (
        {"complexity": DNN | {"datasets": {"cnn": ["digits"]}}},
        "complexity.datasets: 'cnn' is not in architectures; allowed: dnn",
    ),
    "a data set that the study has not": (
        {"complexity": DNN | {"datasets": {"dnn": ["mnist"]}}},
        "complexity.datasets: 'mnist' is not in data.datasets; allowed: digits",
    ),
    "a family without data sets": (
        {"complexity": DNN | {"datasets": {"dnn": []}}},
        "complexity.datasets.dnn: [] is not allowed; allowed: at least 1",
    ),
    "unknown architecture with gates": (
        {"complexity": {"architectures": {"dnn": {"depth": 1, "wide": 4}}}},
        "complexity.architectures: dnn.wide: 4 is not allowed",
    ),
    "a user's family with gates": (
        {"complexity": {"architectures": {"test_config:Ungated": {"depth": 2}}}},
        "complexity.architectures: test_config:Ungated has no gates; allowed: families of the networks of dnn, cnn,"
        " vit, resnet and separable",
    ),
    "an architecture with gates that does not fit": (
        {"complexity": {"architectures": {"cnn": {"depth": 5, "channels": 2}}}},
        "complexity.architectures: cnn.depth: 5 is not allowed for images of 8x8 pixels, it needs at least 18x18",
    ),
    "what is pruned called as what is swept": (
        {
            "complexity": {"architectures": {"test_config:Named": {"depth": 1, "width": 4}}},
            "sweep__families": {"test_config:Named": {"depth": 1, "width": 4, "tag": "full"}},
        },
        "complexity: named-depth1-width4-full is in the sweep; allowed: another architecture",
    ),
    "a method called as a training with gates": (
        {"complexity": DNN, "depth": DNN | {"methods": {"short": {}}}},
        "depth.methods: short: dnn-depth2-width4-short is in complexity; allowed: another name",
    ),
    "too many prices": (
        {"complexity": {"architectures": {"dnn": {"depth": 1, "width": list(range(1, 400))}}, "nu": list(range(300))}},
        "complexity.nu: 399 architectures x 300 nu x 1 alpha x 1 beta are 119,700 trainings; allowed: at most 100,000",
    ),
    "too many controls of prices": (
        {"complexity": {"architectures": {"dnn": {"depth": 1, "width": list(range(1, 400))}}, "nu": list(range(100))}},
        "complexity: 399 architectures and data sets by every way and price are 120,498 items; allowed: at most",
    ),
    "too many found networks to compress": (
        {
            "complexity": DNN | {"nu": list(range(900)), "compress": True},
            "prune__levels": [i / 200 for i in range(199)],
        },
        "prune: up to 906 models with every method, level and scope are ",
    ),
    "patch": (
        {"sweep__families": {"vit": {"depth": 1, "width": 4, "heads": 2, "patch": 3}}},
        "vit.patch: 3 is not allowed, it must divide the image's 8x8 pixels",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(workspace, changes, expected):
    with pytest.raises(UserError) as error:
        load(workspace.write(**changes))
    lines = str(error.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("params.yaml: ")
    assert expected in lines[0] and len(lines[0]) < 400


def test_each_of_several_mistakes_has_its_line(workspace):
    with pytest.raises(UserError) as error:
        load(workspace.write(train__epochs=0, data__seed=-1))
    assert len(str(error.value).splitlines()) == 2


FILES = {
    "nothing": ("", "None is not allowed; allowed: the sections data, sweep"),
    "a list": ("- 1\n", "[1] is not allowed; allowed: the sections"),
    "not YAML": ("train: {epochs: 3\n", "not YAML: "),
    "not text": (b"\xff\xfe\x00", "not YAML: "),
    "a key twice": ("train: {epochs: 1}\ntrain: {epochs: 2}\n", "train: the key stands twice, line 2; allowed: once"),
    "a missing section": ("train: {epochs: 1}\n", "sweep: missing; it has no default"),
    "a key that is a list": ("? [1, 2]\n: 3\n", "the key a list or mapping is not allowed; allowed: texts"),
}


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_study_is_told_so(tmp_path, text, expected):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as error:
        load(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert any(expected in line for line in lines)


def test_a_study_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such study; allowed: a params file"):
        load(tmp_path / "none.yaml")


def test_sections_do_not_change(workspace):
    study = load(workspace.write())
    with pytest.raises(ValueError, match="frozen"):
        study.train.epochs = 5


@given(st.floats(0, 10, exclude_min=True), st.integers(1, 1000))
def test_an_identity_is_what_was_asked_for(learning_rate, epochs):
    """Numbers written in another way are the same number."""
    training = Training(epochs=epochs, learning_rate=learning_rate)
    assert Training(epochs=epochs, learning_rate=repr(learning_rate)).identity() == training.identity()
    assert training.identity()["learning_rate"] == learning_rate


def test_an_identity_leaves_out_what_only_lists_or_locates(workspace):
    study = load(workspace.write(data__root="/anywhere"))
    assert not {"datasets", "root"} & set(study.data.identity())
    assert "pruned" not in study.quantize.identity()
    assert "limit" not in study.data.identity()  # off: a new option keeps old keys
