"""Hosting: the instrument server of one run, started beside it and left to itself."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clock import Clock
from .data import write_whole
from .errors import ConnectionLost, InstrumentError, NotOwner
from .experiment import Experiment, read_override
from .instrument import GuardedInstrument
from .lab import Lab
from .server import Place, RemoteInstrument, new_identity, read_identity, write_identity

_log = logging.getLogger(__name__)
FOLDER = "server"  # within the run's
END = 15.0  # [s] for it to end once it was left
START = 120.0  # [s] for a server to find its instrument and listen
ANNOUNCED, GUEST = "announced.json", "run"  # within the keys of a server of one run
MARGIN = 10.0  # [s] beyond the time after which a lease is lost
TRY_AGAIN = 0.5  # [s]
_TICK = 0.05  # [s]


@dataclass(frozen=True, slots=True)
class LabFile:
    """A lab file as it was read.

    Attributes:
        lab: What it says, overrides applied.
        text: Its text, verbatim.
        path: Where it stood; relative paths in it start there.
        overrides: What was replaced, as on the command line.
    """

    lab: Lab
    text: str
    path: Path
    overrides: tuple[str, ...] = ()

    @property
    def is_hardware(self) -> bool:
        """Whether something real moves that is not behind a server already."""
        settings = self.lab.instrument
        return not settings.is_simulated and settings.kind != "remote"


def host(file: LabFile, seed: int, clock: Clock, out: Path, pulses: int = 0) -> GuardedInstrument:
    """Start the server of a lab in a process of its own, and take control of its instrument.

    A server of this run that is still there, since the run was killed, is taken over. It belongs to
    this run and ends with it. When the run dies instead, it holds the tip,
    withdraws it after the lab's time, and ends then.

    Args:
        file: The lab file.
        seed: Root of all randomness of what is simulated.
        clock: Instrument time.
        out: Folder of the run; what the server needs and leaves is in a folder of its own there.
        pulses: How many pulses and pokes a human has said yes to.

    Raises:
        InstrumentError: The server did not come up; its own words say why.
    """
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    remote = _found(folder, clock, file.lab.server.hold_after) or _begun(
        file, seed, clock, folder, pulses
    )
    try:
        return GuardedInstrument(remote, file.lab.limits.limits())
    except InstrumentError:
        remote.close()
        raise


def _begun(file: LabFile, seed: int, clock: Clock, folder: Path, pulses: int) -> RemoteInstrument:
    """Start a server, and take control of its instrument."""
    stamp = f"{time.time_ns():x}"
    keys = folder / f"keys-{stamp}"
    identity = new_identity(GUEST)
    write_identity(identity, keys)
    lab_file = write_whole(keys / "lab.toml", file.text.encode())
    announce = keys / ANNOUNCED
    command = [
        *(sys.executable, "-m", "spm_auto", "serve", str(lab_file)),
        *("--folder", str(folder), "--announce", str(announce)),
        *("--guest", str(keys / f"{GUEST}.key"), "--seed", str(seed), "--pulses", str(pulses)),
        *("--relative-to", str(file.path.resolve().parent)),
        *(f"--set={text}" for text in file.overrides),
    ]
    log = folder / f"server-{stamp}.log"
    process = _start(command, log)
    place = _place(_wait(process, announce, log))
    return RemoteInstrument(place, identity, clock, on_close=lambda: _see_off(process))


def _found(folder: Path, clock: Clock, hold_after: float) -> RemoteInstrument | None:
    """Take over the server of this run that still runs, since the run was killed; None without one.

    The one that died may still have control for a while.
    """
    announced = sorted(folder.glob(f"keys-*/{ANNOUNCED}"))
    if not announced:
        return None
    place = _place(json.loads(announced[-1].read_text("utf-8")))
    identity = read_identity(announced[-1].with_name(f"{GUEST}.key_secret"))
    end = time.monotonic() + hold_after + MARGIN
    while True:
        try:
            return RemoteInstrument(place, identity, clock)
        except ConnectionLost:  # it has ended since
            return None
        except NotOwner:
            if time.monotonic() > end:
                raise
            time.sleep(TRY_AGAIN)


def _place(said: Mapping[str, str]) -> Place:
    return Place(said["command"], said["public"], said["safety"])


def lab_file_of(experiment: Experiment) -> LabFile:
    """Return the lab file of an experiment."""
    overrides = tuple(of_lab(experiment.overrides))
    return LabFile(experiment.lab, experiment.lab_text, Path(experiment.files[1]), overrides)


def of_lab(overrides: Sequence[str]) -> list[str]:
    """Return those overrides of a command line that are about the lab file."""
    keys = (read_override(text)[0].split(".")[0].split("[")[0] for text in overrides)
    return [text for text, key in zip(overrides, keys, strict=True) if key in Lab.model_fields]


def _start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one, and that no Ctrl-C of its terminal reaches."""
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


def _wait(process: "subprocess.Popen[bytes]", announce: Path, log: Path) -> dict[str, str]:
    """Wait until the server says where it listens."""
    end = time.monotonic() + START
    while not announce.exists():
        if process.poll() is not None:
            words = log.read_text("utf-8", "replace").strip().splitlines()
            last = words[-1].removeprefix("error: ") if words else "it said nothing"
            raise InstrumentError(f"the instrument server did not start: {last}")
        if time.monotonic() > end:
            process.terminate()
            raise ConnectionLost(f"the instrument server did not come up within {START:g} s")
        time.sleep(_TICK)
    said: dict[str, str] = json.loads(announce.read_text("utf-8"))
    return said


def _see_off(process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server has closed its journal and is gone."""
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        _log.warning("the instrument server (process %d) has not ended yet", process.pid)
