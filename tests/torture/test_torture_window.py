"""A run that is watched, and whose windows are killed, is the run that nobody watched."""

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import Count
from killing import LAB, RECIPE, SEED, essence, records_of

from spm_auto.data import FILE_NAME, RunFinished
from spm_auto.ear import read_place
from spm_auto.errors import SpmError

pytest.importorskip("PyQt6", reason="the window needs the extra [gui]")

KILLS = 20
LONG = (
    "steps[0].frame.pixels=[96, 96]",
    "steps[1].budget=150",
    "steps[1].agent={kind = 'gp', initial = 4}",
)
LIVES = (0.5, 7.0)  # [s] shortest and longest life of a window
LONGEST = 300.0  # [s] for a run


def start_run(out: Path) -> "subprocess.Popen[bytes]":
    """Start a run in a process of its own, on an instant clock."""
    files = (str(RECIPE), "--lab", str(LAB), "--out", str(out), "--seed", str(SEED), "--json")
    return _start("run", *files, *(f"--set={text}" for text in LONG), log=out.with_suffix(".log"))


def open_window(folder: Path) -> "subprocess.Popen[bytes]":
    """Open the window on a run, as an operator does, on a screen that nobody sees."""
    return _start("gui", str(folder), "--who", "Ada", log=folder.with_suffix(".window.log"))


def _start(*command: str, log: Path) -> "subprocess.Popen[bytes]":
    home = {"HOME": str(log.parent), "XDG_CONFIG_HOME": str(log.parent / "config")}
    with log.open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "spm_auto", *command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=os.environ | home | {"QT_QPA_PLATFORM": "offscreen"},
        )


@contextlib.contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """Leave no process behind."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_heard(folder: Path) -> bool:
    """Say whether anybody has a connection to the ear of a run that goes on."""
    try:
        port = int(read_place(folder).address.rpartition(":")[2])
    except SpmError:
        return False
    established = "01"
    ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(end[1].endswith(f":{port:04X}") and end[3] == established for end in ends)


def wait_for(seconds: float, process: "subprocess.Popen[bytes]") -> bool:
    """Wait, at most until a process ends; returns whether it still goes on."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is None


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Give what the run says when nobody watches."""
    out = tmp_path_factory.mktemp("unwatched") / "run"
    with ended(start_run(out)) as run:
        assert run.wait(LONGEST) == 0, out.with_suffix(".log").read_text()
    said = essence(out)
    assert len(said) > 600
    return said


@pytest.mark.torture
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="connections are seen in /proc")
def test_a_run_whose_windows_are_killed_is_that_which_nobody_watched(
    tmp_path: Path, unwatched: list[tuple[str, str]], count: Count
) -> None:
    rng = random.Random(1127)
    kills = heard = runs = 0
    while kills < KILLS:
        out = tmp_path / f"run-{runs:02d}"
        runs += 1
        with ended(start_run(out)) as run:
            while kills < KILLS and wait_for(0.05, run):
                if not (out / FILE_NAME).exists():
                    continue
                with ended(open_window(out)) as window:
                    goes_on = wait_for(rng.uniform(*LIVES), run)
                    assert window.poll() is None, out.with_suffix(".window.log").read_text()
                    heard += goes_on and is_heard(out)
                kills += goes_on
            assert run.wait(LONGEST) == 0, out.with_suffix(".log").read_text()
        different = essence(out) != unwatched
        count("windows", runs=1, records=len(records_of(out)), different=int(different))
        assert not different, out
    count("windows", kills=kills, while_speaking=heard)
    assert heard >= KILLS // 3


@pytest.mark.torture
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="connections are seen in /proc")
def test_a_run_that_is_watched_from_beginning_to_end_is_that_which_nobody_watched(
    tmp_path: Path, unwatched: list[tuple[str, str]], count: Count
) -> None:
    out, looked = tmp_path / "run", 0
    with ended(start_run(out)) as run:
        while not (out / FILE_NAME).exists():
            assert wait_for(0.02, run), out.with_suffix(".log").read_text()
        with ended(open_window(out)) as window:
            while wait_for(0.2, run):
                looked += is_heard(out)
                assert window.poll() is None, out.with_suffix(".window.log").read_text()
            assert run.wait(LONGEST) == 0
            assert window.poll() is None
    records = records_of(out)
    count("watched", records=len(records), seen_connected=looked)
    assert isinstance(records[-1].event, RunFinished)
    assert looked > 0
    assert essence(out) == unwatched
