"""A run that a human steers through the command line, killed twice, is the run never killed."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from counting import Count
from killing import LAB, SEED, Moment, essence, follow, lost, records_of, resume_command
from victim import digest

from spm_auto.data import (
    Event,
    Intervention,
    Judged,
    Record,
    RunFinished,
    SpectrumScored,
    StepStarted,
    Verdict,
)
from spm_auto.ear import RunClient
from spm_auto.errors import SpmError

RECIPE = """
schema_version = 1
title = "steered"

[[steps]]
kind = "overview"
frame = { center = ["0 nm", "0 nm"], size = ["1 um", "1 um"], pixels = [24, 24] }

[[steps]]
kind = "explore"
agent = { kind = "gp", initial = 3 }
scalarizer = "loop_area"
waveform = { kind = "triangle", amplitude = "8 V", points = 32 }
budget = 8
approval = "every"

[[steps]]
kind = "approve"
message = "the loops look good"

[[steps]]
kind = "explore"
agent = { kind = "preference", initial = 2 }
scalarizer = "loop_area"
waveform = { kind = "triangle", amplitude = "8 V", points = 32 }
budget = 6
approval = { every = 1 }
"""
# what is typed when the run asks about a spectrum of a step
TYPED: Mapping[tuple[int, int], tuple[str, ...]] = {
    (1, 2): ("pause", "--why", "lunch"),
    (1, 3): ("forbid", "200 nm", "-100 nm", "--radius", "150 nm", "--why", "a scratch"),
    (1, 4): ("point", "-100 nm", "-120 nm"),
    (1, 6): ("scalarizer", "loop_opening"),
    (1, 7): ("note", "the film looks clean"),
    (3, 4): ("prefer",),
    (3, 5): ("prefer",),
    (3, 6): ("approval", "never", "--why", "time for bed"),
}
ANSWERS: Mapping[tuple[int, int], tuple[Verdict, dict[str, float]]] = {
    (1, 3): (Verdict.REJECTED, {}),
    (1, 6): (Verdict.EDITED, {"x": -3e-7, "y": 3e-7}),
}
MOMENTS = ((31, 60), (48, 95), (70, 74))


class Human:
    """Types what is to be typed, answers what is asked, and starts again where the run does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._attend)

    def __enter__(self) -> "Human":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _attend(self) -> None:
        while not self._over.wait(0.02):
            with (
                contextlib.suppress(SpmError),  # it is not there yet, or was killed
                RunClient.connect(self.folder, "Ada") as client,
            ):
                done: set[tuple[int, int]] = set()
                while not self._over.wait(0.005):
                    try:
                        self._look(client, done)
                    except (LookupError, ValueError) as error:  # the run must not wait for ever
                        self.faults.append(repr(error))
                        client.cancel("this test is broken")

    def _look(self, client: RunClient, done: set[tuple[int, int]]) -> None:
        view = client.state()
        question = view.question
        if question is None:
            if view.is_held and view.state == "paused":
                client.resume("back")
            return
        events = [record.event for record in records_of(self.folder)]
        step = [event.index for event in events if isinstance(event, StepStarted)][-1]
        if question.ask.kind == "step":
            client.answer(Verdict.APPROVED, number=question.number)
            return
        place = (step, int(question.ask.question.split(":")[0].removeprefix("spectrum ")))
        if place in TYPED and place not in done:
            done.add(place)
            self._type(place, events)
        answered = [e for e in events[_begin(events) :] if isinstance(e, Judged)]
        verdict, values = ANSWERS.get(place, (Verdict.APPROVED, {}))
        if any(each.verdict is verdict for each in answered):  # once is enough
            verdict, values = Verdict.APPROVED, {}
        client.answer(verdict, "a hunch", values, question.number)

    def _type(self, place: tuple[int, int], events: list[Event]) -> None:
        """Type a command, unless it is on record."""
        nth = list(TYPED).index(place)
        typed = [e for e in events if isinstance(e, Intervention) and e.kind != "resume"]
        if len(typed) > nth:
            return
        words = TYPED[place]
        if words == ("prefer",):
            scored = [e for e in events[_begin(events) :] if isinstance(e, SpectrumScored)]
            words = ("prefer", str(scored[-1].candidate), str(scored[-2].candidate))
        command = [sys.executable, "-m", "spm_auto", "steer", str(self.folder), *words]
        said = subprocess.run([*command, "--who", "Ada"], capture_output=True, text=True)
        if said.returncode and "nobody listens" not in said.stderr:
            self.faults.append(said.stderr)


def _begin(events: list[Event]) -> int:
    """Return where the step that is under way began."""
    return max(n for n, event in enumerate(events) if isinstance(event, StepStarted))


def without_resuming(folder: Path) -> list[tuple[str, str]]:
    """Return what a run says; a kill ends a pause, so when it was let go on is left out."""
    left_out = {
        digest(Record(0, 0.0, record.time, record.event))
        for record in records_of(folder)
        if isinstance(record.event, Intervention) and record.event.kind == "resume"
    }
    return [(name, said) for name, said in essence(folder) if said not in left_out]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steered")
    (folder / "steered.toml").write_text(RECIPE, "utf-8")
    return folder


def begin_command(files: Path, out: Path) -> tuple[str, ...]:
    recipe = str(files / "steered.toml")
    return ("run", recipe, "--lab", str(LAB), "--out", str(out), "--seed", str(SEED))


@pytest.fixture(scope="module")
def whole(files: Path) -> list[tuple[str, str]]:
    out = files / "whole"
    with Human(out) as human:
        assert follow(begin_command(files, out), files / "whole.log").code == 0
    assert human.faults == []
    return without_resuming(out)


@pytest.mark.torture
def test_every_command_is_on_record(files: Path, whole: list[tuple[str, str]]) -> None:
    events = [record.event for record in records_of(files / "whole")]
    kinds = [event.kind for event in events if isinstance(event, Intervention)]
    assert len(whole) > MOMENTS[-1][-1]
    assert [kind for kind in kinds if kind != "resume"] == [
        "pause", "forbid_region", "force_point", "rescalarize", "annotate", "prefer", "prefer",
        "set_approval",
    ]  # fmt: skip
    assert "resume" in kinds
    verdicts = {event.verdict for event in events if isinstance(event, Judged)}
    assert verdicts == set(Verdict)


@pytest.mark.torture
@pytest.mark.parametrize("moments", MOMENTS, ids=str)
def test_killed_twice_it_ends_as_the_one_that_was_not(
    moments: tuple[int, int], files: Path, whole: list[tuple[str, str]], count: Count
) -> None:
    out = files / f"killed {moments}"
    log = files / f"killed {moments}.log"
    told = {}
    command = begin_command(files, out)
    with Human(out) as human:
        for records in moments:
            n_before = len(records_of(out)) if out.exists() else 0
            life = follow(command, log, Moment(max(records - n_before, 1), 0.0))
            assert life.code != 0, "it ended before it was killed"
            told |= life.digests
            command = resume_command(out)
        told |= follow(command, log).digests
    assert human.faults == []
    missing = lost(out, told)
    different = without_resuming(out) != whole
    count("steered", kills=2, acknowledged=len(told), lost=len(missing), different=int(different))
    assert isinstance(records_of(out)[-1].event, RunFinished)
    assert missing == []
    assert not different
