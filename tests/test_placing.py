"""Placing: a small image is found on a larger, coarser one, to a fraction of that one's pixels."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from spm_auto.analysis import feature_density, place
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, FloatArray, Scan, ScanFrame, ScanImage, ScanLine
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.tasks.stage import Stage, mount

LARGE = ScanFrame((0.0, 0.0), (1.8e-6, 1.8e-6), (128, 128))
SMALL = ScanFrame((2e-7, -1e-7), (6e-7, 5e-7), (96, 80))
DRIFTING = {"preset": "perfect", "drift": "0.3 nm/s"}


def stage(seed: int, **scanner: object) -> Stage:
    table = {"kind": "simulator", "level": 2, "scanner": {**DRIFTING, **scanner}}
    return mount(SimulatorSettings.model_validate(table), seed)


def drifted(on: Stage, large: ScanImage, small: ScanImage) -> FloatArray:
    """Return by how much the sample has truly moved under the scanner [m]."""
    there, here = on.truth.drift(
        np.array([(image.start_time + image.end_time) / 2 for image in (large, small)])
    )
    return np.asarray(there - here)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_image_is_placed_on_a_coarser_one_as_the_simulator_drifted(seed: int) -> None:
    on = stage(seed)
    large, small = (on.image(Scan(frame, (), 4.0)) for frame in (LARGE, SMALL))
    shift = place(large, small)
    assert shift.is_sure, shift.doubt
    off = np.hypot(*(drifted(on, large, small) - (shift.dx, shift.dy)))
    assert np.hypot(shift.dx, shift.dy) > 5e-9  # there was something to find
    assert off < 0.2 * LARGE.pitch[0]
    assert off < 4 * shift.uncertainty


def test_creep_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage(4, creep=0.02)
    offs: list[FloatArray] = []  # of the tip from where it was sent, after each line [m]
    scan = on.microscope.scan

    def watched(instruction: Scan) -> Iterator[ScanLine]:
        mine = []
        for line in scan(instruction):
            mine.append(np.subtract(on.truth.position, on.microscope.status().position))
            yield line
        offs.append(np.array(mine))

    monkeypatch.setattr(on.microscope, "scan", watched)
    large, small = (on.image(Scan(frame, (), 4.0)) for frame in (LARGE, SMALL))
    _, y = LARGE.positions()
    shown = np.abs(y[:, 0] - SMALL.center[1]) < SMALL.size[1] / 2
    moved = offs[0][shown].mean(axis=0) - offs[1].mean(axis=0)
    assert np.hypot(*(moved - drifted(on, large, small))) > 5e-9  # the creep alone
    shift = place(large, small)
    left = np.hypot(*(moved - (shift.dx, shift.dy)))  # it bends the image, too
    assert left < min(0.5 * np.hypot(*moved), 0.6 * LARGE.pitch[0])


def test_what_lags_along_the_lines_cancels_as_they_go_both_ways() -> None:
    on = stage(4)
    large, small = (on.image(Scan(frame, (), 4.0)) for frame in (LARGE, SMALL))
    one_way = [replace(image, backward=image.forward) for image in (large, small)]
    truth = drifted(on, large, small)
    off, lagging = (
        np.hypot(shift.dx - truth[0], shift.dy - truth[1])
        for shift in (place(large, small), place(*one_way))
    )
    assert off < 0.2 * LARGE.pitch[0] < lagging


def test_what_moved_far_is_looked_for_farther_away() -> None:
    on = stage(5, drift="0 nm/s")
    large = on.image(Scan(LARGE, (), 4.0))
    small = on.image(Scan(SMALL, (), 4.0))
    away = (-2.4e-7, 1.5e-7)  # it lies there, and says that it lies somewhere else
    center = (SMALL.center[0] + away[0], SMALL.center[1] + away[1])
    shift = place(large, replace(small, frame=replace(SMALL, center=center)))
    assert shift.is_sure, shift.doubt
    assert (shift.dx, shift.dy) == pytest.approx(away, abs=0.3 * LARGE.pitch[0])


def test_an_image_of_something_else_is_not_placed() -> None:
    large, other = (
        on.image(Scan(frame, (), 4.0)) for on, frame in ((stage(6), LARGE), (stage(7), SMALL))
    )
    assert not place(large, other).is_sure


def test_a_frame_that_does_not_lie_inside_is_refused() -> None:
    values = np.zeros((1, *SMALL.shape))
    small = ScanImage(SMALL, (Channel("height", "m"),), values, values, 0.0, 1.0)
    away = replace(small, frame=replace(SMALL, center=(1e-6, 0.0)))
    with pytest.raises(DataError, match="does not lie in the image of"):
        place(replace(small, frame=replace(LARGE, pixels=SMALL.pixels)), away)


def test_features_are_where_the_image_is_not_as_everywhere() -> None:
    rng = np.random.default_rng(1)
    values = 0.05 * rng.normal(size=SMALL.shape)
    values[30:34, 50:54] += 1.0
    flat = np.zeros(SMALL.shape)
    data = np.stack([flat, values])
    image = ScanImage(SMALL, (Channel("flat", "m"), Channel("height", "m")), data, data, 0.0, 1.0)
    density = feature_density(image)
    near = np.zeros(SMALL.shape, dtype=bool)
    near[26:38, 46:58] = True
    assert density[near].sum() > 5 * density[~near].sum() / 10
    assert density[near].mean() > 20 * density[~near].mean()
    with pytest.raises(DataError, match="no channel 'phase'"):
        feature_density(image, "phase")
