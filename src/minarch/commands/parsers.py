"""The words of the command line: a parser per command.

The module `minarch.commands.<command>` has a function of that name, which gets what its parser read, by name. It is
imported only when it is called, so that help and mistakes are told at once.
"""

import argparse
from importlib.metadata import version

from minarch.flow.plan import DEFAULT
from minarch.flow.stages import STAGES

MODEL = "an item of stage quantize (name or folder), or an .xml or .onnx file"


def command_line(description: str | None) -> argparse.ArgumentParser:
    """The parser of `minarch COMMAND ...`; what it reads has the command's name under `command`."""
    stages = "\n".join(f"  {name:16} {stage.words}" for name, stage in STAGES.items())
    parser = argparse.ArgumentParser(
        prog="minarch",
        description=description,
        epilog=f"stages, in order; `snakemake` runs them all, `python -m minarch.STAGE` one of them:\n{stages}\n\n"
        "`minarch COMMAND --help` tells a command's options; docs/command-line.md has examples and the JSON's fields.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('minarch')}")
    study = argparse.ArgumentParser(add_help=False)
    study.add_argument(
        "--study", default=DEFAULT, metavar="STUDY", help="a params file, or its name (default: %(default)s)"
    )
    json = argparse.ArgumentParser(add_help=False)
    json.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object, for programs")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    _plan(commands.add_parser("plan", parents=[study], help="what a study takes: trainings, FLOPs, disk, time"))
    _status(commands.add_parser("status", parents=[study, json], help="what is done, running, missing, unstable"))
    _explain(
        commands.add_parser("explain", parents=[study, json], help="one item: configuration, key, why it would run")
    )
    _compare(commands.add_parser("compare", parents=[json], help="the results of two studies or git revisions"))
    _recommend(
        commands.add_parser("recommend", parents=[study, json], help="the best model for a budget, and its files")
    )
    _predict(commands.add_parser("predict", parents=[study], help="classify images with an exported model"))
    _export(commands.add_parser("export", parents=[study], help="a model's files, its classes and code that uses it"))
    return parser


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Estimates what a study takes before anything is computed, stage by stage. The sweep is timed on this machine"
        " (half a minute); the other stages have estimates of their own."
    )
    parser.add_argument("--cores", type=int, metavar="N", help="that the run may use (default: this machine's)")


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--verify", action="store_true", help="read every file, and compare it with its seal and with dvc.lock"
    )


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("item", metavar="ITEM", help="name of an item, with or without its key, or its folder")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.description = "Shows the headline numbers (metrics.json) that differ, of the data sets that both have."
    parser.add_argument("first", metavar="A", help="a study (params file or name), a git revision, or a metrics.json")
    parser.add_argument("second", metavar="B", help="another one")


def _recommend(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Of every data set the best model under the bounds. With --max-drop the one of fewest bytes among those within"
        " the drop, without it the one of highest mean validation accuracy; without any bound the study's own"
        " recommendation (aggregate.max_drop_points). Models of which too many repeats failed"
        " (convergence.failure_share) do not count. Test accuracy is shown and decides nothing."
    )
    parser.add_argument("--max-bytes", metavar="N", help="bytes of the files to deploy, such as 50000 or 50k")
    parser.add_argument("--max-parameters", metavar="N", help="trainable parameters, such as 1500 or 1.5k")
    parser.add_argument("--max-latency", type=float, metavar="MS", help="milliseconds of one image, as measured")
    parser.add_argument("--max-code", metavar="N", help="bytes of code and weights as C, as measured")
    parser.add_argument("--max-stack", metavar="N", help="bytes of stack as C, as measured")
    parser.add_argument(
        "--max-drop", type=float, metavar="POINTS", help="points of validation accuracy below the data set's best model"
    )
    parser.add_argument("--dataset", metavar="NAME", help="one data set (default: each)")


def _predict(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prints each image's class and its probability; of a folder that has a folder per class, how many images of"
        " each class are recognised."
    )
    parser.add_argument("model", metavar="ITEM", help=MODEL)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files, or one folder with a folder per class")
    _which(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Copies a model's files into a folder, with classes.json (its classes and what images it takes) and predict.py"
        " (a program that uses it without minarch); with --format c it writes model.c instead, one C99 file that needs"
        " no runtime and says in its first lines how it is called."
    )
    parser.add_argument("item", metavar="ITEM", help="an item of stage quantize (name or folder)")
    parser.add_argument("destination", metavar="DEST", help="a new or empty folder")
    parser.add_argument("--format", choices=["onnx", "c"], default="onnx", help="default: %(default)s (4 bits: IR)")
    _which(parser)


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=int, metavar="N", help="of an item: which network (default: the first)")
    parser.add_argument("--precision", metavar="NAME", help="of an item: fp32, or what it quantized to (the default)")
