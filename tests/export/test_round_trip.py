"""What is exported is read again as it was: frame, channels, units, values, right side up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from asymmetric import CHANNELS, FRAME, image, spectrum

from spm_auto.data import open_file
from spm_auto.export import Origin, write_dat, write_gwy, write_sxm
from spm_auto.instrument import BiasWaveform, Channel, ScanImage, Spectrum

SINGLE = 1e-6  # relative: .sxm holds 32-bit numbers


def _gwy(path: Path, scanned: ScanImage) -> Path:
    return write_gwy(path / "a.gwy", [scanned], origins=[Origin("a title", utc=1.8e9)])


def _sxm(path: Path, scanned: ScanImage) -> Path:
    return write_sxm(path / "a.sxm", scanned, Origin("a title", utc=1.8e9))


@pytest.mark.parametrize("write", [_gwy, _sxm])
def test_an_image_is_read_as_it_was(
    tmp_path: Path, write: Callable[[Path, ScanImage], Path]
) -> None:
    (read,) = open_file(write(tmp_path, image())).images
    assert read.channels == CHANNELS
    assert read.frame.pixels == FRAME.pixels
    assert read.frame.size == pytest.approx(FRAME.size)
    assert read.frame.center == pytest.approx(FRAME.center)
    assert read.frame.angle == pytest.approx(FRAME.angle)
    np.testing.assert_allclose(read.forward, image().forward, rtol=SINGLE)
    np.testing.assert_allclose(read.backward, image().backward, rtol=SINGLE)
    assert read.end_time - read.start_time == pytest.approx(32)


@pytest.mark.parametrize("write", [_gwy, _sxm])
def test_what_an_aborted_image_lacks_is_missing_again(
    tmp_path: Path, write: Callable[[Path, ScanImage], Path]
) -> None:
    forward = image().forward.copy()
    forward[:, 20:] = np.nan
    (read,) = open_file(write(tmp_path, replace(image(), forward=forward))).images
    np.testing.assert_allclose(read.forward, forward, rtol=SINGLE)
    assert not np.isnan(read.backward).any()


def test_several_images_in_one_file_keep_their_channels(tmp_path: Path) -> None:
    later = replace(image(), start_time=50.0, end_time=82.0, forward=2 * image().forward)
    read = open_file(write_gwy(tmp_path / "a.gwy", [image(), later])).images
    assert [one.channels for one in read] == [CHANNELS, CHANNELS]
    assert [one.start_time for one in read] == [10.0, 50.0]
    np.testing.assert_array_equal(read[1].forward, 2 * image().forward)


def test_a_spectrum_that_goes_there_and_back_is_read_as_it_was(tmp_path: Path) -> None:
    taken = spectrum()
    (read,) = open_file(write_dat(tmp_path / "a.dat", taken)).spectra
    assert (read.x, read.y, read.channels) == (taken.x, taken.y, taken.channels)
    np.testing.assert_array_equal(read.bias, taken.bias)
    np.testing.assert_array_equal(read.data, taken.data)


def test_a_hysteresis_loop_is_read_as_it_was(tmp_path: Path) -> None:
    bias = BiasWaveform.triangle(4.0, 16).bias
    data = np.random.default_rng(1).normal(size=(1, 16))
    data[0, 5] = np.nan
    taken = Spectrum(1e-8, -2e-8, bias, (Channel("piezoresponse", "m"),), data, 0.0, 1.0)
    (read,) = open_file(write_dat(tmp_path / "a.dat", taken)).spectra
    assert read.channels == taken.channels
    np.testing.assert_array_equal(read.bias, bias)
    np.testing.assert_array_equal(read.data, data)


def test_spectra_of_a_gwyddion_file_stand_where_they_were_taken(tmp_path: Path) -> None:
    bias = BiasWaveform.sweep(-1.0, 2.0, 4).bias
    current = (Channel("current", "A"),)
    taken = [
        Spectrum(x, y, bias, current, np.arange(4.0)[None] + number, 0.0, 1.0)
        for number, (x, y) in enumerate([(35e-9, -20e-9), (150e-9, -110e-9), (80e-9, -75e-9)])
    ]
    read = open_file(write_gwy(tmp_path / "a.gwy", [image()], taken)).spectra
    for one, other in zip(read, taken, strict=True):
        assert (one.x, one.y) == pytest.approx((other.x, other.y))
        assert one.channels == other.channels
        np.testing.assert_allclose(one.bias, other.bias, atol=1e-12)
        np.testing.assert_array_equal(one.data, other.data)


def test_a_volume_of_a_gwyddion_file_is_read_as_spectra_of_its_sites(tmp_path: Path) -> None:
    bias = np.array([4.0, 1.0, 0.5])
    current = (Channel("current", "A"),)
    grid = replace(FRAME, size=(90e-9, 40e-9), pixels=(3, 2))
    x, y = (places.ravel().tolist() for places in grid.positions())
    taken = [
        Spectrum(x[n], y[n], bias, current, np.arange(3.0)[None] + 10 * n, 0.0, 1.0)
        for n in range(6)
    ]
    read = open_file(write_gwy(tmp_path / "a.gwy", [image()], taken)).spectra
    for one, other in zip(read, taken, strict=True):
        assert (one.x, one.y) == pytest.approx((other.x, other.y))
        np.testing.assert_array_equal(one.bias[::-1], other.bias)
        np.testing.assert_array_equal(one.data[:, ::-1], other.data)
