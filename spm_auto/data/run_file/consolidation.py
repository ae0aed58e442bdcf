"""Consolidation: the journal becomes a run file, in a process of its own and only as a whole.

A full disk can crash the HDF5 library, and a process with it; so a child writes the file under
another name and reads it back, and whoever asked puts it in place when the child says that all is
well. Whatever the child dies of, the journal and an older run file stay as they are.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ...errors import DataError
from ..place import take_place

RUN_FILE_NAME = "run.h5"
_TIMEOUT = 600.0  # [s] for the child process


def consolidate(journal: Path, target: Path | None = None) -> Path:
    """Make the run file from a journal, in a child process; the run may still go on.

    Args:
        journal: The journal.
        target: The file to make; ``run.h5`` beside the journal without it.

    Returns:
        The file.

    Raises:
        DataError: The file could not be made, or does not hold what the journal holds; the journal
            and an older file are untouched.
    """
    target = target or journal.with_name(RUN_FILE_NAME)
    for left in target.parent.glob(f"{target.name}.*.part"):  # by a child that was killed
        with contextlib.suppress(OSError):
            left.unlink()
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        child = _in_child(journal, part)
        if child.returncode == 0:
            take_place(part, target)
            return target
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{target}: not written within {_TIMEOUT:g} s") from error
    except OSError as error:
        raise DataError(f"{target}: not written: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    raise DataError(f"{target}: not written ({_ending(child.returncode)}): {_why(child, target)}")


def _in_child(journal: Path, part: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", __package__, str(journal), str(part)]
    return subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)


def _ending(code: int) -> str:
    names = {-number.value: number.name for number in signal.Signals}
    return f"ended by {names[code]}" if code in names else f"exit {code}"


def _why(child: "subprocess.CompletedProcess[str]", target: Path) -> str:
    """Say why in one line; a child that died without a word may have filled the disk."""
    lines = child.stderr.strip().splitlines()
    if lines and child.returncode > 0:
        return lines[-1]
    free = shutil.disk_usage(target.parent).free if target.parent.is_dir() else 0
    return f"{lines[-1] if lines else 'no message'}; {free / 1e6:.0f} MB are free on its disk"
