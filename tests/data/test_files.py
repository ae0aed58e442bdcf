"""Files of other programs: the asymmetric image, and spectra, through every format."""

import math
from dataclasses import replace
from pathlib import Path

import asymmetric
import foreign_files
import h5py
import numpy as np
import pytest
from gwyfile.objects import GwyObject, GwySIUnit
from nanonispy2 import read as nanonis

from spm_auto.data import open_file, open_run
from spm_auto.data.run_file.writing import write
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, ScanFrame, ScanImage

IMAGE = asymmetric.image()
FLOAT32 = 1e-6  # relative: what 32-bit values keep of 64-bit ones, and the digits of headers


def assert_same(image: ScanImage, tolerance: float = FLOAT32, upright: bool = False) -> None:
    """Compare with the asymmetric image: frame, channels and both ways."""
    frame = replace(IMAGE.frame, angle=0.0) if upright else IMAGE.frame
    assert image.frame.pixels == frame.pixels
    np.testing.assert_allclose(image.frame.size, frame.size, rtol=tolerance)
    np.testing.assert_allclose(image.frame.center, frame.center, rtol=tolerance, atol=1e-15)
    assert image.frame.angle == pytest.approx(frame.angle, rel=tolerance)
    assert [channel.name.lower() for channel in image.channels] == ["height", "current"]
    assert [channel.unit for channel in image.channels] == ["m", "A"]
    np.testing.assert_allclose(image.forward, IMAGE.forward, rtol=tolerance, atol=1e-18)
    np.testing.assert_allclose(image.backward, IMAGE.backward, rtol=tolerance, atol=1e-18)


