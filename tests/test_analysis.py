"""Levelling takes out what the scanner put in, and nothing that is missing leaks into it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_auto.analysis import level_lines, level_plane
from spm_auto.instrument import FloatArray

LINE, PIXEL = np.indices((24, 32)).astype(float)


def _sample() -> FloatArray:
    rng = np.random.default_rng(4)
    return rng.normal(scale=1e-10, size=LINE.shape)


@given(slow=st.floats(-1e-9, 1e-9), fast=st.floats(-1e-9, 1e-9), constant=st.floats(-1e-6, 1e-6))
def test_a_tilt_is_taken_out_whatever_it_is(slow: float, fast: float, constant: float) -> None:
    tilted = _sample() + constant + slow * LINE + fast * PIXEL
    # the sample's own best plane goes too, so compare with the sample levelled
    np.testing.assert_allclose(level_plane(tilted), level_plane(_sample()), atol=1e-18)


def test_levelling_by_a_plane_leaves_no_tilt_and_no_mean() -> None:
    levelled = level_plane(_sample() + 3e-9 * PIXEL - 1e-9 * LINE + 5e-7)
    assert abs(levelled.mean()) < 1e-20
    assert abs(np.polyfit(PIXEL.ravel(), levelled.ravel(), 1)[0]) < 1e-20
    assert abs(np.polyfit(LINE.ravel(), levelled.ravel(), 1)[0]) < 1e-20


def test_missing_pixels_do_not_bend_the_plane() -> None:
    plane = 2e-9 * PIXEL - 1e-9 * LINE
    plane[20:] = np.nan
    plane[5, 7] = np.nan
    levelled = level_plane(plane)
    np.testing.assert_array_equal(np.isnan(levelled), np.isnan(plane))
    np.testing.assert_allclose(levelled[np.isfinite(plane)], 0.0, atol=1e-20)


def test_one_known_line_is_levelled_along_itself() -> None:
    image = np.full(LINE.shape, np.nan)
    image[3] = 1e-9 * np.arange(32)
    levelled = level_plane(image)
    np.testing.assert_allclose(levelled[3], 0.0, atol=1e-20)


def test_steps_between_lines_are_taken_out() -> None:
    steps = np.random.default_rng(2).normal(scale=1e-8, size=(24, 1))
    np.testing.assert_allclose(level_lines(_sample() + steps), level_lines(_sample()), atol=1e-20)
    np.testing.assert_allclose(np.median(level_lines(_sample() + steps), axis=1), 0.0, atol=1e-20)


def test_a_particle_casts_no_shadow_on_its_lines() -> None:
    image = np.zeros(LINE.shape)
    image[8:12, 4:14] = 5e-9
    np.testing.assert_array_equal(level_lines(image), image)


def test_a_missing_line_stays_missing_and_its_neighbours_are_levelled() -> None:
    image = np.full((3, 4), 7.0)
    image[1] = np.nan
    image[2, 0] = np.nan
    levelled = level_lines(image)
    assert np.isnan(levelled[1]).all()
    assert levelled[0].tolist() == [0.0] * 4
    assert np.isnan(levelled[2, 0])
    assert levelled[2, 1:].tolist() == [0.0] * 3


@pytest.mark.parametrize("level", [level_plane, level_lines])
def test_what_was_measured_is_not_changed(level: Callable[[FloatArray], FloatArray]) -> None:
    image = _sample() + PIXEL
    before = image.copy()
    level(image)
    np.testing.assert_array_equal(image, before)


def test_an_empty_image_stays_empty() -> None:
    empty = np.full((4, 4), np.nan)
    assert np.isnan(level_plane(empty)).all()
    assert np.isnan(level_lines(empty)).all()
