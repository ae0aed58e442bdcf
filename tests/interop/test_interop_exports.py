"""Exports as the field's own programs open them: Gwyddion, nanonispy2, xarray, SciFiReaders."""

import csv
import shutil
import subprocess
from math import degrees
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.interop
SINGLE = 1e-6  # relative: .sxm holds 32-bit numbers
UPPER_FIRST = slice(None, None, -1)  # our line 0 is the lower edge


def _images(expected: dict[str, Any]) -> list[tuple[str, str, str, np.ndarray]]:
    """Return channel, unit, direction and values, line 0 at the lower edge, of each image."""
    return [
        (name, unit, way, np.array(expected[way][index]))
        for index, (name, unit) in enumerate(expected["image channels"])
        for way in ("forward", "backward")
    ]


def _gwyddion(*arguments: str | Path) -> str:
    """Run Debian's Gwyddion, and return what it says."""
    if shutil.which("gwyddion") is None:
        pytest.skip("gwyddion is not installed (apt-get install gwyddion)")
    command = ["gwyddion", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _through_gwyddion(path: Path, folder: Path) -> Any:
    """Return a file's content as Gwyddion understood it and wrote it again."""
    gwyfile = pytest.importorskip("gwyfile")
    _gwyddion(f"--convert-to-gwy={folder / 'again.gwy'}", path)
    return gwyfile.load(str(folder / "again.gwy"))


def test_gwyddion_has_no_complaint(made: Path) -> None:
    files = sorted(p for end in ("gwy", "sxm", "dat") for p in made.rglob(f"*.{end}"))
    assert len(files) == 9
    assert _gwyddion("--check", *files) == ""


@pytest.mark.parametrize("to", ["gwy", "sxm"])
def test_gwyddion_shows_images_right_side_up_with_units_and_place(
    made: Path, expected: dict[str, Any], tmp_path: Path, to: str
) -> None:
    (path,) = (made / to).glob(f"*.{to}")
    content = _through_gwyddion(path, tmp_path)
    width, height = expected["size"]
    for number, (name, unit, way, values) in enumerate(_images(expected)):
        field = content[f"/{number}/data"]
        np.testing.assert_allclose(field.data, values[UPPER_FIRST], rtol=SINGLE)
        assert (field.xreal, field.yreal) == pytest.approx((width, height))
        center = (field.xoff + width / 2, field.yoff + height / 2)
        assert center == pytest.approx(expected["center"])
        assert (field.si_unit_xy.unitstr, field.si_unit_z.unitstr) == ("m", unit)
        assert content[f"/{number}/data/title"].lower() == f"{name} ({way})"
    assert f"/{len(_images(expected))}/data" not in content


def test_gwyddion_keeps_angle_and_direction_of_a_channel(
    made: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    (path,) = (made / "gwy").glob("*.gwy")
    about = _through_gwyddion(path, tmp_path)["/3/meta"]
    assert float(about["Angle (deg)"]) == pytest.approx(degrees(expected["angle"]))
    assert (about["Channel"], about["Direction"]) == ("current", "backward")
    assert (about["Run"], about["Seed"]) == ("interop-1", "7")


def test_gwyddion_takes_missing_pixels_for_missing(
    made: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    n = expected["lines measured"]
    for path in (made / "aborted.sxm", made / "aborted.gwy"):
        content = _through_gwyddion(path, tmp_path)
        field, mask = content["/0/data"].data, content["/0/mask"].data
        values = np.array(expected["forward"][0])[:n]
        np.testing.assert_allclose(field[UPPER_FIRST][:n], values, rtol=SINGLE)
        assert np.isfinite(field).all()
        assert (mask[UPPER_FIRST][:n] == 0).all()
        assert (mask[UPPER_FIRST][n:] == 1).all()


def test_gwyddion_reads_the_images_of_an_sxm_through_its_wheel(
    made: Path, expected: dict[str, Any]
) -> None:
    gwyddionpy = pytest.importorskip("gwyddionpy")
    (path,) = (made / "sxm").glob("*.sxm")
    read = gwyddionpy.load(path)
    assert read.source_format == "nanonis"
    channels = list(read.channels.values())
    for channel, (name, unit, way, values) in zip(channels, _images(expected), strict=True):
        np.testing.assert_allclose(channel.data, values[UPPER_FIRST], rtol=SINGLE)
        assert (channel.xreal, channel.yreal) == pytest.approx(tuple(expected["size"]))
        assert (channel.si_unit_xy, channel.si_unit_z) == ("m", unit)
        assert channel.name.lower() == f"{name} ({way})"


def test_gwyddion_reads_a_dat_as_spectra_at_their_place(
    made: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    half = len(expected["bias"]) // 2
    path, *_ = sorted((made / "dat").glob("*.dat"))
    # it takes the files of the same name with other numbers, too, in no order
    content = _through_gwyddion(path, tmp_path)
    curves = [content[f"/sps/{k}"] for k in range(4)]
    titles = ["current", "dI/dV", "current [bwd]", "dI/dV [bwd]"]
    assert [curve["title"] for curve in curves] == titles
    for curve_number, curve in enumerate(curves):
        places = np.reshape(curve["coords"], (-1, 2))
        assert len(places) == len(expected["spectra"])
        for place, spectrum in zip(expected["places"], expected["spectra"], strict=True):
            there, back = np.array(spectrum)[:, :half], np.array(spectrum)[:, half:][:, ::-1]
            (number,) = np.flatnonzero(np.isclose(places, place, rtol=1e-6).all(axis=1))
            # it sorts the axis upwards; ours runs down
            values = [*there, *back][curve_number][::-1]
            np.testing.assert_allclose(curve["data"][number]["data"], values, rtol=1e-12)
    assert curves[1]["data"][0]["si_unit_y"].unitstr == "A/V"


def test_gwyddion_keeps_sets_graphs_and_volumes_of_spectra(made: Path, tmp_path: Path) -> None:
    content = _through_gwyddion(made / "spectra.gwy", tmp_path)
    for number, values in ((0, [3, 2, 1, 0]), (1, [4, 5, 6, 7])):  # there and back, bias upwards
        (first, *_) = content[f"/sps/{number}"]["data"]
        np.testing.assert_allclose(first["data"], 1e-9 * np.array(values))
        steps = first["off"] + np.arange(first["res"]) * first["real"] / first["res"]
        np.testing.assert_allclose(steps, [-1, 0, 1, 2], atol=1e-12)
        assert (first["si_unit_x"].unitstr, first["si_unit_y"].unitstr) == ("V", "A")
    graph = content["/0/graph/graph/1"]
    assert len(graph["curves"]) == 3
    np.testing.assert_allclose(graph["curves"][2]["ydata"], 1e-9 * (20 + np.arange(16)))
    np.testing.assert_allclose(graph["curves"][2]["xdata"][:6], [0, 1, 2, 3, 4, 3])
    volume = content["/brick/0"]
    assert (volume["xres"], volume["yres"], volume["zres"]) == (3, 2, 3)
    np.testing.assert_allclose(volume["calibration"][0]["data"], [0.5, 1, 4])
    upper = volume["data"].reshape(3, 2, 3)[2, 0]  # at 4 V
    np.testing.assert_allclose(upper, 1e-9 * np.array([30, 40, 50]))
    units = [volume[f"si_unit_{axis}"].unitstr for axis in "xyzw"]
    assert units == ["m", "m", "V", "A"]


def test_nanonispy_reads_an_sxm_in_the_order_of_the_scan(
    made: Path, expected: dict[str, Any]
) -> None:
    nanonispy2 = pytest.importorskip("nanonispy2")
    (path,) = (made / "sxm").glob("*.sxm")
    scan = nanonispy2.read.Scan(str(path))
    assert list(scan.header["scan_pixels"]) == expected["pixels"]
    np.testing.assert_allclose(scan.header["scan_range"], expected["size"])
    np.testing.assert_allclose(scan.header["scan_offset"], expected["center"])
    assert float(scan.header["scan_angle"]) == pytest.approx(-degrees(expected["angle"]))
    assert scan.header["scan_dir"] == "up"
    for name, unit, way, values in _images(expected):
        shown = scan.signals[name][way]
        shown = shown[:, ::-1] if way == "backward" else shown
        np.testing.assert_allclose(shown, values, rtol=SINGLE)
        index = scan.header["data_info"]["Name"].index(name)
        assert scan.header["data_info"]["Unit"][index] == unit


def test_nanonispy_reads_a_dat_with_its_way_back(made: Path, expected: dict[str, Any]) -> None:
    nanonispy2 = pytest.importorskip("nanonispy2")
    half = len(expected["bias"]) // 2
    for number, path in enumerate(sorted((made / "dat").glob("*.dat"))):
        spec = nanonispy2.read.Spec(str(path))
        place = (float(spec.header["X (m)"]), float(spec.header["Y (m)"]))
        assert place == tuple(expected["places"][number])
        np.testing.assert_array_equal(spec.signals["Bias calc (V)"], expected["bias"][:half])
        for index, (name, unit) in enumerate(expected["spectrum channels"]):
            values = np.array(expected["spectra"][number][index])
            np.testing.assert_array_equal(spec.signals[f"{name} ({unit})"], values[:half])
            back = spec.signals[f"{name} [bwd] ({unit})"]
            np.testing.assert_array_equal(back, values[half:][::-1])


def test_scifireaders_reads_a_gwyddion_file_of_images(made: Path, expected: dict[str, Any]) -> None:
    readers = pytest.importorskip("SciFiReaders")
    # one with graphs it takes for None (SciFiReaders 0.12)
    read = readers.GwyddionReader(str(made / "images.gwy")).read()
    for data, (name, unit, way, values) in zip(read, _images(expected), strict=True):
        np.testing.assert_array_equal(np.array(data), values[UPPER_FIRST])
        assert (data.units, data.title) == (unit, f"{name} ({way})")
        extent = [float(np.ptp(axis.values)) for axis in (data.x, data.y)]
        assert extent == pytest.approx(expected["size"])


def test_scifireaders_reads_a_dat(made: Path, expected: dict[str, Any]) -> None:
    readers = pytest.importorskip("SciFiReaders")
    half = len(expected["bias"]) // 2
    path, *_ = sorted((made / "dat").glob("*.dat"))
    read = readers.NanonisDatReader(str(path)).read()
    values = np.array(expected["spectra"][0])
    for data, curve in zip(read, [*values[:, :half], *values[:, half:][:, ::-1]], strict=True):
        np.testing.assert_array_equal(np.array(data), curve)
        np.testing.assert_array_equal(data._axes[0].values, expected["bias"][:half])
    assert [data.units for data in read] == ["A", "A/V", "A", "A/V"]


def test_xarray_opens_the_file_of_one_scan(made: Path, expected: dict[str, Any]) -> None:
    xarray = pytest.importorskip("xarray")
    (path,) = made.rglob("scan_000.h5")
    for name, unit, way, values in _images(expected):
        group = f"entry/scan_000_{name}_{way}"
        with xarray.open_dataset(path, engine="h5netcdf", group=group) as data:
            np.testing.assert_array_equal(data["data"].transpose("y", "x"), values)
            assert data["data"].attrs["units"] == unit
            assert np.diff(data["y"]).min() > 0


def test_the_tables_are_plain(made: Path, expected: dict[str, Any]) -> None:
    (path,) = (made / "csv").glob("asymmetric000.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pixels, lines = expected["pixels"]
    for name, unit, way, values in _images(expected):
        column = np.array([float(row[f"{name} {way} ({unit})"]) for row in rows])
        np.testing.assert_array_equal(column.reshape(lines, pixels), values)
