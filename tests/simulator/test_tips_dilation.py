"""Dilation: orientation, double tips and what is refused."""

import numpy as np
import pytest

from spm_auto.simulator.tips import (
    Twin,
    dilated,
    dilated_by_paraboloid,
    doubled,
    spherical_tip,
)

SPACING = (1e-9, 2e-9)


def spike(line: int, pixel: int, height: float = 5e-9) -> np.ndarray:
    surface = np.zeros((21, 31))
    surface[line, pixel] = height
    return surface


def test_a_spike_shows_the_tip_upside_down() -> None:
    """Give the tip a shoulder at larger x: it touches a spike when the apex is at smaller x."""
    tip = np.full((1, 7), np.inf)
    tip[0, 3], tip[0, 5] = 0.0, 1e-9
    image = dilated(spike(10, 15), tip)
    assert image[10, 15] == 5e-9
    assert image[10, 13] == pytest.approx(4e-9)
    assert image[10, 17] == 0


def test_a_spike_under_a_paraboloid_is_the_paraboloid() -> None:
    image = dilated_by_paraboloid(spike(10, 15), SPACING, 3e-9)
    x = (np.arange(31) - 15) * 1e-9
    y = (np.arange(21)[:, np.newaxis] - 10) * 2e-9
    assert image == pytest.approx(np.maximum(0, 5e-9 - (x**2 + y**2) / 6e-9), abs=1e-24)


def test_a_small_tip_changes_nothing() -> None:
    surface = np.random.default_rng(0).normal(0, 1e-10, (21, 31))
    assert (dilated_by_paraboloid(surface, SPACING, 1e-12) == surface).all()


def test_a_sphere_is_as_deep_as_its_radius_and_no_wider() -> None:
    tip = spherical_tip(5e-9, SPACING, 100e-9)
    assert tip.shape == (5, 11)
    assert tip[2, 5] == 0
    assert tip[2, 0] == pytest.approx(5e-9)
    assert np.isinf(tip[0, 0])


def test_a_double_tip_shows_each_feature_twice() -> None:
    image = doubled(spike(10, 15), SPACING, Twin(4e-9, -2e-9, 1e-9))
    assert image[10, 15] == 5e-9
    assert image[11, 11] == pytest.approx(4e-9)  # the second end is over it from -(dx, dy) away
    assert np.count_nonzero(image) == 2


def test_a_second_end_between_pixels_is_weighed_between_them() -> None:
    image = doubled(spike(10, 15), SPACING, Twin(3.5e-9, 0.0, 0.0))
    assert image[10, [11, 12]] == pytest.approx(2.5e-9)


def test_a_second_end_that_is_far_up_does_not_show() -> None:
    surface = spike(10, 15)
    assert (doubled(surface, SPACING, Twin(4e-9, 0.0, 6e-9)) == surface).all()
    assert doubled(surface, SPACING, None) is surface


def test_what_is_no_tip_or_no_surface_is_refused() -> None:
    with pytest.raises(ValueError, match="radius must be positive, got -1e-09 m"):
        dilated_by_paraboloid(spike(1, 1), SPACING, -1e-9)
    with pytest.raises(ValueError, match="must have a height everywhere"):
        dilated_by_paraboloid(spike(1, 1, np.nan), SPACING, 1e-9)
    with pytest.raises(ValueError, match=r"odd numbers of lines and pixels, got shape \(4, 3\)"):
        dilated(spike(1, 1), np.zeros((4, 3)))
