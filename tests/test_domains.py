"""How large a domain on an image is, and where a film is poled one way."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spm_auto.analysis import measure_domain, poled_sites, seen_at_best, signed_response
from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage

FRAME = ScanFrame((1e-6, 2e-6), (250e-9, 200e-9), (40, 32))
BLUR = 19e-9  # [m]
CHANNELS = (Channel("amplitude", "m"), Channel("phase", "rad"))


def image(signed: FloatArray, frame: ScanFrame, turn: float = 0.7, noise: float = 0.0) -> ScanImage:
    """Make an image of a signed response, the phase turned by a lock-in that is not zeroed."""
    rng = np.random.default_rng(1)
    ways = []
    for _ in range(2):
        first, second = rng.standard_normal((2, *signed.shape))
        answer = (signed + noise * (first + 1j * second)) * np.exp(1j * turn)
        ways.append(np.stack([np.abs(answer), np.angle(answer)]))
    return ScanImage(frame, CHANNELS, ways[0], ways[1], 0.0, 1.0)


def disc(diameter: float, blur: float = 0.0, off: float = 7e-9, sign: float = 1.0) -> FloatArray:
    """Return the response of a film with a disc poled the other way, seen by a tip that blurs."""
    fine = ScanFrame(FRAME.center, FRAME.size, (8 * FRAME.pixels[0], 8 * FRAME.pixels[1]))
    u, v = fine.to_frame(*fine.positions())
    film = np.where(np.hypot(u - off, v) < diameter / 2, -sign, sign)
    blurred = gaussian_filter(film, blur / fine.pitch[0], mode="nearest")
    pixels: FloatArray = blurred.reshape(32, 8, 40, 8).mean(axis=(1, 3))
    return pixels


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("diameter", [55e-9, 80e-9, 150e-9])
def test_a_domain_is_measured_to_a_fraction_of_a_pixel(diameter: float, sign: float) -> None:
    seen = image(disc(diameter, BLUR, sign=sign), FRAME)
    found = measure_domain(seen, "phase", "amplitude", BLUR)
    assert found.diameter == pytest.approx(diameter, abs=1e-9)
    assert found.uncertainty < 2e-9


def test_a_blunt_tip_shows_a_small_domain_smaller_than_it_is() -> None:
    seen = image(disc(55e-9, BLUR), FRAME)
    assert measure_domain(seen, "phase", "amplitude").diameter < 45e-9
    assert measure_domain(seen, "phase", "amplitude", BLUR).diameter == pytest.approx(
        55e-9, abs=1e-9
    )


def test_a_domain_smaller_than_the_tip_sees_is_none() -> None:
    found = measure_domain(image(disc(30e-9, BLUR), FRAME, noise=0.1), "phase", "amplitude", BLUR)
    assert found.diameter == 0.0
    # what is seen of a disc vanishes at a radius of 1.18 standard deviations
    assert found.smallest > 2 * math.sqrt(2 * math.log(2)) * BLUR
    assert found == seen_at_best(FRAME, BLUR)


def test_noise_does_not_make_domains_and_widens_the_uncertainty() -> None:
    empty = image(np.ones(FRAME.shape), FRAME, noise=0.3)
    assert measure_domain(empty, "phase", "amplitude").diameter == 0.0
    noisy = measure_domain(image(disc(90e-9, BLUR), FRAME, noise=0.2), "phase", "amplitude", BLUR)
    assert abs(noisy.diameter - 90e-9) < 3 * noisy.uncertainty


def test_where_the_film_answers_less_the_domain_is_as_large() -> None:
    uneven = np.exp(0.5 * gaussian_filter(np.random.default_rng(2).standard_normal(FRAME.shape), 4))
    found = measure_domain(image(uneven * disc(90e-9, BLUR), FRAME), "phase", "amplitude", BLUR)
    assert found.diameter == pytest.approx(90e-9, abs=2e-9)


def test_a_hole_in_the_domain_is_not_taken_for_it() -> None:
    ring = disc(120e-9) * -disc(40e-9)
    assert measure_domain(image(ring, FRAME), "phase").diameter == pytest.approx(120e-9, abs=2e-9)


def test_a_domain_that_leaves_the_image_has_no_size() -> None:
    assert measure_domain(image(disc(230e-9), FRAME), "phase").diameter == math.inf


def test_an_image_with_lines_missing_is_refused() -> None:
    seen = disc(90e-9)
    seen[-3:] = math.nan
    with pytest.raises(ValueError, match="lines of the image are missing"):
        measure_domain(image(seen, FRAME), "phase", "amplitude")


def test_a_channel_that_has_a_sign_needs_no_phase() -> None:
    signed = disc(90e-9)[np.newaxis]
    seen = ScanImage(FRAME, (Channel("response", "m/V"),), signed, signed, 0.0, 1.0)
    assert measure_domain(seen, "response").diameter == pytest.approx(90e-9, abs=1e-9)
    with pytest.raises(ValueError, match="no channel 'phase'"):
        signed_response(seen, "phase")


def test_sites_lie_where_the_film_is_poled_the_way_that_most_of_it_is() -> None:
    frame = ScanFrame((0.0, 0.0), (2e-6, 2e-6), (64, 64))
    x, y = frame.positions()
    film = np.where((x > 0.4e-6) & (y > -0.2e-6), -1.0, 1.0)
    sites = poled_sites(image(film, frame), "phase", "", frame, (250e-9, 250e-9), 300e-9)
    reach = 125e-9
    assert len(sites) > 20
    assert not ((sites[:, 0] + reach > 0.4e-6) & (sites[:, 1] + reach > -0.2e-6)).any()
    assert np.abs(sites).max() <= 1e-6 - reach
    apart = np.hypot(*(sites[:, np.newaxis] - sites).transpose(2, 0, 1))
    assert apart[~np.eye(len(sites), dtype=bool)].min() > 299e-9


def test_an_area_too_small_has_no_sites() -> None:
    frame = ScanFrame((0.0, 0.0), (2e-6, 2e-6), (64, 64))
    small = ScanFrame((0.0, 0.0), (200e-9, 200e-9))
    seen = image(np.ones(frame.shape), frame)
    assert len(poled_sites(seen, "phase", "", small, (250e-9, 250e-9), 300e-9)) == 0
