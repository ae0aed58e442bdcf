"""The simulated microscope: exact without noise, deterministic with it, and stopped at once."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped, InstrumentError, Stopped
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    FloatArray,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.simulator import (
    FerroelectricFilm,
    FerroelectricFilmSettings,
    PfmNoise,
    PfmSettings,
    RandomStreams,
    ScannerSettings,
    SimulatedMicroscope,
    SimulatorSettings,
    TipSettings,
    simulate,
)

SMALL = FerroelectricFilmSettings.model_validate(
    {"size": "1 um", "cells": 128, "relaxation_steps": 60}
)
PERFECT = SimulatorSettings(sample=SMALL, level=0)
NOISY = SimulatorSettings(sample=SMALL)
FRAME = ScanFrame(center=(1e-7, -5e-8), size=(6e-7, 4e-7), pixels=(48, 32), angle=0.3)
LOOP = BiasWaveform.triangle(8.5, points=64)
HERE = AcquireSpectrum(1e-7, 2e-7, LOOP)


def with_only(**amounts: object) -> SimulatorSettings:
    """Return a microscope that is perfect but for these layers of noise."""
    noise = PfmNoise.none().model_copy(update=amounts)
    technique = PfmSettings(noise=noise)
    return SimulatorSettings(sample=SMALL, technique=technique, scanner=ScannerSettings.perfect())


def loaded(settings: SimulatorSettings, seed: int = 1) -> SimulatedMicroscope:
    microscope = settings.open(InstantClock(), seed)
    microscope.load(Load())
    return microscope


def scanned(microscope: SimulatedMicroscope, frame: ScanFrame = FRAME) -> FloatArray:
    """Return a scan of shape [way, channel, line, pixel]."""
    lines = list(microscope.scan(Scan(frame)))
    return np.stack(
        [np.stack([x.forward for x in lines], 1), np.stack([x.backward for x in lines], 1)]
    )


def test_without_noise_the_channels_are_the_physics_to_the_last_bit() -> None:
    film = SMALL.build(RandomStreams(1))
    answer = film.view(TipSettings()).at(*FRAME.positions())
    forward, backward = scanned(loaded(PERFECT))
    np.testing.assert_array_equal(forward[0], np.abs(answer.piezoresponse))
    np.testing.assert_array_equal(forward[1], np.where(answer.piezoresponse < 0, np.pi, 0.0))
    np.testing.assert_array_equal(forward[2], answer.height)
    np.testing.assert_array_equal(forward, backward)


@pytest.mark.parametrize("layer", list(PfmNoise.model_fields))
def test_each_layer_of_noise_changes_something_on_its_own(layer: str) -> None:
    default = getattr(PfmNoise(), layer)
    settings = with_only(**{layer: default})

    def measured(settings: SimulatorSettings) -> tuple[FloatArray, FloatArray]:
        microscope = loaded(settings)
        # beside the band of the readout fits fail often: nine sites are enough to see it
        spectra = [
            microscope.acquire_spectrum(AcquireSpectrum(x * 1e-7, y * 1e-7, LOOP)).data
            for x in (-4, 0, 4)
            for y in (-4, 0, 4)
        ]
        return scanned(microscope), np.array(spectra)

    pairs = list(zip(measured(settings), measured(PERFECT), strict=True))
    assert any(not np.array_equal(with_noise, without) for with_noise, without in pairs)


def test_the_same_seed_gives_the_same_scan_and_loop_to_the_last_bit() -> None:
    one, other = loaded(NOISY), loaded(NOISY)
    np.testing.assert_array_equal(scanned(one), scanned(other))
    np.testing.assert_array_equal(
        one.acquire_spectrum(HERE).data, other.acquire_spectrum(HERE).data
    )


def test_another_seed_gives_another_film_and_other_noise() -> None:
    one, other = loaded(NOISY), loaded(NOISY, seed=2)
    assert not np.array_equal(scanned(one), scanned(other))


def test_asking_and_being_refused_shift_no_noise() -> None:
    quiet, asked = loaded(NOISY), loaded(NOISY)
    asked.status()
    asked.duration(HERE)
    assert asked.capabilities.is_simulated
    with pytest.raises(InstrumentError):
        asked.position_probe(PositionProbe(1.0, 0.0))
    np.testing.assert_array_equal(
        quiet.acquire_spectrum(HERE).data, asked.acquire_spectrum(HERE).data
    )


def test_a_second_scan_shows_the_same_surface_with_new_noise() -> None:
    microscope = loaded(NOISY)
    first, second = scanned(microscope), scanned(microscope)
    assert not np.array_equal(first, second)
    assert np.corrcoef(first[0, 0].ravel(), second[0, 0].ravel())[0, 1] > 0.9


def test_forward_and_backward_have_noise_of_their_own_and_lag_apart() -> None:
    microscope, truth = simulate(with_only(lag=20e-3), 1)
    microscope.load(Load())
    x, _ = truth.film.coordinates
    truth.film.polarization = np.where((x > 0) & (x < 3e-7), 1.0, -1.0)
    frame = ScanFrame((0.0, 0.0), (4e-7, 1e-7), (400, 4))
    forward, backward = scanned(microscope, frame)[:, 1]
    along = (np.arange(400) + 0.5) * 1e-9 - 2e-7
    step = [along[np.argmax(way[2] < np.pi / 2)] for way in (forward, backward)]
    lag = 2 * 4e-7 * 1.0 * 20e-3  # speed times time [m]
    assert step[0] == pytest.approx(lag, abs=2e-9)
    assert step[1] == pytest.approx(-lag, abs=2e-9)


def test_white_noise_of_the_lock_in_falls_with_the_root_of_the_pixel_time() -> None:
    microscope = loaded(with_only(detector=3.5e-12))
    flat = ScanFrame((0.0, 0.0), (1e-9, 1e-9), (64, 64))

    def spread(rate: float) -> float:
        lines = list(microscope.scan(Scan(flat, ("amplitude",), line_rate=rate)))
        return float(np.stack([line.forward[0] for line in lines]).std())

    assert spread(4.0) / spread(1.0) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_line_zero_is_the_lower_edge_of_the_frame(angle: float) -> None:
    microscope, truth = simulate(PERFECT, 1)
    microscope.load(Load())
    x, y = truth.film.coordinates
    # up in the upper half, but for a block at the lower right: no symmetry left
    up = np.where((y > 0.0) ^ ((x > 1.5e-7) & (y < -1e-7)), 1.0, -1.0)
    truth.film.polarization = up
    frame = ScanFrame((0.0, 0.0), (6e-7, 5e-7), (60, 50), angle=math.radians(angle))
    phase = scanned(microscope, frame)[0, 1]
    x, y = frame.positions()
    expected_up = (y > 0.0) ^ ((x > 1.5e-7) & (y < -1e-7))
    clear = (np.abs(y) > 4e-8) & (np.abs(y + 1e-7) > 4e-8) & (np.abs(x - 1.5e-7) > 4e-8)
    np.testing.assert_array_equal((phase < np.pi / 2)[clear], expected_up[clear])
    if angle == 0.0:
        np.testing.assert_array_equal(phase[0, :30], np.pi)  # lower left: down
        np.testing.assert_array_equal(phase[0, 50:], 0.0)  # lower right: the block
        np.testing.assert_array_equal(phase[-1], 0.0)


def test_phases_lie_between_minus_a_quarter_and_three_quarters_of_a_turn() -> None:
    phase = scanned(loaded(NOISY))[:, 1]
    assert phase.min() > -np.pi / 2
    assert phase.max() <= 3 * np.pi / 2
    assert np.mean(np.abs(phase) < 0.5) > 0.2
    assert np.mean(np.abs(phase - np.pi) < 0.5) > 0.2


def test_what_a_spectrum_wrote_is_seen_by_the_next_scan_and_survives_load() -> None:
    microscope = loaded(PERFECT)
    before = scanned(microscope)
    write = BiasWaveform((-12.0, 12.0) if before[0, 1, 16, 24] > 1 else (12.0, -12.0), dwell=0.1)
    microscope.acquire_spectrum(AcquireSpectrum(*FRAME.center, write))
    after = scanned(microscope)
    assert after[0, 1, 16, 24] != before[0, 1, 16, 24]
    np.testing.assert_array_equal(after[0, 1, 0], before[0, 1, 0])
    microscope.load(Load())
    np.testing.assert_array_equal(scanned(microscope), after)


def test_time_adds_up_exactly_as_told_before() -> None:
    microscope = SimulatorSettings(sample=SMALL).open(InstantClock(), 1)
    told = 0.0
    for instruction in (
        Load(),
        PositionProbe(4e-7, 0.0),
        HERE,
        Scan(FRAME, line_rate=2.0),
        AcquireSpectrum(-4e-7, 3e-7, BiasWaveform((1.0, 2.0), dwell=0.5, cycles=3)),
        Scan(FRAME),
    ):
        told += microscope.duration(instruction)
        match instruction:
            case Load():
                microscope.load(instruction)
            case Scan():
                list(microscope.scan(instruction))
            case PositionProbe():
                microscope.position_probe(instruction)
            case AcquireSpectrum():
                microscope.acquire_spectrum(instruction)
        assert microscope.status().time == pytest.approx(told, rel=1e-12)


def test_a_loop_of_two_cycles_takes_as_long_as_on_a_real_microscope() -> None:
    microscope = loaded(NOISY)
    microscope.position_probe(PositionProbe(HERE.x, HERE.y))
    two = AcquireSpectrum(HERE.x, HERE.y, BiasWaveform.triangle(8.5, points=64, cycles=2))
    assert microscope.duration(two) == pytest.approx(64 * 8e-3 * 2 + 0.2 + 0.01)


class StoppingClock(InstantClock):
    """A virtual clock that stands still at its n-th wait until the stop flag is set."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share  # of the wait that passes before it stands still
        self.waits_left = -1
        self.stands = threading.Event()

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        self.waits_left -= 1
        if self.waits_left == 0 and stop is not None:
            super().wait(self.share * duration)
            self.stands.set()
            return stop.wait(30)
        return super().wait(duration, stop)


