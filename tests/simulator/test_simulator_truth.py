"""The truth is told to the judge, changes nothing, and cannot be reached through the microscope."""

import dataclasses

import numpy as np
import pytest

from spm_auto.clock import InstantClock, RealClock
from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.simulator import (
    FerroelectricFilmSettings,
    ScannerSettings,
    SimulatedMicroscope,
    SimulatorSettings,
    Truth,
    simulate,
)

SMALL = FerroelectricFilmSettings.model_validate(
    {"size": "1 um", "cells": 128, "relaxation_steps": 60}
)
LOOP = BiasWaveform.triangle(8.5, points=64)


def small(seed: int = 1) -> tuple[SimulatedMicroscope, Truth]:
    return simulate(SimulatorSettings(sample=SMALL, level=0), seed)


def test_asking_for_a_loop_changes_nothing() -> None:
    _, truth = small()
    before = truth.film.polarization
    first = truth.film.loop(1e-7, 1e-7, LOOP)
    np.testing.assert_array_equal(truth.film.polarization, before)
    np.testing.assert_array_equal(truth.film.loop(1e-7, 1e-7, LOOP), first)


def test_a_perfect_microscope_measures_the_true_loop() -> None:
    microscope, truth = small()
    expected = truth.film.loop(1e-7, -5e-8, LOOP)[0]
    microscope.load(Load())
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(1e-7, -5e-8, LOOP))
    np.testing.assert_array_equal(spectrum.channel("piezoresponse"), expected)


def test_restoring_a_snapshot_undoes_what_was_written() -> None:
    microscope, truth = small()
    microscope.load(Load())
    before = truth.film.polarization
    snapshot = truth.snapshot()
    microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, BiasWaveform((-10.0, 10.0), dwell=0.1)))
    assert not np.array_equal(truth.film.polarization, before)
    truth.restore(snapshot)
    np.testing.assert_array_equal(truth.film.polarization, before)


