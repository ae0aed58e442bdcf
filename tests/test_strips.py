"""Strips: a small scan says where the sample is, to a fraction of a pixel, or that it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from spm_auto.analysis import Placed, StripPlace, choose_strip, place_strip
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage

FRAME = ScanFrame((5e-8, -2e-8), (128e-9, 96e-9), (128, 96), angle=0.3)
HEIGHT = Channel("height", "m")


def sample(u: FloatArray, v: FloatArray, seed: int = 1) -> FloatArray:
    """Return a rough surface [m] at frame coordinates [m]; smooth enough to be looked up."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(300, 300)), 3.0)
    where = [v / 1e-9 + 150, u / 1e-9 + 150]
    return np.asarray(1e-8 * ndimage.map_coordinates(field, where, order=3, mode="wrap"))


def scanned(
    frame: ScanFrame,
    moved: tuple[float, float] = (0.0, 0.0),
    noise: float = 0.0,
    opening: float = 0.0,
    seed: int = 0,
) -> ScanImage:
    """Scan the surface after it moved [m], with noise [m] and a scanner's hysteresis [m]."""
    rng, (x, y) = np.random.default_rng(seed), frame.positions()
    u, v = replace(FRAME, center=(0.0, 0.0)).to_frame(x - moved[0], y - moved[1])
    forward, backward = (sample(u + sign * opening / 2, v) for sign in (1, -1))
    ways = [(way + noise * rng.normal(size=frame.shape))[np.newaxis] for way in (forward, backward)]
    return ScanImage(frame, (HEIGHT,), *ways, 0.0, 96.0)


REFERENCE = scanned(FRAME, noise=1e-11, opening=3e-9)
PLACE = choose_strip(REFERENCE, 16, 64, 12)


def found(moved: tuple[float, float], search: float = 10e-9, **how: float) -> Placed:
    strip = scanned(PLACE.frame(FRAME), moved, seed=7, **{"noise": 1e-11, **how})
    return place_strip(REFERENCE, strip, PLACE, search)


def test_it_says_where_the_sample_is_to_a_fraction_of_a_pixel() -> None:
    for moved in ((0.0, 0.0), (4.3e-9, -2.6e-9), (-7.25e-9, 6.4e-9)):
        placed = found(moved, opening=3e-9)
        assert placed.is_sure
        assert placed.shift == pytest.approx(moved, abs=0.1e-9)


def test_forward_and_backward_lines_cancel_what_hysteresis_adds() -> None:
    placed = found((2e-9, 1e-9), opening=1e-9)  # another opening than the reference has
    assert placed.is_sure
    assert placed.shift == pytest.approx((2e-9, 1e-9), abs=0.1e-9)


def test_it_knows_how_uncertain_it_is() -> None:
    noise, errors, said = 3e-10, [], []
    for seed in range(20):
        strip = scanned(PLACE.frame(FRAME), (1.3e-9, 0.4e-9), noise=noise, seed=seed + 50)
        reference = scanned(FRAME, noise=noise, seed=seed + 500)
        placed = place_strip(reference, strip, PLACE, 5e-9)
        assert placed.is_sure
        errors.append(placed.shift - np.array([1.3e-9, 0.4e-9]))
        said.append(np.trace(placed.covariance))
    seen = np.mean(np.sum(np.square(errors), axis=1))
    assert 0.5 < seen / np.mean(said) < 2.0


def test_lines_that_jump_do_not_move_it() -> None:
    strip = scanned(PLACE.frame(FRAME), (3e-9, -2e-9), noise=1e-11, opening=3e-9)
    jumps = 2e-9 * np.random.default_rng(3).normal(size=(1, 16, 1))
    jumping = replace(strip, forward=strip.forward + jumps, backward=strip.backward + jumps)
    placed = place_strip(REFERENCE, jumping, PLACE, 8e-9)
    assert placed.is_sure
    assert placed.shift == pytest.approx((3e-9, -2e-9), abs=0.3e-9)


def test_what_cannot_be_told_is_in_doubt() -> None:
    assert "fits nowhere" in found((0.0, 0.0), noise=1e-8).doubt
    beyond = found((30e-9, 0.0))
    assert not beyond.is_sure
    assert np.isnan(beyond.shift).all()
    x, _ = FRAME.to_frame(*FRAME.positions())
    for wave in (8e-9, np.inf):  # a lattice, and nothing at all
        stripes = 1e-9 * np.sin(2 * np.pi * x / wave)[np.newaxis]
        lattice = replace(REFERENCE, forward=stripes, backward=stripes)
        part = stripes[:, PLACE.line : PLACE.line + 16, PLACE.pixel : PLACE.pixel + 64]
        strip = replace(scanned(PLACE.frame(FRAME)), forward=part, backward=part)
        assert not place_strip(lattice, strip, PLACE, 12e-9).is_sure


def test_the_strip_is_chosen_where_the_image_tells_most() -> None:
    flat = np.zeros((1, *FRAME.shape))
    bumps = flat.copy()
    bumps[0, 60:72, 30:90] = sample(*np.meshgrid(np.arange(60) * 1e-9, np.arange(12) * 1e-9))
    noise = 1e-12 * np.random.default_rng(1).normal(size=flat.shape)
    image = replace(REFERENCE, forward=bumps + noise, backward=bumps + noise)
    place = choose_strip(image, 16, 64, 8)
    assert abs(place.line + 8 - 66) <= 4
    assert abs(place.pixel + 32 - 60) <= 6
    with pytest.raises(DataError, match="does not fit in an image of 128 x 96"):
        choose_strip(image, 64, 64, 20)
    with pytest.raises(DataError, match="no channel 'depth'"):
        choose_strip(image, 16, 64, 8, ["depth"])
    with pytest.raises(DataError, match="nothing by which a strip could be found"):
        choose_strip(replace(image, forward=flat, backward=flat), 16, 64, 8)


def test_a_strip_has_the_pitch_of_its_reference_and_grows_inside_of_it() -> None:
    frame = PLACE.frame(FRAME, (1e-9, 2e-9))
    assert frame.pitch == pytest.approx(FRAME.pitch)
    line, pixel = FRAME.to_pixel(frame.center[0] - 1e-9, frame.center[1] - 2e-9)
    assert (line, pixel) == pytest.approx((PLACE.line + 7.5, PLACE.pixel + 31.5))
    wide = StripPlace(78, 3, 16, 64).grown(FRAME.shape)
    assert (wide.line, wide.pixel, wide.lines, wide.pixels) == (64, 0, 32, 128)
    with pytest.raises(DataError, match="64 x 16 pixels was expected, got 32 x 16"):
        place_strip(REFERENCE, scanned(replace(frame, pixels=(32, 16))), PLACE, 5e-9)
