"""minarch: the smallest image classifiers that learn a task reliably, and what pruning and quantization do to them."""

import argparse
import sys

from minarch.errors import UserError
from minarch.flow.plan import DEFAULT, STAGES

_STAGES = {
    "data": "data sets as tensors, split into train, validation and test",
    "sweep": "every architecture trained several times",
    "refine": "which sizes to add around P_min (convergence.refine)",
    "refined": "those sizes trained",
    "weights": "statistics of every network's weights",
    "similarity": "distances between the weights of good and of poor networks",
    "convergence": "regimes (unstable, learning, overfitting) and minimal learnable sizes",
    "representatives": "the models that go on to pruning and quantization",
    "prune": "structured pruning (NNCF) with fine-tuning; curves of magnitude pruning",
    "quantize": "INT8 (NNCF), exported to OpenVINO IR, checked and timed",
    "aggregate": "tables, figures, metrics and the report",
}


def main() -> None:
    """The command line; a mistake of the user's ends in one line and exit code 1."""
    stages = "\n".join(f"  {name:16} {_STAGES[name]}" for name in STAGES)
    parser = argparse.ArgumentParser(
        prog="python -m minarch",
        description=__doc__,
        epilog=f"stages, in order; `snakemake` runs them all, `python -m minarch.STAGE` one of them:\n{stages}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    study = argparse.ArgumentParser(add_help=False)
    study.add_argument(
        "--study", "--params", default=DEFAULT, metavar="FILE", help="params file (default: %(default)s)"
    )
    plan = commands.add_parser(
        "plan", parents=[study], help="what a study takes: architectures, trainings, FLOPs, disk, time"
    )
    plan.add_argument("--cores", type=int, metavar="N", help="that the run may use (default: this machine's)")
    commands.add_parser("status", parents=[study], help="what is done, running, missing, unstable")
    explain = commands.add_parser(
        "explain", parents=[study], help="one item: configuration, key, inputs, why it would run"
    )
    explain.add_argument("item", metavar="ITEM", help="name of an item, with or without its key, or its folder")
    compare = commands.add_parser("compare", help="the results of two studies or git revisions side by side")
    compare.add_argument("first", metavar="A", help="a study's name or params file, a git revision, or a metrics.json")
    compare.add_argument("second", metavar="B")
    arguments = parser.parse_args()
    try:
        if arguments.command == "plan":
            from minarch.flow.forecast import forecast

            forecast(arguments.study, arguments.cores)
        elif arguments.command == "status":
            from minarch.flow.status import status

            status(arguments.study)
        elif arguments.command == "explain":
            from minarch.flow.explain import explain as show

            show(arguments.study, arguments.item)
        else:
            from minarch.flow.compare import compare as show_both

            show_both(arguments.first, arguments.second)
    except UserError as error:
        sys.exit(f"minarch: {error}")


if __name__ == "__main__":
    main()
