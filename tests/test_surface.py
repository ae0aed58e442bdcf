"""A surface through few noisy values, and the mosaic of several images."""

import numpy as np
import pytest

from spm_auto.analysis import Surface, expected_improvement, mosaic, surface_through
from spm_auto.instrument import Channel, ScanFrame, ScanImage

X = np.linspace(0.0, 1.0, 101)[:, np.newaxis]


def test_it_goes_through_exact_values_and_knows_what_it_does_not_know() -> None:
    places = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])[:, np.newaxis]
    values = np.sin(4 * places[:, 0])
    surface = surface_through(places, values, np.zeros(6), X)
    assert surface.mean[::20] == pytest.approx(values, abs=0.05)
    assert np.abs(surface.mean - np.sin(4 * X[:, 0])).max() < 0.08
    assert surface.deviation[10] > surface.deviation[20]


def test_noise_that_is_said_is_not_followed() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(size=(40, 1))
    truth = np.exp(-(((places[:, 0] - 0.6) / 0.2) ** 2))
    values = truth + 0.3 * rng.standard_normal(40)
    surface = surface_through(places, values, np.full(40, 0.3), X)
    expected = np.exp(-(((X[:, 0] - 0.6) / 0.2) ** 2))
    assert np.abs(surface.mean - expected).mean() < 0.15
    assert (np.abs(surface.mean - expected) < 3 * surface.deviation + 0.02).mean() > 0.9


def test_its_units_do_not_matter_and_an_axis_without_extent_is_none() -> None:
    places = np.array([0.0, 0.3, 0.7, 1.0])[:, np.newaxis]
    values = np.array([0.0, 1.0, 0.4, 0.1])
    plain = surface_through(places, values, np.full(4, 0.05), X)
    wide = np.hstack([1e-3 * places, np.full((4, 1), 7e-3)])
    at = np.hstack([1e-3 * X, np.full((101, 1), 7e-3)])
    small = surface_through(wide, 1e-12 * values, np.full(4, 5e-14), at)
    np.testing.assert_allclose(small.mean, 1e-12 * plain.mean, rtol=1e-5, atol=1e-17)
    np.testing.assert_allclose(small.deviation, 1e-12 * plain.deviation, rtol=1e-4)
    assert small.lengths[1] == np.inf


def test_a_single_value_is_a_level_of_which_little_is_known() -> None:
    surface = surface_through(np.zeros((1, 1)), np.array([2.0]), np.zeros(1), X)
    assert surface.mean == pytest.approx(2.0)
    assert (surface.deviation[50:] > 0.5).all()


@pytest.mark.parametrize("values", [[], [np.nan], [1.0] * 301])
def test_what_makes_no_surface_is_refused(values: list[float]) -> None:
    n = len(values)
    with pytest.raises(ValueError, match="a surface goes through"):
        surface_through(np.zeros((n, 1)), np.array(values), np.zeros(n), X)


def test_the_expected_improvement_is_that_of_drawn_values() -> None:
    surface = Surface(np.array([1.0, 0.0, -3.0]), np.array([0.5, 2.0, 0.0]), np.ones(1), 0.0)
    drawn = np.random.default_rng(1).standard_normal((200_000, 1)) * surface.deviation
    drawn = np.maximum(drawn + surface.mean - 0.5, 0.0).mean(axis=0)
    assert expected_improvement(surface, 0.5) == pytest.approx(drawn, abs=0.01)


def picture(frame: ScanFrame) -> ScanImage:
    x, y = frame.positions()
    values = (x + 2 * y)[np.newaxis]
    return ScanImage(frame, (Channel("height", "m"),), values, -values, 0.0, 1.0)


def test_a_mosaic_shows_what_each_of_its_images_shows_where_it_lies() -> None:
    whole = ScanFrame((1e-6, 0.0), (2e-6, 1e-6), (40, 20), 0.5)
    left, right = (whole.from_frame(u, 0.0) for u in (-0.5e-6, 0.5e-6))
    tiles = [
        picture(ScanFrame((float(x), float(y)), (1e-6, 1e-6), (20, 20), 0.5))
        for x, y in (left, right)
    ]
    image = mosaic(tiles, whole)
    np.testing.assert_allclose(image.forward, picture(whole).forward, atol=1e-18)
    np.testing.assert_allclose(image.backward, -image.forward)


def test_where_nobody_has_measured_a_mosaic_is_empty_and_where_two_have_it_is_their_mean() -> None:
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (4, 4))
    one, two = picture(frame), picture(frame)
    two.forward[:] += 1.0
    two.forward[0, 0] = np.nan
    wide = ScanFrame((0.0, 0.0), (2e-6, 1e-6), (8, 4))
    image = mosaic([one, two], wide)
    assert np.isnan(image.forward[0, :, [0, 1, 6, 7]]).all()
    np.testing.assert_allclose(image.forward[0, 1:, 2:6], one.forward[0, 1:] + 0.5)
    np.testing.assert_allclose(image.forward[0, 0, 2:6], one.forward[0, 0])


def test_a_mosaic_of_nothing_or_of_other_channels_is_refused() -> None:
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (4, 4))
    with pytest.raises(ValueError, match="at least one image"):
        mosaic([], frame)
    one = picture(frame)
    other = ScanImage(frame, (Channel("phase", "rad"),), one.forward, one.backward, 0.0, 1.0)
    with pytest.raises(ValueError, match="the same channels"):
        mosaic([one, other], frame)
