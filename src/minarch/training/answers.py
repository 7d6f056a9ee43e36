"""Answers that all processes of a workspace share: a file of JSON objects, one per line; a question's first stands."""

import fcntl
import json
import os
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import IO

LONGEST = 2**16  # bytes of a line; what is longer is no answer


class Answers:
    """The answers in the file at `path`, whoever wrote them; without a path, those of this process alone.

    A line that is damaged, or whose answer is not among those allowed, is no answer.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.known: dict[str, list[str]] = {}  # question -> answers, the oldest first
        self._read = 0  # bytes of the file that are in `known`
        self._refused = False

    def find(self, question: str, allowed: Container[str]) -> str | None:
        """The first of the allowed answers, as far as the file was read."""
        return next((answer for answer in self.known.get(question, ()) if answer in allowed), None)

    def read(self) -> None:
        """Take in what was added to the file since it was last read."""
        try:
            if self.path is not None:
                with self.path.open("rb") as file:
                    self._take_in(file)
        except OSError:  # there is none yet, or `add` will say why it cannot be used
            pass

    def add(self, question: str, answer: str, seconds: Mapping[str, float]) -> str:
        """Keep an answer with the seconds of all that are allowed, unless the file has one by now.

        What cannot be kept holds in this process, which says so once on stderr.

        Returns:
            The answer that stands.
        """
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)  # NFS does not append as one step; and the first answer stands
                    self._take_in(file)
                    if first := self.find(question, seconds):
                        return first
                    cut_off = file.seek(0, os.SEEK_END) > self._read
                    line = json.dumps({"question": question, "answer": answer, "seconds": seconds})
                    file.write(b"\n" * cut_off + line.encode() + b"\n")
        except OSError as error:
            if not self._refused:
                print(
                    f"minarch: {self.path} cannot be written ({error.strerror}): what is fastest is measured by each"
                    " process for itself, and results may differ by rounding",
                    file=sys.stderr,
                )
            self._refused = True
        self.known.setdefault(question, []).append(answer)
        return answer

    def _take_in(self, file: IO[bytes]) -> None:
        if os.fstat(file.fileno()).st_size < self._read:
            self._read = 0  # it was removed and begun again
        file.seek(self._read)
        while line := file.readline(LONGEST):
            if len(line) < LONGEST and not line.endswith(b"\n"):
                break  # its end is still to come, or never will
            self._read += len(line)
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):  # of brackets nested too deep
                continue
            match entry:
                case {"question": str(question), "answer": str(answer)}:
                    self.known.setdefault(question, []).append(answer)
