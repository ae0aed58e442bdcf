"""The whole window on a screen, with mouse and keyboard, as an operator has it at night."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from screens import Screen, Window

from spm_auto.data import (
    FILE_NAME,
    PAUSE,
    RESUME,
    Event,
    FinishReason,
    Intervention,
    JournalReader,
    Judged,
    Record,
    RunFinished,
    ScanStarted,
    SpectrumAcquired,
    Verdict,
)
from spm_auto.ear import FILE_NAME as EAR
from spm_auto.ear import read_place

pytestmark = pytest.mark.screen

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SMALL = (
    "--set=steps[0].frame.pixels=[64, 64]",
    "--set=steps[1].budget=12",
    "--set=steps[1].agent={kind = 'gp', initial = 4}",
)
FIRST_IMAGE = 10.0  # [s] from the command to the first line on the screen
SATURATED = 50  # so much do the channels of a colour differ that is not grey, of 255
RECIPE = "An agent looks for the widest loops, and asks"
PLANNING = 40.0  # [s]
ASKING = 90.0  # [s] for an agent that trains on a busy machine


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Where the runs of a test get their folders."""
    return tmp_path / "runs"


@pytest.fixture
def opened(screen: Screen, tmp_path: Path) -> Iterator[list[Window]]:
    """Windows that are closed at the end."""
    windows: list[Window] = []
    yield windows
    screen.photograph(tmp_path / "last.png")
    for each in windows:
        each.close()
    for ear in tmp_path.glob(f"runs/*/{EAR}"):  # closing a window ends no run
        os.kill(read_place(ear.parent).process, signal.SIGKILL)


def records_in(runs: Path) -> list[Record]:
    """Return what the only run in a folder has said so far."""
    (journal,) = runs.glob(f"*/{FILE_NAME}")
    return list(JournalReader(journal).poll())


def wait_for(runs: Path, is_meant: Callable[[Event], bool], seconds: float = 30.0) -> Event:
    """Wait until a run has said something, and return the first time that it did."""
    until = time.monotonic() + seconds
    while True:
        for record in records_in(runs):
            if is_meant(record.event):
                return record.event
        assert time.monotonic() < until, "the run did not say it"
        select.select([], [], [], 0.1)


def wait_for_deed(runs: Path, kind: str) -> Intervention:
    """Wait until what a human did is on record."""
    found = wait_for(runs, lambda event: isinstance(event, Intervention) and event.kind == kind)
    assert isinstance(found, Intervention)
    assert found.who == "Ada"
    return found


