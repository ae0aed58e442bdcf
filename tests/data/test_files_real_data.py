"""Files of real measurements, where they are at hand: units, orientation, what belongs together."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from spm_auto.data import DataFile, open_file
from spm_auto.instrument import Channel, FloatArray

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SPM_AUTO_DATA", CHECKOUT.parent / "shared" / "data"))


read = functools.cache(open_file)


def opened(name: str) -> DataFile:
    if not (DATA / name).is_file():
        pytest.skip(f"{name} is not in {DATA}; set SPM_AUTO_DATA to its folder")
    return read(DATA / name)


def test_a_recorded_map_of_loops_is_a_spectrum_for_each_site() -> None:
    data = opened("BEPS_PTO_50x50.h5")
    assert len(data.spectra) == 2500
    assert data.images == ()
    first, second, last = (data.spectra[index] for index in (0, 1, -1))
    assert (first.x, first.y) == (0.0, 0.0)
    assert (second.x, second.y) == pytest.approx((2e-6 / 49, 0.0))
    assert (last.x, last.y) == pytest.approx((2e-6, 2e-6))
    assert (first.bias.min(), first.bias.max()) == (-8.5, 8.5)
    assert first.channels == (Channel("Piezoresponse", "a.u."),)


def test_images_of_a_film_have_the_vendors_frame_and_the_right_units() -> None:
    data = opened("pfm_pzt_channels.h5")
    (image,) = data.images
    assert image.frame.size == (2e-6, 2e-6)
    assert image.frame.pixels == (256, 256)
    units = {channel.name: channel.unit for channel in image.channels}
    # the file says that phases and voltages are lengths
    assert (units["Height"], units["NapPhase"], units["UserIn0"]) == ("m", "rad", "V")
    assert np.isnan(image.forward).all()  # only the way back was kept
    assert np.ptp(image.channel("NapPhase", backward=True)) < np.radians(361)
    assert "nm" not in units.values()


def test_the_lines_of_a_film_lie_along_the_fast_axis() -> None:
    (image,) = opened("pfm_pzt_channels.h5").images
    height = image.channel("Height", backward=True)
    along, across = (np.median(np.abs(np.diff(height, axis=axis))) for axis in (1, 0))
    # neighbours on a line are measured 2 ms apart, neighbouring lines 0.5 s: drift and noise tell
    # them apart; transposed the ratio would be its inverse
    assert along / across < 0.7


def agreement(data: DataFile, values: FloatArray, picture: FloatArray) -> float:
    """Return how well spectra follow the picture at the places where they were taken.

    Rank correlation of one number for each spectrum with the pixels around its place.
    """
    (image,) = data.images
    x, y = np.array([(s.x, s.y) for s in data.spectra]).T
    line, pixel = (np.round(axis).astype(int) for axis in image.frame.to_pixel(x, y))
    return abs(float(spearmanr(picture[line, pixel], values)[0]))


def others(picture: FloatArray) -> list[FloatArray]:
    """Return the seven other ways in which a picture may be turned and mirrored."""
    ways = [np.rot90(p, k) for p in (picture, np.fliplr(picture)) for k in range(4)]
    return ways[1:]


def test_spectra_on_an_adsorbate_lie_on_it_and_in_no_other_orientation() -> None:
    data = opened("stm_dkl_adsorbate_10nm.hf5")
    (image,) = data.images
    assert image.frame.size == (10e-9, 10e-9)
    assert data.spectra[0].channels[0] == Channel("Current", "A")
    assert (data.spectra[0].bias[0], data.spectra[0].bias[-1]) == pytest.approx((-1.5, 2.4))
    picture = image.channel()
    currents = np.array([s.channel("Current")[-1] for s in data.spectra])  # at 2.4 V
    upright = agreement(data, currents, picture)
    assert upright > 0.6
    assert upright > 1.1 * max(agreement(data, currents, other) for other in others(picture))


def test_spectra_along_a_step_lie_on_it_and_in_no_other_orientation() -> None:
    data = opened("stm_dkl_large_area_250nm.hf5")
    (image,) = data.images
    assert image.frame.size == (250e-9, 250e-9)
    x, y = np.array([(s.x, s.y) for s in data.spectra]).T
    # the agent followed the foot of the big step, which leans: the left end of each row of points
    near = (x > 135e-9) & (x < 165e-9)
    heights = np.unique(y[near])
    places = np.array([x[near & (y == height)].min() for height in heights])

    def misses(picture: FloatArray) -> float:
        lowest = picture.argmin(axis=1)  # of each line
        line, _ = image.frame.to_pixel(0.0, heights)
        at, _ = image.frame.to_sample(0, lowest[np.round(line).astype(int)])
        return float(np.mean(np.abs(at - places)))

    upright = misses(levelled(image.channel()))
    assert upright < 4e-9
    assert all(misses(levelled(other)) > 2 * upright for other in others(image.channel()))


def levelled(picture: FloatArray) -> FloatArray:
    line, pixel = np.indices(picture.shape)
    plane = np.stack([line.ravel(), pixel.ravel(), np.ones(picture.size)], axis=1)
    slope = np.linalg.lstsq(plane, picture.ravel(), rcond=None)[0]
    return picture - (plane @ slope).reshape(picture.shape)


def test_what_the_files_do_not_say_is_said() -> None:
    notes = opened("stm_dkl_large_area_250nm.hf5").notes
    assert "positions count from the image's lower left corner" in notes
    assert "the file does not say the unit of the positions: read as nm" in notes
    assert any("in the file's name" in note for note in notes)
