"""The truth is told to the judge, changes nothing, and cannot be reached through the microscope."""

import dataclasses

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, Scan, ScanFrame
from spm_auto.simulator import (
    FerroelectricFilmSettings,
    NoiseSettings,
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
    return simulate(SimulatorSettings(sample=SMALL, noise=NoiseSettings.none()), seed)


def test_asking_for_a_loop_changes_nothing() -> None:
    _, truth = small()
    before = truth.polarization
    first = truth.loop(1e-7, 1e-7, LOOP)
    np.testing.assert_array_equal(truth.polarization, before)
    np.testing.assert_array_equal(truth.loop(1e-7, 1e-7, LOOP), first)


def test_a_perfect_microscope_measures_the_true_loop() -> None:
    microscope, truth = small()
    expected = truth.loop(1e-7, -5e-8, LOOP)[0]
    microscope.load(Load())
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(1e-7, -5e-8, LOOP))
    np.testing.assert_array_equal(spectrum.channel("piezoresponse"), expected)


def test_restoring_a_snapshot_undoes_what_was_written() -> None:
    microscope, truth = small()
    microscope.load(Load())
    snapshot = truth.snapshot()
    microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, BiasWaveform((-10.0, 10.0), dwell=0.1)))
    assert not np.array_equal(truth.polarization, snapshot.polarization)
    truth.restore(snapshot)
    np.testing.assert_array_equal(truth.polarization, truth.pristine.polarization)


def test_what_the_truth_hands_out_cannot_change_the_film() -> None:
    _, truth = small()
    truth.polarization[:] = 5.0
    assert truth.polarization.max() < 2
    assert not truth.properties.barrier.flags.writeable


def test_walls_and_distances_fit_the_polarisation() -> None:
    _, truth = small()
    np.testing.assert_array_equal(truth.walls, np.abs(truth.polarization) < 0.5)
    np.testing.assert_array_equal(truth.distance_to_wall == 0, truth.walls)
    x, y = truth.coordinates
    assert (x[0, 0], y[0, 0]) == (x.min(), y.min())
    assert np.all(np.diff(x[0]) > 0)


def test_a_map_of_loops_is_laid_out_like_an_image() -> None:
    _, truth = small()
    x, y = np.array([-1e-7, 0.0, 2e-7]), np.array([-5e-8, 1e-7])
    loops = truth.loop_map(x, y, LOOP)
    assert loops.shape == (2, 3, 64)
    np.testing.assert_array_equal(loops[1, 2], truth.loop(2e-7, 1e-7, LOOP)[-1])


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
    }
    microscope.load(Load())
    frame = ScanFrame((0.0, 0.0), (4e-7, 4e-7), (8, 8))
    line = next(iter(microscope.scan(Scan(frame))))
    assert {f.name for f in dataclasses.fields(line)} == {"index", "forward", "backward", "time"}


def test_the_truth_belongs_to_the_microscope_that_the_settings_open() -> None:
    settings = SimulatorSettings(sample=SMALL, noise=NoiseSettings.none())
    microscope, opened = small(seed=5)[0], settings.open(InstantClock(), seed=5)
    loops = []
    for one in (microscope, opened):
        one.load(Load())
        loops.append(one.acquire_spectrum(AcquireSpectrum(0.0, 1e-7, LOOP)).data)
    np.testing.assert_array_equal(*loops)
