"""Run summaries: what a folder of runs holds, told run by run by a process of its own.

`python -m spm_auto.gui.history.run_summaries FOLDER` reads from its standard input, as JSON,
which runs are known already and how their files were. It writes a line of JSON for each thing
that it finds: first all folders in order, then a summary of each run that is new or has changed.
So the window waits for no disk, and decodes no journal but that of the run which it shows.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from spm_auto.data import FILE_NAME, RUN_FILE_NAME, JournalReader, open_run
from spm_auto.ear import read_place
from spm_auto.errors import SpmError
from spm_auto.units import format as format_quantity

from ..run.run_model import RunModel

MOST_RUNS = 500  # the newest ones
_FRESH = 60.0  # [s] since its last word, for a run that cannot be asked
GOES_ON, NO_END = "goes on", "no end recorded"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a line.

    Attributes:
        folder: Name of its folder.
        stamp: How its file was: time and size.
        title: Of the recipe.
        instrument: Its name.
        began: When it began [s since 1970]; 0 where nobody knows.
        seconds: Instrument time from its first record to its last [s].
        ended: How it ended, or that it goes on, or that its end was not recorded.
        message: Why it ended so; empty for no reason.
        n_scans: How many images it took.
        n_spectra: How many spectra and force curves.
        best: The highest value, with its unit; empty for none.
        error: Why it cannot be read, in words; empty where it can.
    """

    folder: str
    stamp: str
    title: str = ""
    instrument: str = ""
    began: float = 0.0
    seconds: float = 0.0
    ended: str = ""
    message: str = ""
    n_scans: int = 0
    n_spectra: int = 0
    best: str = ""
    error: str = ""


def find_runs(folder: Path) -> list[tuple[Path, str]]:
    """Return the folders with a run in them and how their files are, the newest first.

    The folder itself counts too. What cannot be looked into is passed over.

    Raises:
        OSError: The folder itself cannot be read.
    """
    found: list[tuple[float, Path, str]] = []
    for place in [folder, *(each for each in folder.iterdir() if each.is_dir())]:
        for name in (FILE_NAME, RUN_FILE_NAME):
            with contextlib.suppress(OSError):
                about = (place / name).stat()
                stamp = f"{name} {about.st_mtime_ns} {about.st_size}"
                found.append((about.st_mtime, place, stamp))
                break
    found.sort(key=lambda each: each[0], reverse=True)
    return [(place, stamp) for _, place, stamp in found]


def summarise(folder: Path, stamp: str, now: float) -> RunSummary:
    """Return a run in a line; what is wrong with it is said there.

    Args:
        folder: Of the run.
        stamp: How its file is.
        now: What time it is [s since 1970].
    """
    model = RunModel()
    error = ""
    try:
        if (folder / FILE_NAME).is_file():
            reader = JournalReader(folder / FILE_NAME)
            model.take(reader.poll())
            error = f"damaged: {reader.damage}" if reader.damage else ""
        else:
            model.take(open_run(folder).records)
    except (SpmError, OSError) as fault:
        error = str(fault)
    except (AttributeError, LookupError, TypeError, ValueError) as fault:
        error = f"the records do not fit together: {fault}"
    started = model.started
    if started is None:
        return RunSummary(folder.name, stamp, error=error or "nothing was recorded yet")
    best = model.best
    scored = best.scored if best is not None else None
    return RunSummary(
        folder=folder.name,
        stamp=stamp,
        title=started.title,
        instrument=started.instrument,
        began=model.start_utc,
        seconds=model.spent,
        ended=_ended(folder, model, now),
        message=model.finished.message if model.finished is not None else "",
        n_scans=len(model.images),
        n_spectra=len(model.spectra) + len(model.curves),
        best="" if scored is None else format_quantity(scored.value, scored.unit, 3),
        error=error,
    )


def _ended(folder: Path, model: RunModel, now: float) -> str:
    if model.finished is not None:
        return str(model.finished.reason)
    if now - model.utc < _FRESH or _is_alive(folder):
        return GOES_ON
    return NO_END


def _is_alive(folder: Path) -> bool:
    """Whether the process of a run that has an ear is there, on this machine.

    Windows has no signal that only looks: there nobody is asked.
    """
    if sys.platform == "win32":
        return False
    try:
        os.kill(read_place(folder).process, 0)
    except PermissionError:
        return True
    except (SpmError, OSError):
        return False
    return True


def tell(folder: Path, known: Mapping[str, str], now: float) -> Iterator[str]:
    """Yield what there is to be told, as lines of JSON.

    Args:
        folder: In which the folders of the runs lie.
        known: How the files of the runs were that need not be told of again, by folder.
        now: What time it is [s since 1970].
    """
    try:
        found = find_runs(folder)
    except FileNotFoundError:  # no run was started yet that would have made it
        found = []
    except OSError as error:
        yield json.dumps({"error": f"{folder}: {error.strerror or error}"})
        return
    shown = found[:MOST_RUNS]
    yield json.dumps({"runs": [str(place) for place, _ in shown], "n_all": len(found)})
    for place, stamp in shown:
        before = known.get(str(place))
        if before != stamp:
            summary = asdict(summarise(place, stamp, now))
            yield json.dumps({"path": str(place), "summary": summary})


def main() -> None:
    """Tell of a folder; see the module."""
    with contextlib.suppress(AttributeError, OSError):  # what the window does comes first
        os.nice(10)
    known = json.loads(sys.stdin.read() or "{}")
    for line in tell(Path(sys.argv[1]), known, time.time()):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
