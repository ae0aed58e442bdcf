"""Gwyddion .gwy: what is in the file, through gwyfile; real Gwyddion looks in tests/interop."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gwyfile
import numpy as np
import pytest
from asymmetric import CHANNELS, FRAME, SCALES, image, look, spectrum

from spm_auto.export import Origin, write_gwy
from spm_auto.instrument import BiasWaveform, Channel, ScanFrame, Spectrum

CURRENT = (Channel("current", "A"),)


def _read(path: Path) -> Any:
    return gwyfile.load(str(path))


def _taken(x: float, y: float, bias: np.ndarray, value: float) -> Spectrum:
    data = (value + np.arange(float(len(bias))))[None]
    return Spectrum(x, y, bias, CURRENT, data, 0.0, 1.0)


def test_every_channel_and_direction_is_an_image_right_side_up(tmp_path: Path) -> None:
    content = _read(write_gwy(tmp_path / "a.gwy", [image()]))
    number = 0
    for scale, channel in zip(SCALES, CHANNELS, strict=True):
        for way in ("forward", "backward"):
            field = content[f"/{number}/data"]
            shown = scale * look(way == "backward")
            np.testing.assert_array_equal(field.data, shown[::-1])  # the upper line first
            assert (field.xreal, field.yreal) == FRAME.size
            assert field.xoff + field.xreal / 2 == pytest.approx(FRAME.center[0])
            assert field.yoff + field.yreal / 2 == pytest.approx(FRAME.center[1])
            assert field.si_unit_xy.unitstr == "m"
            assert field.si_unit_z.unitstr == channel.unit
            assert content[f"/{number}/data/title"] == f"{channel.name} ({way})"
            number += 1
    assert f"/{number}/data" not in content
    assert [key for key in content if key.endswith("/visible")] == ["/0/data/visible"]


def test_the_metadata_say_where_an_image_comes_from_and_how_it_is_turned(tmp_path: Path) -> None:
    origin = Origin("a title", "me", utc=1452165574.0, bias=0.5, details={"Seed": "7"})
    about = _read(write_gwy(tmp_path / "a.gwy", [image()], origins=[origin]))["/1/meta"]
    assert about["Title"] == "a title"
    assert about["Operator"] == "me"
    assert about["Date"] == "2016-01-07 11:19:34 UTC"
    assert about["Direction"] == "backward"
    assert about["Seed"] == "7"
    assert float(about["Bias (V)"]) == 0.5
    assert float(about["Angle (deg)"]) == pytest.approx(20)
    assert float(about["Center x (m)"]) == FRAME.center[0]
    assert float(about["Center y (m)"]) == FRAME.center[1]


def test_missing_pixels_are_masked_and_filled_with_the_mean(tmp_path: Path) -> None:
    forward = image().forward.copy()
    forward[0, 20:] = np.nan
    content = _read(write_gwy(tmp_path / "a.gwy", [replace(image(), forward=forward)]))
    mask, field = content["/0/mask"].data[::-1], content["/0/data"].data[::-1]
    assert (mask[20:] == 1).all()
    assert (mask[:20] == 0).all()
    np.testing.assert_allclose(field[20:], forward[0, :20].mean())
    assert "/1/mask" not in content


def test_spectra_with_equal_steps_are_sets_at_their_places_on_the_image(tmp_path: Path) -> None:
    bias = BiasWaveform.sweep(2.0, -1.0, 4, backward=True).bias
    line, pixel = 5.0, 40.0
    x, y = (float(value) for value in FRAME.to_sample(line, pixel))
    content = _read(write_gwy(tmp_path / "a.gwy", [image()], [_taken(x, y, bias, 0.0)]))
    there, back = content["/sps/0"], content["/sps/1"]
    assert (there["title"], back["title"]) == ("current (forward)", "current (backward)")
    (curve,) = there["data"]
    steps = curve["off"] + np.arange(curve["res"]) * curve["real"] / curve["res"]
    np.testing.assert_allclose(steps, [-1, 0, 1, 2])
    np.testing.assert_array_equal(curve["data"], [3, 2, 1, 0])
    np.testing.assert_array_equal(back["data"][0]["data"], [4, 5, 6, 7])
    assert curve["si_unit_x"].unitstr == "V"
    assert curve["si_unit_y"].unitstr == "A"
    field = content["/0/data"]
    across, down = there["coords"] - [field.xoff, field.yoff]
    assert across / field.xreal * 48 == pytest.approx(pixel + 0.5)
    assert down / field.yreal * 32 == pytest.approx(32 - (line + 0.5))


def test_loops_and_uneven_sweeps_are_graphs(tmp_path: Path) -> None:
    loop = _taken(1e-8, 2e-8, BiasWaveform.triangle(4.0, 16).bias, 0.0)
    content = _read(write_gwy(tmp_path / "a.gwy", [], [loop, spectrum()]))
    graph = content["/0/graph/graph/1"]
    (curve,) = graph["curves"]
    np.testing.assert_array_equal(curve["xdata"], loop.bias)
    np.testing.assert_array_equal(curve["ydata"], loop.data[0])
    assert curve["description"] == "at (10 nm, 20 nm)"
    assert (graph["x_unit"].unitstr, graph["y_unit"].unitstr) == ("V", "A")
    titles = [content[f"/0/graph/graph/{n}"]["title"] for n in range(2, 6)]
    assert titles == [
        "current (forward)", "dI/dV (forward)", "current (backward)", "dI/dV (backward)",
    ]  # fmt: skip


def test_spectra_on_a_grid_are_a_volume(tmp_path: Path) -> None:
    grid = ScanFrame((1e-7, -5e-8), (9e-8, 4e-8), (3, 2), FRAME.angle)
    x, y = grid.positions()
    bias = np.array([4.0, 1.0, 0.5])  # falling and uneven
    order = [4, 0, 5, 2, 1, 3]  # not as they lie
    spectra = [_taken(x.ravel()[k], y.ravel()[k], bias, 10.0 * k) for k in order]
    content = _read(write_gwy(tmp_path / "a.gwy", [image()], spectra))
    volume = content["/brick/0"]
    assert (volume["xres"], volume["yres"], volume["zres"]) == (3, 2, 3)
    assert (volume["xreal"], volume["yreal"]) == pytest.approx(grid.size)
    assert volume["xoff"] + volume["xreal"] / 2 == pytest.approx(grid.center[0])
    assert volume["yoff"] + volume["yreal"] / 2 == pytest.approx(grid.center[1])
    np.testing.assert_array_equal(volume["calibration"][0]["data"], [0.5, 1.0, 4.0])
    data = volume["data"].reshape(3, 2, 3)  # [point, line, pixel]
    np.testing.assert_array_equal(data[0], [[32, 42, 52], [2, 12, 22]])
    np.testing.assert_array_equal(data[2], [[30, 40, 50], [0, 10, 20]])
    assert float(content["/brick/0/meta"]["Angle (deg)"]) == pytest.approx(20)
    np.testing.assert_array_equal(content["/brick/0/preview"].data[0], [31, 41, 51])


def test_a_volume_of_loops_counts_their_points_and_says_the_biases(tmp_path: Path) -> None:
    bias = BiasWaveform.triangle(2.0, 4).bias
    spectra = [_taken(x, y, bias, 0.0) for y in (0.0, 1e-8) for x in (0.0, 1e-8)]
    content = _read(write_gwy(tmp_path / "a.gwy", [], spectra))
    np.testing.assert_array_equal(content["/brick/0"]["calibration"][0]["data"], [0, 1, 2, 3])
    assert content["/brick/0/meta"]["Bias of each point (V)"] == "0 2 0 -2"


def test_a_grid_with_a_hole_or_a_stray_point_is_no_grid(tmp_path: Path) -> None:
    bias = BiasWaveform.sweep(0.0, 1.0, 3).bias
    places = [(x, y) for y in (0.0, 1e-8) for x in (0.0, 1e-8, 2e-8)]
    for bad in (places[:-1], [*places[:-1], (2e-8, 1.2e-8)], [*places[:-1], places[0]]):
        spectra = [_taken(x, y, bias, 0.0) for x, y in bad]
        content = _read(write_gwy(tmp_path / "a.gwy", [], spectra))
        assert "/brick/0" not in content
        assert len(content["/sps/0"]["data"]) == len(bad)