def test_after_a_restored_snapshot_everything_happens_again_to_the_last_bit() -> None:
    microscope, truth = simulate(SimulatorSettings(sample=SMALL), seed=3)
    microscope.load(Load())
    microscope.position_probe(PositionProbe(3e-7, -2e-7))
    snapshot = truth.snapshot()

    def experiment() -> list[np.ndarray]:
        frame = ScanFrame((1e-7, 0.0), (4e-7, 3e-7), (24, 8))
        lines = [line.forward for line in microscope.scan(Scan(frame))]
        loop = microscope.acquire_spectrum(AcquireSpectrum(0.0, 1e-7, LOOP))
        return [*lines, loop.data, np.array([microscope.status().time, *truth.position])]

    first = experiment()
    truth.restore(snapshot)
    for one, other in zip(first, experiment(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_snapshot_cannot_be_restored_while_an_instruction_is_in_progress() -> None:
    microscope, truth = small()
    microscope.load(Load())
    lines = iter(microscope.scan(Scan(ScanFrame((0.0, 0.0), (4e-7, 4e-7), (8, 8)))))
    next(lines)
    with pytest.raises(InstrumentError, match="in progress"):
        truth.restore(truth.pristine)
    assert next(lines).index == 1


def test_time_of_the_wall_cannot_be_turned_back() -> None:
    _, truth = simulate(SimulatorSettings(sample=SMALL), clock=RealClock())
    with pytest.raises(InstrumentError, match="only a virtual clock"):
        truth.restore(truth.pristine)


def test_what_the_truth_hands_out_cannot_change_the_film() -> None:
    _, truth = small()
    truth.film.polarization[:] = 5.0
    assert truth.film.polarization.max() < 2
    assert not truth.film.properties.barrier.flags.writeable


def test_walls_and_distances_fit_the_polarisation() -> None:
    _, truth = small()
    np.testing.assert_array_equal(truth.film.walls, np.abs(truth.film.polarization) < 0.5)
    np.testing.assert_array_equal(truth.film.distance_to_wall == 0, truth.film.walls)
    x, y = truth.film.coordinates
    assert (x[0, 0], y[0, 0]) == (x.min(), y.min())
    assert np.all(np.diff(x[0]) > 0)


def test_a_map_of_loops_is_laid_out_like_an_image() -> None:
    _, truth = small()
    x, y = np.array([-1e-7, 0.0, 2e-7]), np.array([-5e-8, 1e-7])
    loops = truth.film.loop_map(x, y, LOOP)
    assert loops.shape == (2, 3, 64)
    np.testing.assert_array_equal(loops[1, 2], truth.film.loop(2e-7, 1e-7, LOOP)[-1])


def reachable(thing: object, depth: int = 6) -> list[object]:
    """Return everything that hangs on an object's attributes."""
    found, seen, edge = [], {id(thing)}, [thing]
    for _ in range(depth):
        held = []
        for item in edge:
            names = [n for kind in type(item).__mro__ for n in getattr(kind, "__slots__", ())]
            values = [*vars(item).values()] if hasattr(item, "__dict__") else []
            values += [getattr(item, name, None) for name in names]
            if isinstance(item, (list, tuple, dict)):
                values += list(item.values() if isinstance(item, dict) else item)
            held += [value for value in values if id(value) not in seen]
            seen.update(id(value) for value in values)
        found += held
        edge = held
    return found


def test_no_attribute_of_the_microscope_leads_to_the_truth() -> None:
    microscope, truth = small()
    assert any(type(item).__name__ == "FerroelectricFilm" for item in reachable(microscope))
    assert not any(isinstance(item, Truth) for item in reachable(microscope))
    assert any(isinstance(item, Truth) for item in reachable([truth]))  # the search would find it


def test_the_public_face_of_the_microscope_shows_measurements_only() -> None:
    microscope, _ = small()
    public = {name for name in dir(microscope) if not name.startswith("_")}
    assert public == {
        *("acquire_spectrum", "capabilities", "close", "duration", "emergency_stop", "interrupt"),
        *("load", "position_probe", "scan", "status", "timing"),
        *("acquire_force_curve", "condition_tip", "set_feedback", "move_stage"),
        *("feedback", "reading", "scan_line"),  # what is set, what the detectors show, one line
        "vitals",
    }
    microscope.load(Load())
    frame = ScanFrame((0.0, 0.0), (4e-7, 4e-7), (8, 8))
    line = next(iter(microscope.scan(Scan(frame))))
    assert {f.name for f in dataclasses.fields(line)} == {"index", "forward", "backward", "time"}


def test_the_truth_belongs_to_the_microscope_that_the_settings_open() -> None:
    settings = SimulatorSettings(sample=SMALL, level=0)
    microscope, opened = small(seed=5)[0], settings.open(InstantClock(), seed=5)
    loops = []
    for one in (microscope, opened):
        one.load(Load())
        loops.append(one.acquire_spectrum(AcquireSpectrum(0.0, 1e-7, LOOP)).data)
    np.testing.assert_array_equal(*loops)


def test_where_the_tip_would_be_is_where_it_is_once_it_was_sent_there() -> None:
    clock = InstantClock()
    microscope, truth = simulate(SimulatorSettings(sample=SMALL, level=2), 1, clock)
    microscope.load(Load())
    microscope.position_probe(PositionProbe(2e-7, -1e-7))
    told = np.array([[-3e-7, 1e-7], [0.0, 0.0]])
    here = truth.position
    foreseen = truth.sent(told, wait=10.0)
    assert truth.position == here
    microscope.position_probe(PositionProbe(*told[0].tolist()))
    clock.wait(10.0)
    np.testing.assert_allclose(foreseen[0], truth.position, rtol=0, atol=1e-18)
    assert not np.allclose(foreseen, told, rtol=0, atol=1e-10)  # the scanner is not perfect


def test_the_drift_to_come_is_told_and_passes_as_told() -> None:
    clock = InstantClock()
    scanner = ScannerSettings.model_validate({"preset": "perfect", "drift": "0.1 nm/s"})
    microscope, truth = simulate(
        SimulatorSettings(sample=SMALL, scanner=scanner, level=2), 1, clock
    )
    microscope.load(Load())
    now = clock.now()
    before, after = truth.drift(np.array([now, now + 500.0]))
    np.testing.assert_array_equal(before, 0.0)
    assert np.hypot(*after) == pytest.approx(50e-9)
    clock.wait(500.0)
    np.testing.assert_allclose(truth.position, after, rtol=0, atol=1e-18)
