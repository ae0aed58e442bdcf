"""The attempts at a run: a log beside its result that says where, when, how long and what for."""

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import SpmError
from .result import ATTEMPTS_NAME

MOST_LOSSES = 3  # attempts that were killed, after which a run is given up
_KIB = 1024

# what a line says
BEGAN, ENDED, BROKE, DROPPED, AGAIN = "began", "ended", "broke", "dropped", "again"
# ends that say nothing of the run: something outside of it, or somebody, was in the way
_OUTSIDE = (SpmError, OSError, KeyboardInterrupt, SystemExit)


@contextlib.contextmanager
def attempt(folder: Path) -> Iterator[None]:
    """Write down that an attempt begins, and how it ended, unless its process is killed.

    Raises:
        OSError: The log cannot be written.
    """
    start, busy = time.perf_counter(), time.process_time()
    note(folder, BEGAN)
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        used = {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - busy,
            **_peak_memory(),
        }
        if error is None:
            note(folder, ENDED, **used)
        else:
            what = DROPPED if isinstance(error, _OUTSIDE) else BROKE
            with contextlib.suppress(OSError):  # a full disk has been said already
                note(folder, what, why=f"{type(error).__name__}: {error}", **used)


def note(folder: Path, what: str, **more: Any) -> None:
    """Append a line to the log.

    Raises:
        OSError: It cannot be written.
    """
    line = {
        "what": what,
        "host": platform.node(),
        "pid": os.getpid(),
        "utc": time.time(),
        **more,
    }
    with (folder / ATTEMPTS_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_attempts(folder: Path) -> tuple[dict[str, Any], ...]:
    """Return the lines of the log; none where there was no attempt.

    A line that was cut off by a kill is passed over.
    """
    try:
        text = (folder / ATTEMPTS_NAME).read_text("utf-8", errors="replace")
    except OSError:
        return ()
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            table = json.loads(line)
            if isinstance(table, dict):
                found.append(table)
    return tuple(found)


def losses(folder: Path) -> int:
    """Return how many attempts were killed or broke, since it was last said to try again."""
    said = [str(line.get("what")) for line in read_attempts(folder)]
    since = said[len(said) - said[::-1].index(AGAIN) :] if AGAIN in said else said
    return max(0, since.count(BEGAN) - since.count(ENDED) - since.count(DROPPED))


def why_lost(folder: Path) -> str:
    """Return what the last attempt that broke said; nothing where all were killed in silence."""
    broke = [line for line in read_attempts(folder) if line.get("what") == BROKE]
    return str(broke[-1].get("why", "")) if broke else ""


def _peak_memory() -> dict[str, int]:
    """Return the most memory that this process ever had [bytes], where the system tells."""
    if sys.platform == "win32":
        return {}
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_memory": peak if sys.platform == "darwin" else peak * _KIB}