@contextlib.contextmanager
def in_a_thread(action: Callable[[], object]) -> Iterator[list[BaseException | None]]:
    outcome: list[BaseException | None] = []

    def run() -> None:
        try:
            action()
            outcome.append(None)
        except Stopped as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield outcome
    thread.join(30)
    assert not thread.is_alive()


def test_an_interrupt_from_another_thread_ends_a_scan_in_the_middle_of_a_line() -> None:
    clock = StoppingClock()
    microscope = NOISY.open(clock, 1)
    microscope.load(Load())
    lines = []
    clock.waits_left = 5  # the way there, the settling, and three lines
    with in_a_thread(lambda: lines.extend(microscope.scan(Scan(FRAME)))) as outcome:
        assert clock.stands.wait(30)
        assert microscope.status().state == InstrumentState.SCANNING
        microscope.interrupt()
    assert type(outcome[0]) is Stopped
    assert [line.index for line in lines] == [0, 1]
    assert microscope.status().state == InstrumentState.READY
    microscope.position_probe(PositionProbe(0.0, 0.0))


def test_an_emergency_stop_from_another_thread_ends_a_load_and_latches() -> None:
    clock = StoppingClock()
    microscope = NOISY.open(clock, 1)
    clock.waits_left = 1
    with in_a_thread(lambda: microscope.load(Load())) as outcome:
        assert clock.stands.wait(30)
        microscope.emergency_stop()
    assert type(outcome[0]) is EmergencyStopped
    assert microscope.status().state == InstrumentState.LATCHED
    microscope.load(Load())
    assert microscope.status().state == InstrumentState.READY


