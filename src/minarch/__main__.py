"""minarch: the smallest image classifiers that learn a task reliably, and what pruning and quantization do to them."""

import argparse
import sys

from minarch.errors import UserError
from minarch.flow.plan import DEFAULT
from minarch.flow.stages import STAGES


def main() -> None:
    """The command line; a mistake of the user's ends in one line and exit code 1."""
    stages = "\n".join(f"  {name:16} {stage.words}" for name, stage in STAGES.items())
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
    status = commands.add_parser("status", parents=[study], help="what is done, running, missing, unstable")
    status.add_argument(
        "--verify", action="store_true", help="read every file, and compare it with its seal and with dvc.lock"
    )
    explain = commands.add_parser(
        "explain", parents=[study], help="one item: configuration, key, inputs, why it would run"
    )
    explain.add_argument("item", metavar="ITEM", help="name of an item, with or without its key, or its folder")
    compare = commands.add_parser("compare", help="the results of two studies or git revisions side by side")
    compare.add_argument("first", metavar="A", help="a study's name or params file, a git revision, or a metrics.json")
    compare.add_argument("second", metavar="B")
    predict = commands.add_parser("predict", parents=[study], help="classify images with an exported model")
    predict.add_argument(
        "model", metavar="ITEM_OR_FILE", help="an .xml or .onnx file, or an item of stage quantize (name or folder)"
    )
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="image files")
    predict.add_argument("--repeat", type=int, metavar="N", help="of an item: which network (default: the first)")
    predict.add_argument("--precision", metavar="NAME", help="of an item: fp32, or what it quantized to (the default)")
    recommend = commands.add_parser(
        "recommend",
        parents=[study],
        help="the best model for a budget of bytes or accuracy, and where its files lie",
        description="Of every data set the best model under the bounds, at least one of which is given. With --max-drop"
        " the one of fewest bytes among those within the drop, without it the one of highest mean validation accuracy;"
        " models of which too many repeats failed (convergence.failure_share) do not count.",
    )
    recommend.add_argument("--max-bytes", type=int, metavar="N", help="bytes of a model's files")
    recommend.add_argument(
        "--max-drop", type=float, metavar="POINTS", help="points of validation accuracy below the data set's best model"
    )
    recommend.add_argument("--dataset", metavar="NAME", help="one data set (default: each)")
    arguments = parser.parse_args()
    try:
        if arguments.command == "plan":
            from minarch.commands.forecast import forecast

            forecast(arguments.study, arguments.cores)
        elif arguments.command == "status":
            from minarch.commands.status import status as tell

            tell(arguments.study, verify=arguments.verify)
        elif arguments.command == "explain":
            from minarch.commands.explain import explain as show

            show(arguments.study, arguments.item)
        elif arguments.command == "predict":
            from minarch.commands.predict import predict as classify

            classify(arguments.study, arguments.model, arguments.images, arguments.repeat, arguments.precision)
        elif arguments.command == "recommend":
            from minarch.commands.recommend import recommend as choose

            choose(arguments.study, arguments.max_bytes, arguments.max_drop, arguments.dataset)
        else:
            from minarch.commands.compare import compare as show_both

            show_both(arguments.first, arguments.second)
    except UserError as error:
        sys.exit(f"minarch: {error}")


if __name__ == "__main__":
    main()
