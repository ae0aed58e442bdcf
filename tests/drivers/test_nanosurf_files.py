"""Measurement files of Nanosurf Studio, as everyone opens them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from spm_auto.data import open_file
from spm_auto.errors import DataError
from spm_auto.simulator.servers.nanosurf.measurement_writer import write_measurement
from spm_auto.wire.nanosurf import IMAGE, SPECTROSCOPY, Measurement, Segment, Signal

HEIGHT = np.arange(12.0) * 1e-9
RASTER = Measurement(
    "Image 1",
    IMAGE,
    (3, 4),
    (2e-6, 1e-6),
    (1e-7, -2e-7),
    30.0,
    tuple(
        Segment(way, (Signal("Topography", "m", HEIGHT + shift),))
        for way, shift in (("Forward", 0.0), ("Backward", 1e-10))
    ),
    lines=2,
)
RAMP = np.array([0.0, 1.0, 0.0, 1.0])
GRID = Measurement(
    "Spectroscopy 1",
    SPECTROSCOPY,
    (1, 2),
    (2e-8, 1e-8),
    (0.0, 0.0),
    0.0,
    (
        Segment("up", (Signal("Tip Voltage", "V", RAMP), Signal("Current", "A", RAMP)), (2, 2)),
        Segment("down", (Signal("Tip Voltage", "V", -RAMP), Signal("Current", "A", RAMP)), (2, 2)),
    ),
    lines=1,
)


@pytest.mark.parametrize("version", [1, 2])
def test_an_image_of_studio_opens_upright_with_what_is_missing_missing(
    version: int, tmp_path: Path
) -> None:
    write_measurement(tmp_path / "a.nhf", RASTER, version)
    found = open_file(tmp_path / "a.nhf")
    (image,) = found.images
    assert image.frame.center == (1e-7, -2e-7)
    assert image.frame.angle == pytest.approx(np.pi / 6)
    np.testing.assert_allclose(
        image.channel("Topography")[:2], HEIGHT.reshape(3, 4)[:2], atol=1e-16
    )
    assert np.isnan(image.channel("Topography")[2]).all()
    assert not image.is_complete
    assert any("rotation" in note for note in found.notes)


@pytest.mark.parametrize("version", [1, 2])
def test_spectra_of_a_grid_stand_where_they_were_measured(version: int, tmp_path: Path) -> None:
    write_measurement(tmp_path / "a.nhf", GRID, version)
    spectra = open_file(tmp_path / "a.nhf").spectra
    assert [(s.x, s.y) for s in spectra] == [(-5e-9, 0.0), (5e-9, 0.0)]
    np.testing.assert_allclose(spectra[0].bias, [0, 1, 0, -1], atol=1e-8)
    np.testing.assert_allclose(spectra[1].channel("Current"), [0, 1, 0, 1], atol=1e-8)


def test_a_version_that_is_not_known_is_refused(tmp_path: Path) -> None:
    write_measurement(tmp_path / "a.nhf", RASTER)
    with h5py.File(tmp_path / "a.nhf", "r+") as file:
        file.attrs["nsf_file_version_major"] = 9
    with pytest.raises(DataError, match="version 9 is not known"):
        open_file(tmp_path / "a.nhf")


def test_spectra_without_their_bias_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    part = Segment("up", (Signal("Current", "A", RAMP),), (2, 2))
    bare = Measurement(
        "Spectroscopy 1", SPECTROSCOPY, (1, 2), (1e-8, 1e-8), (0.0, 0.0), 0.0, (part,), lines=1
    )
    write_measurement(tmp_path / "a.nhf", bare)
    with pytest.raises(DataError, match="left out"):
        open_file(tmp_path / "a.nhf")
