"""Killing runs: start one, kill it at some moment, and hold what is left against what it said."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
from victim import digest

from spm_auto.data import (
    FILE_NAME,
    RUN_FILE_NAME,
    AgentAnswered,
    Event,
    LineAcquired,
    LoadFinished,
    PointChosen,
    Record,
    RunFinished,
    RunStarted,
    ScanStarted,
    StepStarted,
    open_run,
)
from spm_auto.errors import DataError

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
RESUME = "resume"  # the command that goes on with a run
PIXELS, BUDGET = 32, 12
SMALL = (
    f"--set=steps[0].frame.pixels=[{PIXELS}, {PIXELS}]",
    f"--set=steps[1].budget={BUDGET}",
    "--set=steps[1].agent={kind = 'gp', initial = 4}",
)
MOMENTS = ("loading", "scan", "spectrum", "agent", "consolidation", "report")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a run is killed: so long [s] after it said that so many records are written.

    With ``everything`` the processes that it started die with it.
    """

    records: int
    delay: float
    everything: bool = False


class Told(NamedTuple):
    """What a run told before it ended.

    Attributes:
        digests: Of each record that it said to have written, by number.
        code: Its exit code.
        ending: Time from the last record to its end [s].
    """

    digests: dict[int, str]
    code: int
    ending: float


def run_command(out: Path, seed: int = 1) -> tuple[str, ...]:
    """Return the command line of a small run."""
    recipe, lab = EXAMPLES / "ferroelectric.toml", EXAMPLES / "lab_simulator.toml"
    return ("run", str(recipe), "--lab", str(lab), "--out", str(out), "--seed", str(seed), *SMALL)


def resume_command(out: Path) -> tuple[str, ...]:
    """Return the command line that goes on with a run."""
    return (RESUME, str(out))


def kill_at(command: Sequence[str], moment: Moment, log: Path) -> Told:
    """Start a command and kill it at a moment, if it does not end before.

    Args:
        command: What stands after ``spm-auto``.
        moment: When.
        log: Where what it prints is added.
    """
    own_group: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py")), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            **own_group,
        ) as process,
    ):
        kill = threading.Timer(moment.delay, _kill, (process, moment.everything))
        kill.daemon = True
        said: dict[int, str] = {}
        last = time.monotonic()
        if moment.records == 0:
            kill.start()
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # it died while it said so
            number, seen = line.split()
            said[int(number)] = seen
            last = time.monotonic()
            if len(said) == moment.records:
                kill.start()
        code = process.wait()
        kill.cancel()
    return Told(said, code, time.monotonic() - last)


def run_to_the_end(command: Sequence[str], log: Path) -> Told:
    """Carry out a command and leave it alone."""
    told = kill_at(command, Moment(sys.maxsize, 0.0), log)
    assert told.code == 0, log.read_text()
    return told


def lost(folder: Path, said: dict[int, str]) -> list[int]:
    """Return the records that a run said to have written and that are not there, bit for bit."""
    kept = {record.number: digest(record) for record in records_of(folder)}
    return [number for number, seen in said.items() if kept.get(number) != seen]


def records_of(folder: Path) -> tuple[Record, ...]:
    """Return what is left of a run; nothing when it had not written its first record."""
    try:
        return open_run(folder).records
    except DataError:
        journal = folder / FILE_NAME
        assert not journal.exists() or journal.stat().st_size < 2000
        return ()


def moment_of(folder: Path) -> str:
    """Say what a run was doing when it was killed, by what it left."""
    records = records_of(folder)
    last = records[-1].event if records else None
    match last:
        case None | RunStarted() | LoadFinished() | StepStarted(index=0):
            return "loading"
        case ScanStarted() | LineAcquired():
            return "scan"
        case RunFinished() if (folder / "report.html").exists():
            return "the end"
        case RunFinished():
            return "report" if (folder / RUN_FILE_NAME).exists() else "consolidation"
        case AgentAnswered() | PointChosen():
            return "spectrum"
        case _:
            return "agent"


def read_run_file(folder: Path) -> bool:
    """Read all of a run file and hold it against the journal; returns whether there is one."""
    path = folder / RUN_FILE_NAME
    if not path.exists():
        return False
    count = 0

    def read(_: str, item: object) -> None:
        nonlocal count
        if isinstance(item, h5py.Dataset):
            item[()]
            count += 1

    with h5py.File(path, "r") as file:
        file.visititems(read)
        assert file["entry/events/records"].size == len(records_of(folder))
    return count > 0


def random_moment(rng: random.Random, whole: Told) -> Moment:
    """Choose a moment: before the first records, while it measures, or while it makes its files.

    Args:
        rng: Chooses.
        whole: What an undisturbed run told.
    """
    everything = rng.random() < 0.5
    records = len(whole.digests)
    match rng.choices(("start", "run", "end"), (1, 4, 4)):
        case ["start"]:
            return Moment(0, rng.uniform(0.0, 2.0), everything)
        case ["run"]:
            return Moment(rng.randrange(1, records), rng.expovariate(200.0), everything)
    return Moment(records, rng.uniform(0.0, whole.ending), everything)


def told_apart(records: Sequence[Record], ignored: Callable[[Event], bool]) -> list[str]:
    """Return digests of the events of a run, to compare with another run's."""
    return [digest(Record(0, 0.0, 0.0, r.event)) for r in records if not ignored(r.event)]


def _kill(process: "subprocess.Popen[str]", everything: bool) -> None:
    if everything and sys.platform != "win32" and process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