def coloured(picture: np.ndarray, place: tuple[int, int, int, int]) -> float:
    """Return the share of the middle of a part of a picture that is not grey."""
    left, top, width, height = place
    rows = slice(top + height // 4, top + height * 4 // 5)  # without its fields and its axes
    columns = slice(left + width // 10, left + width * 3 // 4)  # and without the bar of colours
    part = picture[rows, columns].astype(int)
    return float(np.mean(part.max(axis=2) - part.min(axis=2) > SATURATED))


def wait_for_image(window: Window, seconds: float, share: float = 0.004) -> float:
    """Wait until an image is on the screen; returns when, since the start of the program [s]."""
    while time.monotonic() - window.started < seconds:
        image = window.wait("ImageView", seconds)
        picture, now = window.screen.seen(), time.monotonic()
        if coloured(picture, image.place) > share:
            return now - window.started
    raise AssertionError(f"no image after {seconds:g} s")


def test_on_a_fresh_set_up_the_first_image_is_there_within_ten_seconds(
    screen: Screen, tmp_path: Path, runs: Path, opened: list[Window], pictures: Path
) -> None:
    window = Window(screen, tmp_path, "gui", "--sim", "--out", runs, "--who", "Ada")
    opened.append(window)
    took = wait_for_image(window, 3 * FIRST_IMAGE)
    print(f"\nfirst image after {took:.1f} s")  # noqa: T201 - a figure for the docs
    assert took < FIRST_IMAGE
    screen.photograph(pictures / "gui_first_image.png")


def test_what_is_done_by_hand_is_recorded_and_what_is_forbidden_is_refused_at_the_field(
    screen: Screen, tmp_path: Path, runs: Path, opened: list[Window], pictures: Path
) -> None:
    window = Window(screen, tmp_path, "gui", "--sim", "--out", runs, "--who", "Ada")
    opened.append(window)
    window.wait("Scan", ASKING, usable=True, kind="QPushButton")
    window.type_into("width", "50 um", kind="QuantityField")
    assert not window.wait("Scan", kind="QPushButton").is_enabled
    screen.photograph(pictures / "gui_refused.png")
    window.type_into("width", "400 nm", kind="QuantityField")
    window.type_into("height", "400 nm", kind="QuantityField")
    window.click("Scan", kind="QPushButton")
    wait_for(runs, lambda e: isinstance(e, ScanStarted) and e.instruction.frame.size[0] == 4e-7)

    window.click("Spectrum", kind="tab")
    window.type_into("amplitude", "8 V", kind="QuantityField")
    window.click("Measure", ASKING, kind="QPushButton")
    taken = wait_for(runs, lambda event: isinstance(event, SpectrumAcquired), ASKING)
    assert isinstance(taken, SpectrumAcquired)
    assert taken.instruction.waveform.bias.max() == 8.0
    window.wait("Measure", ASKING, usable=True, kind="QPushButton")
    screen.photograph(pictures / "gui_by_hand.png")


def test_an_autonomous_run_is_started_watched_overruled_and_withdrawn_from_the_window(
    screen: Screen, tmp_path: Path, runs: Path, opened: list[Window], pictures: Path
) -> None:
    window = Window(screen, tmp_path, "gui", "--out", runs, "--who", "Ada")
    opened.append(window)
    choose_recipe(window)
    screen.photograph(pictures / "gui_start.png")
    window.click("start the run")
    wait_for_image(window, 120.0, share=0.15)
    screen.photograph(pictures / "gui_scan.png")

    window.click("Accept", ASKING)  # before the model has learnt anything
    window.click("Agent", kind="tab")
    window.wait_for_words("spectrum 10: measure at", ASKING)
    screen.photograph(pictures / "gui_agent.png")
    window.type_into("why", "on a scratch")
    window.click("Reject")
    rejected = wait_for(runs, lambda e: isinstance(e, Judged) and e.verdict is Verdict.REJECTED)
    assert isinstance(rejected, Judged)
    assert (rejected.who, rejected.why) == ("Ada", "on a scratch")

    window.click("Forbid a circle")
    screen.photograph(pictures / "gui_forbid.png")
    window.click("Forbid this")
    wait_for_deed(runs, "forbid_region")

    window.click("Accept", ASKING)
    window.wait("Pause", ASKING, usable=True)
    window.press("ctrl+p")
    wait_for_deed(runs, PAUSE)
    window.wait("Go on", usable=True)
    screen.photograph(pictures / "gui_paused.png")
    window.press("ctrl+g")
    wait_for_deed(runs, RESUME)
    window.wait("Pause", ASKING, usable=True)

    window.press("F12")
    window.wait_for_words("WITHDRAWN")
    window.wait_for_words("over: emergency")
    screen.photograph(pictures / "gui_withdrawn.png")
    finished = wait_for(runs, lambda event: isinstance(event, RunFinished))
    assert isinstance(finished, RunFinished)
    assert finished.reason is FinishReason.EMERGENCY


def test_a_run_that_is_over_is_looked_at_in_the_light_and_nothing_can_be_done_to_it(
    screen: Screen, tmp_path: Path, opened: list[Window], pictures: Path
) -> None:
    run = tmp_path / "tonight"
    files = (EXAMPLES / "ferroelectric.toml", "--lab", EXAMPLES / "lab_simulator.toml")
    command = [sys.executable, "-m", "spm_auto", "run", *files, "--out", run, "--json", *SMALL]
    subprocess.run(command, check=True, env=screen.environment, stdout=subprocess.DEVNULL)
    window = Window(screen, tmp_path, "view", run, "--theme", "light")
    opened.append(window)
    window.wait_for_words("over: completed")
    window.wait("no instrument attached")
    for name in ("Pause", "Stop", "Scan", "Measure here"):
        assert not window.wait(name, kind="QPushButton").is_enabled
    window.click("Agent", kind="tab")
    window.click("History", kind="tab")
    window.wait_for_words("12 of 12 judged")
    screen.photograph(pictures / "gui_view.png")


def choose_recipe(window: Window) -> None:
    """Choose the recipe that asks, with the simulated laboratory, and wait for its plan."""
    window.click("Start", kind="tab")
    window.click("Recipe", kind="QComboBox")
    window.screen.do("type", RECIPE[:20])
    window.press("Return")
    window.wait(RECIPE)
    window.wait("start the run", PLANNING, usable=True)
