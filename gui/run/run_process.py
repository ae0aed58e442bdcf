"""RunProcess: a run is a process that outlives the window; its words go into its folder."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spm_auto.data import FILE_NAME
from spm_auto.errors import DataError

from .orders import StartOrder

LOG_NAME = "process.log"
PROGRAM = (sys.executable, "-m", "spm_auto")
_MOST_WORDS = 20_000  # characters of what a process has said
_SHOWN = 6  # lines
_ERROR = "error: "  # what the command line puts before what went wrong


class RunProcess:
    """The process of a run that this window has started; it goes on when the window is closed.

    Args:
        order: What is started.
        program: What understands its words.

    Attributes:
        process: Its number.

    Raises:
        DataError: Its folder cannot be used, or holds a run already.
    """

    def __init__(self, order: StartOrder, program: Sequence[str] = PROGRAM) -> None:
        check_folder(order)
        self._log = order.out / LOG_NAME
        self._last_words: Sequence[str] | None = None
        self._before = self._log.stat().st_size if self._log.exists() else 0
        try:
            self._child = start([*program, *order.words()], self._log)
        except OSError as error:
            raise DataError(f"{order.out}: no process can be started: {error}") from error
        self.process = self._child.pid
        # whoever waits for it also keeps it from staying on as a zombie
        threading.Thread(target=self._child.wait, name="child", daemon=True).start()

    @property
    def code(self) -> int | None:
        """Exit code; None while it lives."""
        return self._child.returncode

    def faults(self) -> str:
        """Return the errors that it told, once it has ended by them; empty where it told none."""
        return "" if self.code in (None, 0) else "\n".join(self._faults(self._lines())[-_SHOWN:])

    def words(self) -> str:
        """Return what it said last, in a few lines: the errors, where there are any."""
        lines = self._lines()
        said = self._faults(lines)[-_SHOWN:] or lines[-1:]
        code = self.code
        if code is not None and code < 0:
            said = [f"its process was killed by signal {-code}", *self._faults(lines)]
        return "\n".join(said) or f"it said nothing (exit code {code})"

    @staticmethod
    def _faults(lines: Sequence[str]) -> list[str]:
        return [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]

    def _lines(self) -> Sequence[str]:
        """Return what it has said; once it has ended that is read only once."""
        if self._last_words is not None:
            return self._last_words
        has_ended = self.code is not None
        lines = self._read()
        if has_ended:
            self._last_words = lines
        return lines

    def _read(self) -> list[str]:
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._before, self._log.stat().st_size - _MOST_WORDS))
                text = file.read().decode("utf-8", "replace")
        except OSError as error:
            return [f"{self._log} cannot be read: {error.strerror or error}"]
        return [line.strip() for line in text.splitlines() if line.strip()]


def check_folder(order: StartOrder) -> None:
    """Make the folder of a run.

    Raises:
        DataError: It cannot be made, or holds a run that would be begun again; or none, where one
            is to be gone on with.
    """
    try:
        order.out.mkdir(parents=True, exist_ok=True)
        holds_run = (order.out / FILE_NAME).exists()
    except OSError as error:
        raise DataError(f"{order.out} cannot be used: {error.strerror or error}") from error
    if holds_run and not order.resume:
        raise DataError(f"{order.out} holds a run already; choose another folder")
    if order.resume and not holds_run:
        raise DataError(f"{order.out} holds no run that could be gone on with")


def start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one, and that no Ctrl-C of its terminal reaches.

    Raises:
        OSError: It cannot be started.
    """
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            **apart,
        )
