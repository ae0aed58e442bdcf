"""Registration finds how far the sample moved, and says so when it cannot."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from spm_auto.analysis import Shift, register
from spm_auto.clock import InstantClock
from spm_auto.data import ScanStarted, assemble
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, FloatArray, Load, Scan, ScanFrame, ScanImage
from spm_auto.simulator import SimulatedMicroscope, SimulatorSettings, Truth, simulate

HEIGHT, PHASE = Channel("height", "m"), Channel("phase", "rad")
FRAME = ScanFrame((3e-7, -1e-7), (4e-7, 3e-7), (64, 48), 0.4)  # turned, and not square
PIXEL = FRAME.pitch[0]


def image(
    values: FloatArray, frame: ScanFrame = FRAME, channel: Channel = HEIGHT, **others: FloatArray
) -> ScanImage:
    channels = (channel, *(Channel(name, "m") for name in others))
    stack = np.stack([values, *others.values()])
    return ScanImage(frame, channels, stack, stack, 0.0, 1.0)


def scene(
    seed: int,
    frame: ScanFrame = FRAME,
    moved: tuple[float, float] = (0.0, 0.0),
    noise: float = 0.05,
) -> FloatArray:
    """Return hills at random places, also beyond the frame, all moved by so much [m]."""
    rng = np.random.default_rng(seed)
    reach = 1.2 * max(frame.size)
    x, y = rng.uniform(-reach, reach, (2, 360)) + np.array([frame.center]).T
    heights, widths = rng.normal(size=360), max(frame.size) * rng.uniform(0.02, 0.08, 360)
    values = np.zeros(frame.shape)
    px, py = frame.positions()
    for hill in zip(x + moved[0], y + moved[1], heights, widths, strict=True):
        cx, cy, height, width = hill
        values += height * np.exp(-((px - cx) ** 2 + (py - cy) ** 2) / (2 * width**2))
    own = np.random.default_rng([seed, *np.abs(np.round(np.array(moved) * 1e15)).astype(int)])
    return values + noise * own.normal(size=values.shape)


def error(shift: Shift, moved: tuple[float, float]) -> float:
    """Return how far off a shift is [m]."""
    assert shift.is_sure, shift.doubt
    return math.dist((shift.dx, shift.dy), moved)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    along=st.floats(-0.3, 0.3),
    up=st.floats(-0.3, 0.3),
)
def test_a_shift_is_found_to_a_fraction_of_a_pixel_in_sample_coordinates(
    seed: int, along: float, up: float
) -> None:
    x, y = FRAME.from_frame(along * FRAME.size[0], up * FRAME.size[1])
    moved = (float(x) - FRAME.center[0], float(y) - FRAME.center[1])
    shift = register(image(scene(seed)), image(scene(seed, moved=moved)))
    if shift.is_sure:  # a third of the frame may show too little to be sure of
        assert error(shift, moved) <= max(0.3 * PIXEL, 4 * shift.uncertainty)
    else:
        assert max(abs(along), abs(up)) > 0.2


def test_what_moved_up_and_to_the_right_has_moved_by_positive_numbers() -> None:
    frame = replace(FRAME, angle=0.0)
    there = scene(3, frame, noise=0.0)
    moved = np.roll(there, (4, 7), axis=(0, 1))
    shift = register(image(there, frame), image(moved, frame))
    assert shift.dx == pytest.approx(7 * frame.pitch[0], abs=0.05 * PIXEL)
    assert shift.dy == pytest.approx(4 * frame.pitch[1], abs=0.05 * PIXEL)


def test_the_uncertainty_is_about_as_large_as_the_error() -> None:
    moved = (3.4 * PIXEL, -1.7 * PIXEL)
    for noise in (0.02, 0.2):
        shifts = [
            register(image(scene(n, noise=noise)), image(scene(n, moved=moved, noise=noise)))
            for n in range(20)
        ]
        ratios = [error(shift, moved) / shift.uncertainty for shift in shifts if shift.is_sure]
        assert len(ratios) >= 15
        assert 0.4 < np.median(ratios) < 2.0  # of two directions, the worse one is told
        assert max(ratios) < 5.0


def test_more_noise_makes_it_less_certain_and_the_images_less_alike() -> None:
    moved = (2.3 * PIXEL, 0.0)
    quiet, loud = (
        register(image(scene(1, noise=noise)), image(scene(1, moved=moved, noise=noise)))
        for noise in (0.02, 0.3)
    )
    assert quiet.quality > loud.quality > 0
    assert quiet.uncertainty < loud.uncertainty


@pytest.mark.parametrize("pixels", [(32, 24), (64, 16), (16, 48)])
def test_a_coarse_second_scan_is_enough(pixels: tuple[int, int]) -> None:
    coarse = replace(FRAME, pixels=pixels)
    moved = (4.3 * PIXEL, 2.6 * PIXEL)
    shift = register(image(scene(5)), image(scene(5, coarse, moved), coarse))
    assert error(shift, moved) < 0.3 * max(coarse.pitch)
    other_way = register(image(scene(5, coarse), coarse), image(scene(5, moved=moved)))
    assert error(other_way, moved) < 0.3 * max(coarse.pitch)


def test_a_tilt_and_lines_that_are_missing_do_not_matter() -> None:
    moved = (2.4 * PIXEL, -1.3 * PIXEL)
    line, pixel = np.indices(FRAME.shape)
    before = scene(7) + 0.3 * line
    after = scene(7, moved=moved) - 0.2 * pixel + 5.0
    before[:4] = np.nan
    after[44:] = np.nan
    after[10, 3] = np.nan
    assert error(register(image(before), image(after)), moved) < 0.3 * PIXEL


def test_an_angle_that_wraps_is_no_step() -> None:
    moved = (2.4 * PIXEL, -1.3 * PIXEL)
    before, after = (
        image(np.angle(np.exp(1j * (2.0 * values + math.pi))), channel=PHASE)
        for values in (scene(7), scene(7, moved=moved))
    )
    assert error(register(before, after), moved) < 0.3 * PIXEL


def test_of_several_channels_the_one_that_knows_best_counts() -> None:
    moved = (2.4 * PIXEL, -1.3 * PIXEL)
    rng = np.random.default_rng(0)
    before, after = (
        image(rng.normal(size=FRAME.shape), current=values, flat=np.ones(FRAME.shape))
        for values in (scene(2), scene(2, moved=moved))
    )
    shift = register(before, after)
    assert shift.channel == "current"
    assert error(shift, moved) < 0.3 * PIXEL
    assert not register(before, after, "height").is_sure
    assert not register(before, after, "flat").is_sure


def smooth(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(rng.normal(size=shape), 2.0))


def streaks(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter1d(rng.normal(size=shape), 6.0, axis=1))


@pytest.mark.parametrize("make", [lambda rng, shape: rng.normal(size=shape), smooth, streaks])
@pytest.mark.parametrize("pixels", [(64, 48), (16, 128), (24, 24)])
def test_noise_is_never_sure(make: Any, pixels: tuple[int, int]) -> None:
    frame = replace(FRAME, pixels=pixels)
    rng = np.random.default_rng(11)
    for _ in range(10):
        one, other = (image(make(rng, frame.shape), frame) for _ in range(2))
        shift = register(one, other)
        assert not shift.is_sure
        assert math.isnan(shift.dx)
        assert math.isnan(shift.dy)
        assert shift.quality < 0.3


def test_two_places_of_the_sample_do_not_fit() -> None:
    for seed in range(20):
        assert not register(image(scene(seed)), image(scene(seed + 1000))).is_sure


def test_a_lattice_fits_at_many_shifts_and_is_not_sure() -> None:
    x, y = FRAME.positions()
    rng = np.random.default_rng(0)

    def lattice(dx: float) -> ScanImage:
        k = 2 * math.pi / (9 * PIXEL)
        values = np.cos(k * (x - dx)) + np.cos(k * (0.5 * (x - dx) + math.sqrt(0.75) * y))
        return image(values + 0.1 * rng.normal(size=x.shape))

    shift = register(lattice(0.0), lattice(2 * PIXEL))
    assert not shift.is_sure
    assert "other shifts fit as well" in shift.doubt


def test_stripes_do_not_say_how_far_they_moved_along_themselves() -> None:
    rng = np.random.default_rng(0)
    profile = ndimage.gaussian_filter1d(rng.normal(size=80), 2.0)
    before, after = (
        image(np.tile(profile[n : n + 64], (48, 1)) + 0.02 * rng.normal(size=FRAME.shape))
        for n in (3, 0)
    )
    assert not register(before, after).is_sure


@pytest.mark.parametrize("share", [0.36, 0.42])
def test_a_shift_beyond_a_third_of_the_frame_is_not_believed(share: float) -> None:
    frame = replace(FRAME, angle=0.0)
    for seed in range(5):
        after = scene(seed, frame, (share * frame.size[0], 0.0))
        assert not register(image(scene(seed, frame), frame), image(after, frame)).is_sure


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(FRAME.shape, 3e-7), "nothing to be seen"),
        (np.full(FRAME.shape, np.nan), "only 0 lines"),
        (1e-9 * np.indices(FRAME.shape)[0], "nothing to be seen"),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_so(values: FloatArray, said: str) -> None:
    shift = register(image(values), image(scene(1)))
    assert not shift.is_sure
    assert said in shift.doubt
    assert shift.quality == 0.0
    assert shift.uncertainty == math.inf


def test_images_of_two_frames_or_without_a_common_channel_are_refused() -> None:
    there = image(scene(1))
    elsewhere = image(scene(1), replace(FRAME, center=(0.0, 0.0)))
    with pytest.raises(DataError, match="images of two frames cannot be registered"):
        register(there, elsewhere)
    with pytest.raises(DataError, match="no channel 'taste' in both images; height are"):
        register(there, there, "taste")
    with pytest.raises(DataError, match="without a common channel"):
        register(there, image(scene(1), channel=PHASE))


def scan(
    microscope: SimulatedMicroscope, truth: Truth, frame: ScanFrame
) -> tuple[ScanImage, FloatArray]:
    """Scan, and ask the truth where the tip was at the end of each line."""
    instruction, start = Scan(frame, line_rate=2.0), microscope.status().time
    lines, ends = [], []
    for line in microscope.scan(instruction):
        lines.append(line)
        ends.append(truth.position)
    started = ScanStarted(instruction, microscope.capabilities.channels_of(instruction))
    return assemble(started, start, lines, microscope.status().time), np.array(ends)


FILM = {"frame": ScanFrame((0.0, 0.0), (1.6e-6, 1.6e-6), (128, 128))}
COPPER = {
    "frame": ScanFrame((0.0, 0.0), (40e-9, 40e-9), (128, 128), 0.3),
    "sample": {"kind": "cu111", "steps": 0, "adatoms": 40},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("about", "wait"), [(FILM, 3600.0), (COPPER, 1200.0)])
def test_a_simulated_sample_that_drifted_is_found_again(
    about: dict[str, Any], wait: float, seed: int
) -> None:
    frame = about["frame"]
    table = {"kind": "simulator", "level": 2, **about}
    del table["frame"]
    clock = InstantClock()
    microscope, truth = simulate(SimulatorSettings.model_validate(table), seed, clock)
    microscope.load(Load())
    before, there = scan(microscope, truth, frame)
    clock.wait(wait)
    after, now = scan(microscope, truth, frame)
    # the tip went elsewhere by so much, so what it sees went the other way
    moved = np.median(there - now, axis=0)
    assert np.hypot(*moved) > 0.5 * frame.pitch[0]
    shift = register(before, after)
    assert error(shift, tuple(moved.tolist())) < 0.3 * frame.pitch[0]


@pytest.mark.parametrize("about", [FILM, COPPER])
def test_a_simulated_sample_that_was_moved_is_found_again(about: dict[str, Any]) -> None:
    frame = about["frame"]
    table = {"kind": "simulator", "level": 1, **about}
    del table["frame"]
    microscope, truth = simulate(SimulatorSettings.model_validate(table), 3)
    microscope.load(Load())
    before, _ = scan(microscope, truth, frame)
    moved = (5.3 * frame.pitch[0], -3.7 * frame.pitch[1])
    there = replace(frame, center=(frame.center[0] - moved[0], frame.center[1] - moved[1]))
    after = replace(scan(microscope, truth, there)[0], frame=frame)
    assert error(register(before, after), moved) < 0.3 * frame.pitch[0]


@pytest.mark.parametrize("pixels", [(64, 32), (128, 24)])
def test_a_coarse_scan_finds_a_simulated_film_again(pixels: tuple[int, int]) -> None:
    table = {"level": 2, "scanner": {"preset": "perfect", "drift": "0.02 nm/s"}}
    clock = InstantClock()
    microscope, truth = simulate(SimulatorSettings.model_validate(table), 1, clock)
    microscope.load(Load())
    before, _ = scan(microscope, truth, FILM["frame"])
    clock.wait(3000.0)
    coarse = replace(FILM["frame"], pixels=pixels)
    after, _ = scan(microscope, truth, coarse)
    middles = np.array([(image.start_time + image.end_time) / 2 for image in (before, after)])
    there, now = truth.drift(middles)
    moved = (float(there[0] - now[0]), float(there[1] - now[1]))
    assert math.hypot(*moved) > 50e-9
    assert error(register(before, after), moved) < 0.3 * max(coarse.pitch)
