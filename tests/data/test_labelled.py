"""A run as labelled arrays and as a picture: values, axes, units and places are those recorded."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from asymmetric import FRAME, image, spectrum

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    Journal,
    LineAcquired,
    RecordedRun,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    open_run,
)
from spm_auto.errors import DataError
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Scan, ScanLine

PLACES = ((35e-9, -20e-9), (150e-9, -110e-9), (80e-9, -75e-9))


@pytest.fixture
def run(tmp_path: Path) -> RecordedRun:
    """Return a run of the asymmetric image and three spectra, the second one flagged."""
    scanned = image()
    with Journal(tmp_path / FILE_NAME, InstantClock().now) as journal:
        journal.append(RunStarted("uid-1", "by hand", "", "", "bench", 7))
        journal.append(ScanStarted(Scan(FRAME), scanned.channels))
        for index in range(FRAME.shape[0]):
            there, back = scanned.forward[:, index], scanned.backward[:, index]
            journal.append(LineAcquired(ScanLine(index, there, back, 0.0)))
        journal.append(ScanFinished(is_complete=True))
        for number, (x, y) in enumerate(PLACES):
            taken = replace(spectrum(x, y), start_time=float(number))
            waveform = BiasWaveform(tuple(taken.bias.tolist()))
            journal.append(SpectrumAcquired(AcquireSpectrum(x, y, waveform), taken))
            value, flag = (np.nan, "no loop") if number == 1 else (number + 1.0, "")
            journal.append(
                SpectrumScored(number, "loop_area", value, np.nan, flag, x, y, np.nan, number, "V")
            )
    return open_run(tmp_path)


def test_an_image_has_its_axes_units_and_places(run: RecordedRun) -> None:
    scan = run.to_xarray()["scan_000"]
    scanned = image()
    for way, stack in (("forward", scanned.forward), ("backward", scanned.backward)):
        for channel, values in zip(scanned.channels, stack, strict=True):
            variable = scan[f"{channel.name}_{way}"]
            assert variable.dims == ("y", "x")
            assert variable.attrs["units"] == channel.unit
            np.testing.assert_array_equal(variable, values)
    x, y = FRAME.positions()
    np.testing.assert_array_equal(scan["sample_x"], x)
    np.testing.assert_array_equal(scan["sample_y"], y)
    assert scan["x"].attrs["units"] == "m"
    np.testing.assert_allclose(scan["x"].diff("x"), FRAME.pitch[0])
    assert scan["y"].mean() == pytest.approx(FRAME.center[1])
    assert (scan.attrs["angle"], scan.attrs["center"]) == (FRAME.angle, FRAME.center)


def test_spectra_stand_over_their_bias_with_place_reward_and_flag(run: RecordedRun) -> None:
    spectra = run.to_xarray()["spectra_000"]
    taken = spectrum()
    assert spectra["current"].dims == ("spectrum", "bias")
    np.testing.assert_array_equal(spectra["bias"], taken.bias)
    np.testing.assert_array_equal(spectra["dI_dV"][2], taken.data[1])
    assert spectra["dI_dV"].attrs == {"units": "A/V", "long_name": "dI/dV"}
    np.testing.assert_array_equal(np.stack([spectra["x"], spectra["y"]], axis=1), PLACES)
    np.testing.assert_array_equal(spectra["reward"], [1.0, np.nan, 3.0])
    assert spectra["reward"].attrs["units"] == "V"
    assert list(spectra["flag"].values) == ["", "no loop", ""]


def test_labelled_arrays_are_written_as_netcdf_and_read_again(
    run: RecordedRun, tmp_path: Path
) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    tree = run.to_xarray()
    tree.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    with xarray.open_datatree(tmp_path / "run.nc", engine="h5netcdf") as again:
        for node in ("scan_000", "spectra_000"):
            xarray.testing.assert_equal(again[node].load().to_dataset(), tree[node].to_dataset())


def test_without_xarray_it_is_said_how_to_get_it(
    run: RecordedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(DataError, match=r"pip install 'spm_auto\[xarray\]'"):
        run.to_xarray()


def test_a_run_is_drawn_as_its_image_with_points_coloured_by_reward(run: RecordedRun) -> None:
    axes = run.plot()
    rings, points = axes.collections
    u, v = FRAME.to_frame(*np.array(PLACES).T)
    np.testing.assert_allclose(points.get_offsets(), np.stack([u, v], axis=1)[[0, 2]])
    np.testing.assert_array_equal(points.get_array(), [1.0, 3.0])
    np.testing.assert_allclose(rings.get_offsets(), [[u[1], v[1]]])
    assert rings.get_facecolor().size == 0
    labels = [one.get_xlabel() for one in axes.figure.axes]
    assert "loop area, none at rings (V)" in labels


def test_a_run_without_an_image_is_not_drawn(tmp_path: Path) -> None:
    with Journal(tmp_path / FILE_NAME, InstantClock().now) as journal:
        journal.append(RunStarted("uid-1", "by hand", "", "", "bench", 7))
    with pytest.raises(DataError, match="no image to draw on"):
        open_run(tmp_path).plot()
