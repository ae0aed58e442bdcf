"""The combinatorial library: films that differ by composition, and are found again."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.clock import Clock, InstantClock
from spm_auto.errors import EmergencyStopped, NotLoaded, Stopped
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    GuardedInstrument,
    InstrumentState,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.simulator import (
    CombinatorialLibrarySettings,
    SimulatedMicroscope,
    SimulatorSettings,
    Truth,
    simulate,
)
from spm_auto.simulator.samples.ferroelectric import SpreadSettings

SCAN = Scan(ScanFrame((0.0, 0.0), (6e-7, 6e-7), (8, 8)), ("amplitude", "phase"), line_rate=8.0)
LOOP = BiasWaveform.triangle(9.0, points=32)
SPECTRUM = AcquireSpectrum(1e-7, -5e-8, LOOP)
THERE, BACK = MoveStage(2e-3, 1e-4), MoveStage(0.0, 0.0)


def library(clock: Clock | None = None, level: int = 0) -> tuple[SimulatedMicroscope, Truth]:
    sample = CombinatorialLibrarySettings.model_validate(
        {"film": {"kind": "library_film", "cells": 96, "size": "0.8 um", "relaxation_steps": 40}}
    )
    microscope, truth = simulate(SimulatorSettings(sample=sample, level=level), 3, clock)
    microscope.load(Load())
    return microscope, truth


def seen(microscope: SimulatedMicroscope) -> np.ndarray:
    return np.array([line.forward for line in microscope.scan(SCAN)])


def test_only_a_sample_on_a_stage_declares_one() -> None:
    microscope, _ = library()
    assert MoveStage in microscope.capabilities.instructions
    assert microscope.capabilities.stage_range == ((-5e-3, 5e-3), (-1e-3, 1e-3))
    bare = SimulatorSettings.model_validate({"sample": {"kind": "hopg"}, "level": 0})
    other = bare.open(InstantClock(), 0)
    assert MoveStage not in other.capabilities.instructions
    assert other.status().stage is other.capabilities.stage_range is None


def test_the_library_keeps_what_the_exam_asks_of_a_stage() -> None:
    exam = InstrumentContract()
    guard = GuardedInstrument(library()[0])
    exam.test_a_stage_is_moved_and_the_tip_back_or_that_is_refused(guard)
    exam.test_a_stage_position_out_of_reach_is_refused_and_nothing_moved(guard)


def test_a_move_takes_its_way_and_an_approach() -> None:
    microscope, _ = library()
    before = microscope.status().time
    expected = microscope.duration(MoveStage(3e-3, 0.0))
    microscope.move_stage(MoveStage(3e-3, 0.0))
    timing = microscope.timing
    assert expected == timing.withdrawal + 3e-3 / timing.stage_speed + timing.approach
    assert microscope.status().time - before == pytest.approx(expected)


def test_coming_back_finds_the_same_film_with_what_was_written_on_it() -> None:
    microscope, truth = library()
    pristine = seen(microscope)
    microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, BiasWaveform((9.0, 9.0, 0.0))))
    written = seen(microscope)
    assert not np.array_equal(pristine, written)
    microscope.move_stage(THERE)
    assert not np.array_equal(seen(microscope), written)
    microscope.move_stage(BACK)
    assert np.array_equal(seen(microscope), written)
    assert truth.sample.stage == (0.0, 0.0)


def test_a_film_depends_on_its_place_and_not_on_the_way_there() -> None:
    one, _ = library()
    other, _ = library()
    one.move_stage(THERE)
    other.move_stage(MoveStage(-4e-3, 0.0))
    seen(other)
    other.move_stage(THERE)
    assert np.array_equal(seen(one), seen(other))


def test_a_snapshot_holds_the_stage_and_all_films() -> None:
    microscope, truth = library(level=3)
    microscope.acquire_spectrum(SPECTRUM)
    before = truth.snapshot()

    def story() -> np.ndarray:
        microscope.move_stage(THERE)
        there = microscope.acquire_spectrum(SPECTRUM).data
        microscope.move_stage(BACK)
        return np.concatenate([there, microscope.acquire_spectrum(SPECTRUM).data])

    first = story()
    truth.restore(before)
    assert microscope.status().stage == (0.0, 0.0)
    assert np.array_equal(story(), first, equal_nan=True)
    truth.restore(truth.pristine)
    assert microscope.status().state is InstrumentState.READY


class StopWhenAsked(InstantClock):
    """A clock at whose next long wait somebody does something."""

    def __init__(self) -> None:
        super().__init__()
        self.then: object = None

    def wait(self, duration: float, stop: object = None) -> bool:
        if callable(self.then) and duration > 2.0:
            then, self.then = self.then, None
            then()
        return super().wait(duration, stop)  # type: ignore[arg-type]


def test_who_is_stopped_on_the_way_has_the_tip_up_and_needs_a_load() -> None:
    clock = StopWhenAsked()
    microscope, _ = library(clock)
    clock.then = microscope.interrupt
    with pytest.raises(Stopped):
        microscope.move_stage(THERE)
    status = microscope.status()
    assert (status.state, status.is_engaged) == (InstrumentState.EMPTY, False)
    with pytest.raises(NotLoaded):
        microscope.position_probe(PositionProbe(0.0, 0.0))
    microscope.load(Load())
    microscope.move_stage(THERE)
    assert microscope.status().stage == (THERE.x, THERE.y)


def test_an_emergency_on_the_way_latches() -> None:
    clock = StopWhenAsked()
    microscope, _ = library(clock)
    clock.then = microscope.emergency_stop
    with pytest.raises(EmergencyStopped):
        microscope.move_stage(THERE)
    assert microscope.status().state is InstrumentState.LATCHED
    assert not microscope.status().is_engaged


def test_while_the_stage_moves_the_tip_is_up() -> None:
    clock = StopWhenAsked()
    microscope, _ = library(clock)
    told = []
    clock.then = lambda: told.append((microscope.status(), microscope.vitals()))
    microscope.move_stage(THERE)
    ((status, vitals),) = told
    assert not status.is_engaged
    assert not vitals.is_engaged


def test_the_response_grows_to_the_boundary_and_dies_beyond_it() -> None:
    spread = SpreadSettings()
    c = np.linspace(0.0, 0.2, 2001)
    response = spread.response(c)
    best = c[np.argmax(response)]
    assert best == pytest.approx(spread.boundary, abs=spread.death * 2)
    assert response[0] == pytest.approx(1.0)
    assert response.max() == pytest.approx(2.05, abs=0.05)
    assert response[-1] < 0.05
    rising = response[c < best]
    assert (np.diff(rising) > 0).all()
    assert (np.diff(spread.coercive(c)) <= 0).all()
    assert spread.shift(np.array(spread.boundary)) == pytest.approx(-0.8)


def test_what_is_measured_follows_the_composition() -> None:
    microscope, truth = library()
    answers = []
    for x in (-2e-3, 1.5e-3, 4.5e-3):  # where the response is 1.1, 2.0 and 0.02
        microscope.move_stage(MoveStage(x, 0.0))
        loops = [
            microscope.acquire_spectrum(AcquireSpectrum(along, 1e-7, LOOP)).data[0]
            for along in (-2e-7, -1e-7, 0.0, 1e-7, 2e-7)
        ]
        answers.append(np.median(np.ptp(loops, axis=1)) / truth.library.response(np.array(x)))
    # what differs besides the composition is the film: some ten percent
    assert max(answers) / min(answers) < 1.5


def test_the_composition_rises_along_the_stage() -> None:
    settings = CombinatorialLibrarySettings(lowest=0.05, highest=0.15)
    x = np.array([-5e-3, 0.0, 5e-3])
    np.testing.assert_allclose(settings.composition(x), [0.05, 0.1, 0.15])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lowest": 0.2, "highest": 0.1}, "the composition must rise"),
        ({"length": "1 um"}, "smaller than its films"),
        ({"spread": {"death": 0.1, "width": 0.05}}, "must die faster than it grew"),
    ],
)
def test_a_library_that_makes_no_sense_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CombinatorialLibrarySettings.model_validate(settings)


def test_a_film_too_small_for_the_softest_composition_is_refused() -> None:
    film = {"kind": "library_film", "cells": 32, "size": "150 nm"}
    sample = CombinatorialLibrarySettings.model_validate({"film": film})
    with pytest.raises(ValidationError, match="nm wide, but a tip"):
        SimulatorSettings(sample=sample)
