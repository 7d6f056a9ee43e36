"""What a compiler makes of a C source: bytes of code, of constants, and of memory while it runs.

They depend on the compiler and the processor that it compiles for, so that both are said beside them. `CC` names
another one, such as "arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb".
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from
from tempfile import TemporaryDirectory

from minarch.errors import one_line

SMALL = ["-std=c99", "-Os"]  # as for a microcontroller; nothing may be added that changes what is computed
SECONDS = 300  # a compiler that takes longer hangs
ENTRIES = ("_predict", "_logits", "net")  # how the names of functions end that call one another; others call no other


class NotCompiled(Exception):
    """There is no compiler, or it refuses a source; the message says why."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its command, the first line that it says of itself, and the processor that it compiles for."""

    command: list[str]
    version: str
    target: str


@dataclass(frozen=True)
class Bytes:
    """Bytes of a compiled source: code, constants (weights, scales), and the deepest stack."""

    code: int
    weights: int
    stack: int


def find_compiler() -> Compiler:
    """The compiler that `CC` names, or `cc`.

    Raises:
        NotCompiled: there is none.
    """
    try:
        command = shlex.split(os.environ.get("CC") or "cc")
    except ValueError as error:
        raise NotCompiled(f"CC cannot be read ({error})") from None
    if not command or shutil.which(command[0]) is None:
        raise NotCompiled(f"no C compiler {command[0] if command else ''!r}")
    version, target = (_said([*command, option]).splitlines()[:1] for option in ("--version", "-dumpmachine"))
    return Compiler(command, "".join(version), "".join(target))


def compiled_bytes(source: str, compiler: Compiler) -> Bytes:
    """The bytes of a source of `minarch.c99.source`, compiled for size; nothing is run.

    Raises:
        NotCompiled: the compiler refuses it, or writes no ELF file.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.c"
        file.write_text(source)
        _said([*compiler.command, *SMALL, "-fstack-usage", "-c", file.name, "-o", "model.o"], folder)
        usage, sections = file.with_suffix(".su"), dict[str, int]()
        if not usage.is_file():
            raise NotCompiled(f"{compiler.version} says nothing of stacks")
        for name, size in elf_sections(file.with_suffix(".o").read_bytes()):
            kind = name.split(".")[1] if name.startswith(".") else ""
            sections[kind] = sections.get(kind, 0) + size
        constants = sum(sections.get(kind, 0) for kind in ("rodata", "data"))
        return Bytes(sections.get("text", 0), constants, deepest_stack(usage.read_text()))


def deepest_stack(usage: str) -> int:
    """Bytes of the stack at its deepest, from what -fstack-usage says of every function that was not put into another.

    The entries call one another, and the last of them calls the others one after the other.
    """
    frames = [line.split("\t") for line in usage.splitlines()]
    by_function = [(frame[0].rpartition(":")[2], int(frame[1])) for frame in frames]
    entries = [size for name, size in by_function if name.endswith(ENTRIES)]
    return sum(entries) + max((size for name, size in by_function if not name.endswith(ENTRIES)), default=0)


def elf_sections(content: bytes) -> Iterator[tuple[str, int]]:
    """Names and bytes of the sections of an ELF file (System V ABI, chapter 4), of any processor.

    Raises:
        NotCompiled: it is none.
    """
    if content[:4] != b"\x7fELF":
        raise NotCompiled("the compiler writes no ELF file")
    wide, order = content[4] == 2, "<" if content[5] == 1 else ">"
    offset, *_ = unpack_from(order + ("Q" if wide else "I"), content, 40 if wide else 32)
    length, count, names = unpack_from(order + "3H", content, 58 if wide else 46)
    headers = [content[offset + length * i : offset + length * (i + 1)] for i in range(count)]
    fields = [unpack_from(order + ("2I4Q" if wide else "6I"), header) for header in headers]  # name, ..., offset, size
    texts = content[fields[names][4] :]
    for name, *_, size in fields:
        yield texts[name : texts.index(b"\0", name)].decode(), size


def _said(command: list[str], folder: str | None = None) -> str:
    """What a command writes to standard output."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiled(f"{command[0]}: {one_line(error)}") from None
    if done.returncode:
        raise NotCompiled(f"{command[0]} refuses ({one_line(RuntimeError(done.stderr))})")
    return done.stdout