def put(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("goes", ["up", "down"])
def test_a_nanonis_scan_is_upright_whichever_way_it_went(tmp_path: Path, goes: str) -> None:
    data = open_file(put(tmp_path, "scan.sxm", foreign_files.scan_bytes(IMAGE, goes)))
    (image,) = data.images
    assert_same(image)
    assert image.end_time == 278.8
    assert data.metadata["COMMENT"] == "two lines\nof text: with colons"


def test_an_independent_reader_sees_the_same_nanonis_scan(tmp_path: Path) -> None:
    path = put(tmp_path, "scan.sxm", foreign_files.scan_bytes(IMAGE, "down"))
    other = nanonis.Scan(str(path))
    (image,) = open_file(path).images
    raw = other.signals["height"]  # in the order of measurement, from the upper line down
    np.testing.assert_array_equal(image.channel("height"), raw["forward"][::-1])
    np.testing.assert_array_equal(image.channel("height", True), raw["backward"][::-1, ::-1])
    np.testing.assert_allclose(image.frame.center, other.header["scan_offset"])
    np.testing.assert_allclose(image.frame.size, other.header["scan_range"])
    assert float(other.header["scan_angle"]) == pytest.approx(-math.degrees(image.frame.angle))


def test_a_channel_of_one_direction_is_missing_in_the_other(tmp_path: Path) -> None:
    path = put(tmp_path, "scan.sxm", foreign_files.scan_bytes(IMAGE, "up", "forward"))
    (image,) = open_file(path).images
    np.testing.assert_allclose(image.forward, IMAGE.forward, rtol=FLOAT32)
    assert np.isnan(image.backward).all()
    assert {tuple(row["directions"]) for row in open_file(path).summary()["images"]} == {
        ("forward",)
    }


def test_lines_that_a_nanonis_scan_misses_are_missing(tmp_path: Path) -> None:
    partial = replace(IMAGE, forward=IMAGE.forward.copy())
    partial.forward[:, :9] = np.nan  # a scan downwards was stopped before it reached these
    path = put(tmp_path, "scan.sxm", foreign_files.scan_bytes(partial, "down"))
    (image,) = open_file(path).images
    assert np.isnan(image.forward[:, :9]).all()
    assert not np.isnan(image.forward[:, 9:]).any()
    assert not image.is_complete


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_asylum_wave_is_upright_in_either_byte_order(tmp_path: Path, order: str) -> None:
    data = open_file(put(tmp_path, "wave.ibw", foreign_files.image_wave_bytes(IMAGE, order)))
    (image,) = data.images
    assert_same(image, 1e-5)  # the note has six digits
    assert data.metadata["ImageNote"] == "température"
    assert any("counter-clockwise" in note for note in data.notes)


def test_a_gwyddion_file_is_upright(tmp_path: Path) -> None:
    foreign_files.write_gwyddion(tmp_path / "image.gwy", IMAGE)
    data = open_file(tmp_path / "image.gwy")
    (image,) = data.images
    assert_same(image, 1e-12)


@pytest.mark.parametrize("order", ["xy", "yx"])
@pytest.mark.parametrize(("across", "up"), [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_an_nsid_image_lies_where_its_scales_say(
    tmp_path: Path, order: str, across: int, up: int
) -> None:
    straight = replace(IMAGE.frame, angle=0.0)
    x, _ = straight.to_sample(0, np.arange(straight.pixels[0]))
    _, y = straight.to_sample(np.arange(straight.pixels[1]), 0)
    foreign_files.write_nsid_image(
        tmp_path / "image.h5",
        IMAGE.forward[0, ::up, ::across] * 1e9,
        x[::across] * 1e9,
        y[::up] * 1e9,
        order,
    )
    (image,) = open_file(tmp_path / "image.h5").images
    assert image.channels == (Channel("Height", "m"),)
    np.testing.assert_allclose(image.forward[0], IMAGE.forward[0], rtol=1e-12)
    np.testing.assert_allclose(image.frame.center, straight.center, rtol=1e-9)
    np.testing.assert_allclose(image.frame.size, straight.size, rtol=1e-9)


def test_our_own_run_file_gives_back_what_the_journal_holds(tmp_path: Path) -> None:
    journal = Path(__file__).parents[1] / "files" / "journal-1.spmj"
    run = replace(open_run(journal), scans=(IMAGE,))
    write(run, tmp_path / "run.h5")
    data = open_file(tmp_path / "run.h5")
    (image,) = data.images
    np.testing.assert_array_equal(image.channel("height"), IMAGE.channel("height"))
    np.testing.assert_array_equal(image.channel("current", True), IMAGE.channel("current", True))
    assert image.frame == IMAGE.frame
    assert len(data.spectra) == len(run.spectra)
    for read, taken in zip(data.spectra, run.spectra, strict=True):
        assert (read.x, read.y, read.channels) == (taken.x, taken.y, taken.channels)
        np.testing.assert_array_equal(read.bias, taken.bias)
        np.testing.assert_array_equal(read.data, taken.data)


def dat(folder: Path, columns: dict[str, np.ndarray], **header: str) -> Path:
    return put(folder, "curve.dat", foreign_files.curve_bytes(columns, **header))


def test_a_nanonis_spectrum_goes_there_and_back(tmp_path: Path) -> None:
    taken = asymmetric.spectrum()
    half = len(taken.bias) // 2
    current, conductance = taken.data
    path = dat(
        tmp_path,
        {
            "Bias calc (V)": taken.bias[:half],
            "Current (A)": current[:half],
            "dI/dV (A/V)": conductance[:half],
            "Current [bwd] (A)": current[half:][::-1],
            "dI/dV [bwd] (A/V)": conductance[half:][::-1],
        },
    )
    (spectrum,) = open_file(path).spectra
    assert (spectrum.x, spectrum.y) == (35e-9, -20e-9)
    assert spectrum.channels == (Channel("Current", "A"), Channel("dI/dV", "A/V"))
    np.testing.assert_allclose(spectrum.bias, taken.bias, atol=1e-7)
    np.testing.assert_allclose(spectrum.data, taken.data, rtol=FLOAT32)
    other = nanonis.Spec(str(path)).signals
    np.testing.assert_array_equal(spectrum.bias[:half], other["Bias calc (V)"])
    np.testing.assert_array_equal(spectrum.data[0, half:], other["Current [bwd] (A)"][::-1])


def test_single_sweeps_follow_their_mean(tmp_path: Path) -> None:
    bias = np.linspace(1.0, -1.0, 5)
    columns = {"Bias calc (V)": bias}
    columns |= {f"Current [{n:05d}] (nA)": n * bias for n in (1, 2)}
    columns |= {"Current [AVG] (nA)": 1.5 * bias, "Current (nA) [AVG] [filt]": 0 * bias}
    spectra = open_file(dat(tmp_path, columns)).spectra
    np.testing.assert_allclose([s.data[0, 0] for s in spectra], [1.5e-9, 1e-9, 2e-9])
    assert [c.name for c in spectra[0].channels] == ["Current", "Current [filt]"]


def test_a_channel_without_a_way_back_is_missing_there(tmp_path: Path) -> None:
    bias = np.linspace(0.0, 1.0, 4)
    columns = {"Bias calc (V)": bias, "A (V)": bias, "B (V)": bias, "B [bwd] (V)": bias}
    (spectrum,) = open_file(dat(tmp_path, columns)).spectra
    assert np.isnan(spectrum.channel("A")[4:]).all()
    np.testing.assert_array_equal(spectrum.channel("B"), spectrum.bias)


@pytest.mark.parametrize("goes_down", [True, False])
def test_a_z_spectrum_is_a_force_curve_that_starts_far_away(
    tmp_path: Path, goes_down: bool
) -> None:
    z = np.linspace(0.0, -10e-9, 6) if goes_down else np.linspace(-10e-9, 0.0, 6)
    first, second = ("D (m)", "D [bwd] (m)") if goes_down else ("D [bwd] (m)", "D (m)")
    columns = {"Z rel (m)": z, first: z + 1e-9, second: z + 2e-9}
    (curve,) = open_file(dat(tmp_path, columns, Experiment="Z spectroscopy")).curves
    np.testing.assert_allclose(curve.extension, np.linspace(0.0, 10e-9, 6), atol=1e-18)
    np.testing.assert_allclose(curve.approach[0], 1e-9 - curve.extension, atol=1e-18)
    np.testing.assert_allclose(curve.retract[0], 2e-9 - curve.extension, atol=1e-18)


def test_a_probe_of_unknown_place_is_said_to_be_so(tmp_path: Path) -> None:
    bias = np.linspace(0.0, 1.0, 4)
    columns = {"Bias calc (V)": bias, "Current (A)": bias}
    data = open_file(dat(tmp_path, columns, **{"X (m)": "N/A"}))
    assert math.isnan(data.spectra[0].x)
    assert data.notes == ("the file does not say where the probe stood",)


GRID = ScanFrame((40e-9, -25e-9), (30e-9, 20e-9), (6, 4), math.radians(20))


def grid(folder: Path, kept: int = 24, **how: object) -> Path:
    """Write a grid whose current tells line, pixel and point apart, and whose height slopes."""
    line, pixel, point = np.indices((4, 6, 7))
    current = 1e-12 * (100.0 * line + 10.0 * pixel + point)
    values = np.stack([current, 2 * current], axis=2)
    settings = (*GRID.center, *GRID.size, -math.degrees(GRID.angle))
    headings = ("Current (A)", "Current [bwd] (A)")
    heights = 1e-9 * (line + 0.1 * pixel)[:, :, 0]
    content = foreign_files.grid_bytes(values, headings, (1.0, -1.0), heights, settings, **how)
    site = 4 * ((5 if "positions" in how else 3) + 2 * 7)
    return put(folder, "grid.3ds", content[: len(content) - (24 - kept) * site])


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_nanonis_grid_is_a_spectrum_for_each_site_and_an_image(
    tmp_path: Path, is_noted: bool
) -> None:
    path = grid(tmp_path, **({"positions": GRID.positions()} if is_noted else {}))
    data = open_file(path)
    x, y = (axis.ravel() for axis in GRID.positions())
    np.testing.assert_allclose([s.x for s in data.spectra], x, rtol=1e-5)
    np.testing.assert_allclose([s.y for s in data.spectra], y, rtol=1e-5)
    third = data.spectra[6 * 2 + 3]  # line 2, pixel 3
    np.testing.assert_allclose(third.bias, [*np.linspace(1, -1, 7), *np.linspace(-1, 1, 7)])
    np.testing.assert_allclose(third.data[0, :7], 1e-12 * (230 + np.arange(7)), rtol=FLOAT32)
    np.testing.assert_allclose(third.data[0, 7:], 2e-12 * (236 - np.arange(7)), rtol=FLOAT32)
    (image,) = data.images
    np.testing.assert_allclose(image.frame.size, GRID.size, rtol=1e-5)
    np.testing.assert_allclose(image.frame.center, GRID.center, rtol=1e-5)
    assert image.frame.angle == pytest.approx(GRID.angle)
    assert image.channels == (Channel("Z", "m"),)
    np.testing.assert_allclose(image.forward[0, 3], 1e-9 * (3 + 0.1 * np.arange(6)), rtol=FLOAT32)
    if not is_noted:  # nanonispy2 takes the height to be the fifth parameter
        return
    other = nanonis.Grid(str(path)).signals["Current (A)"]
    np.testing.assert_array_equal(other[2, 3], third.data[0, :7].astype("f4"))


def test_a_grid_that_was_broken_off_has_the_sites_that_were_measured(tmp_path: Path) -> None:
    data = open_file(grid(tmp_path, kept=15))
    assert len(data.spectra) == 15
    assert data.notes == ("broken off: 15 of 24 sites were measured",)
    assert np.isnan(data.images[0].forward[0, 2, 3:]).all()
    assert not np.isnan(data.images[0].forward[0, :2]).any()


def test_an_asylum_force_curve_is_split_where_its_note_says(tmp_path: Path) -> None:
    down = np.linspace(-1e-6, 1e-6, 40)
    raw = np.concatenate([down, np.full(10, 1e-6), down[::-1]])
    deflection = np.concatenate([down, np.zeros(10), down[::-1] - 5e-9])
    note = {"Indexes": "0,40,50,90", "Direction": "NaN,1,0,-1", "XLVDT": "2e-06", "YLVDT": "-1e-06"}
    content = foreign_files.wave_bytes(np.stack([raw, deflection], axis=1), ["Raw", "Defl"], note)
    (curve,) = open_file(put(tmp_path, "curve.ibw", content)).curves
    assert (curve.x, curve.y) == (2e-6, -1e-6)
    assert curve.channels == (Channel("Defl", "m"),)
    np.testing.assert_allclose(curve.extension, down - down[0], atol=1e-12)
    np.testing.assert_allclose(curve.approach[0], down, atol=1e-12)
    np.testing.assert_allclose(curve.retract[0], down - 5e-9, atol=1e-12)


def test_an_asylum_curve_against_a_bias_is_a_spectrum(tmp_path: Path) -> None:
    bias = np.sin(np.linspace(0, 6, 50))
    columns = np.stack([0 * bias, 1e-9 * bias, 90 * bias, bias], axis=1)
    names = ["Raw", "Amp", "Phase1", "Bias"]
    path = put(tmp_path, "loop.ibw", foreign_files.wave_bytes(columns, names, {}))
    (spectrum,) = open_file(path).spectra
    np.testing.assert_allclose(spectrum.bias, bias, rtol=FLOAT32)
    assert spectrum.channels[1:] == (Channel("Amp", "m"), Channel("Phase1", "rad"))
    np.testing.assert_allclose(spectrum.channel("Phase1"), np.radians(90 * bias), rtol=FLOAT32)


def unit(text: str) -> GwySIUnit:
    return GwySIUnit(unitstr=text)


def test_a_volume_and_spectra_of_gwyddion_lie_on_its_image(tmp_path: Path) -> None:
    frame = IMAGE.frame
    lines, pixels = frame.shape
    bias = -1.0 + 0.5 * np.arange(5)
    line, pixel, point = np.indices((lines, pixels, 5)).astype(float)
    values = 1000.0 * line + 10.0 * pixel + point
    brick = GwyObject(
        "GwyBrick",
        {
            **{"xres": pixels, "yres": lines, "zres": 5},
            **{"xreal": frame.size[0], "yreal": frame.size[1], "zreal": 2.5},
            "xoff": frame.center[0] - frame.size[0] / 2,
            "yoff": frame.center[1] - frame.size[1] / 2,
            "zoff": -1.0,
            **{"si_unit_x": unit("m"), "si_unit_y": unit("m")},
            **{"si_unit_z": unit("V"), "si_unit_w": unit("A")},
            # level by level, upper row first
            "data": np.ascontiguousarray(np.moveaxis(values[::-1], -1, 0)).ravel(),
        },
    )
    meta = GwyObject("GwyContainer", {"Angle (deg)": "20"}, {"Angle (deg)": "s"})
    foreign_files.write_gwyddion(
        tmp_path / "all.gwy", IMAGE, **{"/brick/0": brick, "/brick/0/meta": meta}
    )
    spectra = open_file(tmp_path / "all.gwy").spectra
    assert len(spectra) == lines * pixels
    spectrum = spectra[pixels * 5 + 7]
    assert (spectrum.x, spectrum.y) == pytest.approx([float(v) for v in frame.to_sample(5, 7)])
    np.testing.assert_allclose(spectrum.bias, bias)
    np.testing.assert_allclose(spectrum.data[0], 5070.0 + np.arange(5))


def test_spectra_at_points_of_gwyddion_lie_where_they_were_taken(tmp_path: Path) -> None:
    frame = IMAGE.frame
    x, y = frame.to_sample(3, 40)  # lower right
    left, low = frame.center[0] - frame.size[0] / 2, frame.center[1] - frame.size[1] / 2
    place = [left + 40.5 / 48 * frame.size[0], low + (32 - 3.5) / 32 * frame.size[1]]
    line = GwyObject(
        "GwyDataLine",
        {
            **{"res": 3, "real": 1.5, "off": -1.0, "data": np.array([1.0, 2.0, 3.0])},
            **{"si_unit_x": unit("V"), "si_unit_y": unit("nA")},
        },
    )
    spectra = GwyObject(
        "GwySpectra",
        {
            **{"title": "didv", "si_unit_xy": unit("m")},
            **{"coords": np.array(place), "data": [line]},
        },
        {"data": "O"},
    )
    foreign_files.write_gwyddion(tmp_path / "all.gwy", IMAGE, **{"/sps/0": spectra})
    (spectrum,) = open_file(tmp_path / "all.gwy").spectra
    assert (spectrum.x, spectrum.y) == pytest.approx((float(x), float(y)))
    np.testing.assert_allclose(spectrum.bias, [-1.0, -0.5, 0.0])
    np.testing.assert_allclose(spectrum.data, [[1e-9, 2e-9, 3e-9]])


def test_a_map_of_nsid_is_a_spectrum_for_each_site(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "map.h5", "w") as file:
        values = np.arange(3 * 2 * 4, dtype=float).reshape(3, 2, 4)  # [x, y, bias]
        data = file.create_dataset("map/data", data=values)
        data.attrs.update(quantity="Current", units="nA")
        scales = {"X": ([0, 1, 2], "nm"), "Y": ([5, 7], "nm"), "V": ([0, 100, 200, 300], "mV")}
        for index, (name, (along, of)) in enumerate(scales.items()):
            scale = file.create_dataset(f"map/{name}", data=np.array(along, dtype=float))
            scale.attrs.update(
                name=name, units=of, dimension_type="SPECTRAL" if name == "V" else "SPATIAL"
            )
            scale.make_scale(name)
            data.dims[index].attach_scale(scale)
    spectra = open_file(tmp_path / "map.h5").spectra
    places = [(s.x, s.y) for s in spectra]
    expected = [(x * 1e-9, y * 1e-9) for y in (5, 7) for x in (0, 1, 2)]
    np.testing.assert_allclose(places, expected, rtol=1e-12)
    np.testing.assert_allclose(spectra[0].bias, [0.0, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(spectra[5].data, 1e-9 * values[2, 1][np.newaxis])
    assert spectra[0].channels == (Channel("Current", "A"),)


def test_an_image_without_a_size_is_left_out_unless_the_name_says_it(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    for name in ("area.h5", "area_20nm.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            data = file.create_dataset("image/data", data=values)
            for index, length in enumerate(values.shape):
                scale = file.create_dataset(f"image/{'ab'[index]}", data=np.arange(length))
                scale.make_scale("ab"[index])
                data.dims[index].attach_scale(scale)
    with pytest.raises(DataError, match="does not say how large the image is"):
        open_file(tmp_path / "area.h5")
    data = open_file(tmp_path / "area_20nm.h5")
    np.testing.assert_array_equal(data.images[0].forward[0], values[::-1])  # row 0 is on top
    assert data.images[0].frame.size == (20e-9, 20e-9)
    assert any("is the one in the file's name" in note for note in data.notes)


def test_the_name_of_a_file_decides_nothing(tmp_path: Path) -> None:
    path = put(tmp_path, "scan.dat", foreign_files.scan_bytes(IMAGE))
    assert open_file(path).format == "Nanonis scan"
    with pytest.raises(DataError, match=r"notes\.sxm: neither a run nor a data file"):
        open_file(put(tmp_path, "notes.sxm", b"no scan at all"))
