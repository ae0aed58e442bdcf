"""PlanQuestion: what a run was planned to take, found out once, beside it and without haste."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .orders import Planned

LONGEST = 300.0  # [s] for a plan to be made
LOW = 15  # how much the process gives way to others, as ``nice`` counts
_COUNTED = ("spectrum", "curve")


class PlanQuestion:
    """Asks ``spm-auto plan --run DIR --json`` what a run was planned to take.

    Args:
        folder: Of the run.
        program: What understands the words.
    """

    def __init__(self, folder: Path, program: Sequence[str]) -> None:
        self._planned: Planned | None = None
        self._command = [*program, "plan", "--run", str(folder), "--json"]
        self._is_closed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._find_out, name="plan", daemon=True)
        self._thread.start()

    @property
    def planned(self) -> Planned | None:
        """What it was planned to take; None while, or where, nobody can say."""
        return self._planned

    def close(self) -> None:
        """Do without the answer."""
        with self._lock:
            self._is_closed = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()
        self._thread.join(1.0)

    def _find_out(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                self._child = _start(self._command)
            except OSError:
                return  # then nobody knows
        with self._child as child:
            try:
                said, _ = child.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                child.kill()
                return
            if child.returncode == 0:
                self._planned = read_plan(said)


def read_plan(said: bytes) -> Planned | None:
    """Read what was planned in all; None where that is not what it says."""
    try:
        table = json.loads(said)
        spectra = sum(_count(row) for row in table["steps"])
        return Planned(float(table["planned"]), spectra)
    except (ValueError, KeyError, TypeError):
        return None


def _count(row: dict[str, Any]) -> int:
    is_counted = any(word in row["operation"] for word in _COUNTED)
    return int(row["planned_count"]) if is_counted else 0


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a process that gives way to all others.

    Raises:
        OSError: It cannot be started.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=flags,
    )
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, child.pid, LOW)
    return child
