"""The run file as other programs see it: NSID readers, NeXus readers and validator, xarray."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("default"),  # those of other programs are theirs
]

# what the validator says of every NXdata group of an NXspm, those of the files that pynxtools-spm's
# own converter makes of its own examples included
THEIRS = re.compile(
    r"The required field /entry/\w+/(DATA|AXISNAME) hasn't been supplied\.|Invalid:"
)


def axes_of(expected: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of the pixels along the fast and the slow axis, through the center."""
    return tuple(
        center + (np.arange(pixels) - (pixels - 1) / 2) * size / pixels
        for center, size, pixels in zip(
            expected["center"], expected["size"], expected["pixels"], strict=True
        )
    )


def images(expected: dict[str, Any]) -> dict[str, tuple[str, str, np.ndarray]]:
    """Return channel, unit and values of each image by the name of its group."""
    return {
        f"scan_000_{name}_{way}": (name, unit, np.array(expected[way][index]))
        for index, (name, unit) in enumerate(expected["image channels"])
        for way in ("forward", "backward")
    }


def spectra(expected: dict[str, Any]) -> dict[str, tuple[str, str, np.ndarray]]:
    """Return the same of the spectra, values of shape [spectrum, point]."""
    stack = np.array(expected["spectra"])
    return {
        f"spectra_000_{name.replace('/', '_')}": (name, unit, stack[:, index])
        for index, (name, unit) in enumerate(expected["spectrum channels"])
    }


@pytest.fixture
def writable(made: Path, tmp_path: Path) -> Path:
    """Return a copy: the NSID reader opens what it reads for writing."""
    return Path(shutil.copy(made / "run.h5", tmp_path))


def test_the_nsid_reader_finds_every_image_and_spectrum_with_units_and_axes(
    writable: Path, expected: dict[str, Any]
) -> None:
    readers = pytest.importorskip("SciFiReaders")
    read = readers.NSIDReader(str(writable)).read()
    found = {dataset.title: dataset for dataset in read.values()}
    x, y = axes_of(expected)
    wanted = images(expected) | spectra(expected)
    assert sorted(found) == sorted(wanted)
    for name, (quantity, unit, values) in wanted.items():
        dataset = found[name]
        assert (dataset.quantity, dataset.units) == (quantity, unit)
        np.testing.assert_array_equal(np.array(dataset), values)
    for name in images(expected):
        slow, fast = found[name]._axes.values()
        assert (slow.name, slow.units, fast.name, fast.units) == ("y", "m", "x", "m")
        np.testing.assert_allclose(slow.values, y, rtol=0, atol=1e-18)
        np.testing.assert_allclose(fast.values, x, rtol=0, atol=1e-18)
        assert found[name].metadata["angle"] == expected["angle"]
    for name in spectra(expected):
        bias = found[name]._axes[1]
        assert (bias.name, bias.units, bias.dimension_type.name) == ("bias", "V", "SPECTRAL")
        np.testing.assert_array_equal(bias.values, expected["bias"])


def test_sidpy_reads_each_group_as_nexus(made: Path, expected: dict[str, Any]) -> None:
    nexus = pytest.importorskip("sidpy.io.nexus")
    x, y = axes_of(expected)
    for name, (quantity, unit, values) in (images(expected) | spectra(expected)).items():
        dataset = nexus.nexus_to_sidpy(str(made / "run.h5"), nxdata_path=f"/entry/{name}")
        assert (dataset.quantity, dataset.units) == (quantity, unit)
        np.testing.assert_array_equal(np.array(dataset), values)
    image = nexus.nexus_to_sidpy(str(made / "run.h5"), nxdata_path="/entry/scan_000_height_forward")
    np.testing.assert_allclose(image._axes[0].values, y, rtol=0, atol=1e-18)
    np.testing.assert_allclose(image._axes[1].values, x, rtol=0, atol=1e-18)


def test_what_a_nexus_reader_shows_first_is_an_image(made: Path, expected: dict[str, Any]) -> None:
    nexus = pytest.importorskip("sidpy.io.nexus")
    assert nexus.nexus_to_sidpy(str(made / "run.h5")).shape == tuple(expected["pixels"][::-1])


def test_xarray_reads_images_and_spectra_with_their_coordinates(
    made: Path, expected: dict[str, Any]
) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")

    def opened(group: str) -> Any:
        return xarray.load_dataset(made / "run.h5", engine="h5netcdf", group=f"entry/{group}")

    x, y = axes_of(expected)
    for name, (_, unit, values) in images(expected).items():
        data = opened(name)["data"]
        assert (data.dims, data.attrs["units"]) == (("y", "x"), unit)
        np.testing.assert_array_equal(data, values)
        np.testing.assert_allclose(data["x"], x, rtol=0, atol=1e-18)
        np.testing.assert_allclose(data["y"], y, rtol=0, atol=1e-18)
    for name, (_, unit, values) in spectra(expected).items():
        dataset = opened(name)
        assert dataset["data"].dims == ("spectrum", "bias")
        assert (dataset["data"].attrs["units"], dataset["bias"].attrs["units"]) == (unit, "V")
        np.testing.assert_array_equal(dataset["data"], values)
        np.testing.assert_array_equal(dataset["bias"], expected["bias"])
        np.testing.assert_array_equal(
            np.stack([dataset["x"], dataset["y"]], axis=1), expected["places"]
        )


def test_the_nexus_validator_complains_of_nothing_that_is_ours(made: Path) -> None:
    program = shutil.which("pynx", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("pynxtools and pynxtools-spm are not installed here")
    command = [program, "validate", "--ignore-undocumented", str(made / "run.h5")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if "WARNING" in line or "ERROR" in line
    ]
    assert said  # it looked
    assert [line for line in said if not THEIRS.search(line)] == []
