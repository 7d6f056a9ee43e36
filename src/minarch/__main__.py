"""minarch: the smallest image classifiers that learn a task reliably, and what pruning and quantization do to them."""

import os
import sys
from importlib import import_module

from minarch.commands.parsers import command_line
from minarch.errors import UserError


def main() -> None:
    """The command line; a mistake of the user's ends in one line and exit code 1."""
    sys.path.append(os.getcwd())  # of a user's families: a console script, unlike `python -m`, does not look here
    arguments = vars(command_line(__doc__).parse_args())
    name = arguments.pop("command")
    command = getattr(import_module(f"minarch.commands.{name}"), name)
    try:
        command(**arguments)
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"minarch: {error}")
    except BrokenPipeError:  # whoever reads the output, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