def test_an_interrupted_load_does_not_lift_a_latch() -> None:
    clock = StoppingClock()
    microscope = NOISY.open(clock, 1)
    microscope.emergency_stop()
    clock.waits_left = 1
    with in_a_thread(lambda: microscope.load(Load())) as outcome:
        assert clock.stands.wait(30)
        microscope.interrupt()
    assert type(outcome[0]) is Stopped
    with pytest.raises(EmergencyStopped):
        microscope.position_probe(PositionProbe(0.0, 0.0))


def test_after_an_emergency_stop_load_need_not_wait_for_an_abandoned_scan() -> None:
    microscope = loaded(NOISY)
    abandoned = iter(microscope.scan(Scan(FRAME)))
    next(abandoned)
    microscope.emergency_stop()
    microscope.load(Load())
    microscope.position_probe(PositionProbe(0.0, 0.0))
    with pytest.raises(EmergencyStopped):
        next(abandoned)
    assert microscope.status().state == InstrumentState.READY


def test_an_interrupted_spectrum_has_written_what_it_had_time_for() -> None:
    clock = StoppingClock(share=0.5)
    waveform = BiasWaveform((12.0,) * 10 + (-12.0,) * 10, dwell=0.1)
    microscope, truth = simulate(PERFECT, 1, clock)
    expected = SMALL.build(RandomStreams(1))
    expected.sweep(0.0, 1e-7, waveform, TipSettings(), points=11)
    microscope.load(Load())
    clock.waits_left = 2  # the way there, and the sweep: half of 2.2 s
    instruction = AcquireSpectrum(0.0, 1e-7, waveform)
    with in_a_thread(lambda: microscope.acquire_spectrum(instruction)) as outcome:
        assert clock.stands.wait(30)
        assert microscope.status().bias == -12.0
        microscope.interrupt()
    assert type(outcome[0]) is Stopped
    assert microscope.status().bias == 0.0
    np.testing.assert_array_equal(truth.film.polarization, expected.polarization)


def test_a_probe_stopped_on_its_way_stands_where_it_was_stopped() -> None:
    clock = StoppingClock(share=0.25)
    microscope = NOISY.open(clock, 1)
    microscope.load(Load())
    clock.waits_left = 1
    with in_a_thread(lambda: microscope.position_probe(PositionProbe(4e-7, -2e-7))):
        assert clock.stands.wait(30)
        microscope.interrupt()
    assert microscope.status().position == pytest.approx((1e-7, -5e-8))


def test_a_second_instruction_in_the_middle_of_a_scan_is_refused() -> None:
    microscope = loaded(NOISY)
    lines = iter(microscope.scan(Scan(FRAME)))
    next(lines)
    with pytest.raises(InstrumentError, match="still in progress"):
        microscope.position_probe(PositionProbe(0.0, 0.0))
    assert next(lines).index == 1


def test_a_closed_microscope_cannot_be_loaded_again() -> None:
    microscope = loaded(NOISY)
    microscope.close()
    microscope.emergency_stop()
    assert microscope.status().state == InstrumentState.CLOSED
    with pytest.raises(InstrumentError, match="was closed"):
        microscope.load(Load())


def test_a_film_can_be_handed_in_by_itself() -> None:
    film = SMALL.build(RandomStreams(4))
    assert isinstance(film, FerroelectricFilm)
    assert film.x_range == (-5e-7, 5e-7)
