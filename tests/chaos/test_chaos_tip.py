"""Rows 3, 10, 28 and 29: what is felt is missing or wrong, what others change, what cannot end."""

import math
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from bench import PATIENCE
from by_hand import Shown, doing
from rows import Table
from served import served
from watched import FRAME, watched, watched_runner

from spm_auto.clock import InstantClock
from spm_auto.data import (
    Alarm,
    FinishReason,
    RunPaused,
    RunResumed,
    TipWithdrawn,
    open_run,
)
from spm_auto.errors import EmergencyStopped, NotAcknowledged, NotConfirmed
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    Severity,
)
from spm_auto.simulator import SimulatorSettings
from spm_auto.workflow import RunState

MOVE = PositionProbe(2e-9, 0.0)
SPECTRUM = AcquireSpectrum(1e-9, 1e-9, BiasWaveform.triangle(0.5, 8))
SCAN = Scan(FRAME, line_rate=1.0)
PROGRAM = (MOVE, SPECTRUM, SCAN, MOVE, SPECTRUM, SPECTRUM, MOVE, SCAN)


def test_a_missing_value_never_counts_as_good(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(3, "signal missing", "vitals NaN, stale, unanswered, from any instruction on")
    actions = range(1, 1 + how_many(quick=1, full=6))
    for how, action in product(("nan", "stale", "raise"), actions):
        clock = InstantClock()
        guard, dog, _ = watched({"kind": "blind", "action": action, "how": how}, clock=clock)
        folder = tmp_path / f"{how} {action}"
        with counted.trial():
            finished = watched_runner(folder, guard, clock).run([doing(*PROGRAM)], seed=1)
            assert finished.reason is FinishReason.EMERGENCY
            trip = dog.trip
            assert trip is not None
            assert (trip.cause in ("unreadable", "stale"), trip.is_confirmed) == (True, True)
            assert trip.severity is Severity.WITHDRAW
            with pytest.raises(EmergencyStopped):
                guard.position_probe(MOVE)
            with pytest.raises(NotAcknowledged):
                guard.load(Load())


def test_two_looks_that_find_nothing_are_not_taken_for_the_third(
    row: Table, how_many: Callable[..., int]
) -> None:
    counted = row(3, "signal missing", "vitals NaN, stale, unanswered, from any instruction on")
    for how, action in product(("nan", "raise"), range(1, 1 + how_many(quick=1, full=6))):
        fault = {"kind": "blind", "action": action, "how": how, "looks": 2}
        guard, dog, _ = watched(fault)
        with counted.trial():
            guard.load(Load())
            for number in range(10):
                guard.position_probe(PositionProbe(number * 1e-10, 0.0))
            assert dog.trip is None


def test_no_spectrum_is_taken_while_the_z_loop_does_not_hold_the_tip(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(10, "stuck feedback", "the z piezo at its end from any instruction on")
    for action in range(1, 1 + how_many(quick=2, full=8)):
        clock = InstantClock()
        guard, dog, _ = watched({"kind": "stuck_feedback", "action": action}, clock=clock)
        with counted.trial():
            runner = watched_runner(tmp_path / f"{action}", guard, clock)
            finished = runner.run([doing(*PROGRAM)], seed=1)
            assert finished.reason is FinishReason.EMERGENCY
            assert dog.trip is not None
            assert dog.trip.cause == "feedback"
            assert dog.trip.is_confirmed
            run = open_run(tmp_path / f"{action}")
            before = sum(isinstance(each, AcquireSpectrum) for each in PROGRAM[: action - 1])
            assert len(run.spectra) == before  # none of or after the instruction
            assert [alarm.cause for alarm in run.alarms] == ["feedback"]


def test_what_somebody_else_changes_is_said_and_not_fought_over(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(28, "changed outside", "bias or position changed at the vendor's window")
    changes = ({"bias": "0.7 V"}, {"x": "3 nm"}, {"bias": "-0.2 V", "y": "-2 nm"})
    for number, (changed, action) in enumerate(
        product(changes[: how_many(quick=2, full=3)], (2, 3, 4, 6)[: how_many(quick=1, full=4)])
    ):
        clock, shown, folder = InstantClock(), Shown(), tmp_path / f"{number}"
        fault = {"kind": "changed_outside", "action": action, **changed}
        guard, dog, _ = watched(fault, clock=clock)
        runner = watched_runner(folder, guard, clock, listeners=(shown,))
        with counted.trial():
            runner.start([doing(*PROGRAM)], seed=1)
            while runner.state is not RunState.PAUSED:
                assert not runner.wait(0.01), runner.finished
            assert dog.trip is not None
            assert (dog.trip.cause, dog.trip.severity) == ("outside", Severity.HOLD)
            assert "was changed outside: " in dog.trip.message
            assert " -> " in dog.trip.message
            assert guard.status().is_engaged  # the tip stays where it is
            if "bias" in changed:
                assert guard.status().bias == pytest.approx(float(str(changed["bias"])[:-2]))
            told = len(shown.records)
            assert not runner.wait(0.05)
            assert len(shown.records) == told  # nothing is done meanwhile
            dog.acknowledge("ada")
            assert runner.wait(PATIENCE)
            assert runner.finished is not None
            assert runner.finished.reason is FinishReason.COMPLETED
            events = [type(each.event) for each in open_run(folder).records]
            assert events.index(Alarm) < events.index(RunPaused) < events.index(RunResumed)


def test_a_withdrawal_that_fails_is_tried_again_and_never_called_a_success(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(29, "withdraw fails", "1 to 5 orders do nothing, or none ever does")
    for times in (1, 3, None, 2, 4, 5)[: how_many(quick=3, full=6)]:
        fault = {"kind": "withdrawal_fails", "action": 0}
        fault |= {} if times is None else {"times": times}
        fails = times is None or times >= 3
        clock = InstantClock()
        guard, dog, _ = watched(fault, clock=clock)
        guard.load(Load())
        with counted.trial():  # ordered by whoever holds the instrument
            if fails:
                with pytest.raises(NotConfirmed, match="NOT confirmed"):
                    guard.emergency_stop()
                assert guard.status().is_engaged or guard.status().state is InstrumentState.LATCHED
            else:
                guard.emergency_stop()
                assert guard.status().state is InstrumentState.LATCHED
        crash = {"kind": "tip_crash", "action": 1}
        guard, dog, _ = watched(fault, crash, clock=clock)
        with counted.trial():  # ordered by the watchdog
            guard.load(Load())
            with pytest.raises(EmergencyStopped):
                guard.acquire_spectrum(SPECTRUM)
            assert dog.trip is not None
            assert dog.trip.is_confirmed is not fails
            assert ("NOT confirmed" in dog.trip.message) is fails
            with pytest.raises(NotAcknowledged):
                guard.load(Load())
        settings = SimulatorSettings.model_validate(
            {"sample": {"kind": "hopg"}, "faults": (fault,), "level": 0}
        )
        with counted.trial():  # ordered over the wire, by a key that may do nothing else
            folder = tmp_path / f"server {times}"
            with served(folder, settings.open(clock, 1), clock) as bench:
                owner = bench.client(bench.key("alice"))
                owner.load(Load())
                key = bench.key("bob")
                other = bench.client(key, has_control=False)
                if fails:
                    with pytest.raises(NotConfirmed):
                        other.emergency_stop()
                else:
                    other.emergency_stop()
            (written,) = bench.events(TipWithdrawn)
            assert written.who in ("bob", key.public)  # a key that is new has no name yet
            assert written.is_confirmed is not fails
            assert ("NOT CONFIRMED" in written.message) is fails


@pytest.mark.chaos
def test_random_faults_at_random_moments_leave_the_tip_up_or_held_and_say_so(
    row: Table, tmp_path: Path
) -> None:
    counted = row(10, "stuck feedback", "together with crashes and blindness, at random")
    rng = random.Random(10)
    for number in range(60):
        kinds = rng.sample(
            [
                {"kind": "stuck_feedback"},
                {"kind": "tip_crash", "after": f"{rng.uniform(0, 0.5):.3f} s"},
                {"kind": "blind", "how": rng.choice(("nan", "stale", "raise"))},
                {"kind": "withdrawal_fails", "times": rng.randrange(1, 3)},
            ],
            rng.randrange(1, 4),
        )
        faults = [{**kind, "action": rng.randrange(1, 8)} for kind in kinds]
        clock = InstantClock()
        guard, dog, _ = watched(*faults, clock=clock)
        runner = watched_runner(tmp_path / f"{number}", guard, clock)
        with counted.trial():
            finished = runner.run([doing(*PROGRAM)], seed=1)
            harmless = all(kind["kind"] == "withdrawal_fails" for kind in kinds)
            run = open_run(tmp_path / f"{number}")
            if finished.reason is FinishReason.COMPLETED:
                late = [fault for fault in faults if fault["kind"] in ("blind", "tip_crash")]
                assert harmless or late  # it came with the last instruction, too late to be seen
            else:
                assert finished.reason is FinishReason.EMERGENCY
                assert dog.trip is not None
                assert dog.trip.is_confirmed
                assert run.alarms
            for spectrum in run.spectra:
                assert math.isfinite(spectrum.data.sum())
                assert spectrum.flags == ()
