"""Pictures: SI inside, engineering units on the ticks, line 0 below, nothing left behind."""

import base64
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage, Spectrum
from spm_auto.plotting import (
    plot_image,
    plot_learning_curve,
    plot_map,
    plot_points,
    plot_spectrum,
    to_data_uri,
    to_svg,
)

FRAME = ScanFrame((0.0, 0.0), (2e-6, 1e-6), (8, 4))
TURNED = ScanFrame((3e-6, -1e-6), (2e-6, 1e-6), (8, 4), math.radians(30))
AMPLITUDE = Channel("amplitude", "m")
PHASE = Channel("phase", "rad")
HEIGHT = Channel("height", "m")


def _ramp(scale: float, frame: ScanFrame = FRAME) -> FloatArray:
    return np.arange(np.prod(frame.shape), dtype=float).reshape(frame.shape) * scale


def _shown(ax: Axes) -> AxesImage:
    (image,) = ax.get_images()
    return image


def _values(ax: Axes) -> "np.ma.MaskedArray[Any, Any]":
    values = _shown(ax).get_array()
    assert values is not None
    return np.ma.asanyarray(values)


def _bar(ax: Axes) -> Axes:
    (bar,) = ax.child_axes
    assert isinstance(bar, Axes)
    return bar


def _ticks(ax: Axes, axis: str) -> list[str]:
    ax.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]  # it stands in a figure
    labels = ax.get_xticklabels() if axis == "x" else ax.get_yticklabels()
    return [label.get_text() for label in labels]


def test_line_0_is_drawn_at_the_lower_edge_and_pixel_0_at_the_left() -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    assert _shown(ax).origin == "lower"
    assert list(_shown(ax).get_extent()) == pytest.approx([-1e-6, 1e-6, -5e-7, 5e-7])
    assert ax.get_xlim()[0] < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < ax.get_ylim()[1]


def test_the_ticks_are_in_engineering_units_and_the_coordinates_in_metres() -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    assert ax.get_xlabel() == "x (µm)"
    assert ax.get_ylabel() == "y (µm)"
    assert "−1" in _ticks(ax, "x")
    assert ax.get_xlim() == pytest.approx((-1e-6, 1e-6))
    assert _bar(ax).get_ylabel() == "amplitude (pm)"


def test_a_turned_frame_is_drawn_along_its_own_axes_and_says_its_angle() -> None:
    ax = plot_image(_ramp(1e-12, TURNED), TURNED, AMPLITUDE)
    assert ax.get_xlabel() == "u (µm)"
    assert ax.get_ylabel() == "v (µm)"
    assert ax.get_title(loc="left") == "amplitude\nturned by 30° about (3 µm, −1 µm)"
    assert ax.get_xlim() == pytest.approx((-1e-6, 1e-6))


def test_a_scale_bar_has_a_round_length_in_metres() -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["500 nm"]
    (bar,) = ax.get_lines()
    left, right = np.asarray(bar.get_data()[0])
    assert (right - left) * FRAME.size[0] == pytest.approx(500e-9)


@pytest.mark.parametrize(
    ("channel", "scale", "colours"),
    [
        (HEIGHT, 1e-10, "gold"),
        (AMPLITUDE, 1e-12, "viridis"),
        (Channel("current", "A"), 1e-12, "viridis"),
        (PHASE, 0.1, "twilight"),  # from 0 to 3.1 rad
        (PHASE, 0.01, "viridis"),  # from 0 to 0.3 rad: a part of the cycle is no cycle
    ],
)
def test_colours_suit_the_channel(channel: Channel, scale: float, colours: str) -> None:
    assert _shown(plot_image(_ramp(scale), FRAME, channel)).get_cmap().name == colours


def test_a_phase_is_shown_over_its_whole_cycle_in_degrees() -> None:
    ax = plot_image(_ramp(0.1), FRAME, PHASE)
    assert _shown(ax).get_clim() == pytest.approx((-math.pi, math.pi))
    assert _bar(ax).get_ylabel() == "phase (°)"
    assert _ticks(_bar(ax), "y") == ["−180", "−90", "0", "90", "180"]


def test_an_outlier_does_not_flatten_an_image() -> None:
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (20, 20))
    image = _ramp(1e-12, frame)
    image[3, 3] = 1.0
    assert _shown(plot_image(image, frame, AMPLITUDE)).get_clim()[1] < 5e-10


def test_missing_lines_are_grey_and_do_not_move_the_levels() -> None:
    image = _ramp(1e-12)
    image[2:] = np.nan
    ax = plot_image(image, FRAME, AMPLITUDE)
    shown = _shown(ax)
    assert np.ma.getmaskarray(_values(ax))[2:].all()
    assert np.allclose(shown.get_cmap().get_bad()[:3], 0xE4 / 255)
    assert shown.get_clim()[1] <= 15e-12


@pytest.mark.parametrize("size", [(2e-6, 2e-6), (2e-6, 5e-7), (5e-7, 2e-6), (1e-8, 1e-8)])
def test_nothing_is_cut_off_at_the_edge_of_a_picture(size: tuple[float, float]) -> None:
    frame = ScanFrame((0.0, 0.0), size, (8, 4))
    figure = _figure(plot_image(_ramp(0.1), frame, PHASE))  # "−180" is the widest of all ticks
    to_data_uri(figure)
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert 0 <= drawn.x0 < drawn.x1 <= width
    assert 0 <= drawn.y0 < drawn.y1 <= height


@pytest.mark.parametrize("value", [math.nan, 0.0, -3e-9])
def test_an_empty_or_flat_image_can_be_drawn(value: float) -> None:
    ax = plot_image(np.full(FRAME.shape, value), FRAME, HEIGHT)
    low, high = _shown(ax).get_clim()
    assert low < high
    assert to_data_uri(_figure(ax))


def test_an_image_that_does_not_fit_its_frame_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(8, 4\), its frame needs \(4, 8\)"):
        plot_image(np.zeros((8, 4)), FRAME, AMPLITUDE)


def test_a_scan_draws_itself() -> None:
    stack = np.stack([_ramp(1e-12), _ramp(0.1)])
    image = ScanImage(FRAME, (AMPLITUDE, PHASE), stack, -stack, 0.0, 1.0)
    assert image.plot().get_title(loc="left") == "amplitude"
    np.testing.assert_allclose(_values(image.plot("phase", backward=True)), -stack[1])
    with pytest.raises(ValueError, match="no channel 'taste'; it has amplitude, phase"):
        image.plot("taste")


def _spectrum(scale: float = 1e-12) -> Spectrum:
    bias = np.linspace(-8.0, 8.0, 9)
    data = np.stack([bias * scale, bias / 4])
    return Spectrum(3.2e-7, -1.5e-7, bias, (Channel("response", "m"), PHASE), data, 0.0, 1.0)


def test_a_spectrum_draws_itself_with_units_and_place() -> None:
    ax = _spectrum().plot()
    assert ax.get_xlabel() == "bias (V)"
    assert ax.get_ylabel() == "response (pm)"
    assert ax.get_title(loc="left") == "at (320 nm, −150 nm)"
    assert _spectrum().plot("phase").get_ylabel() == "phase (°)"


def test_a_place_is_not_written_finer_than_a_picometre() -> None:
    ax = plot_spectrum(replace(_spectrum(), x=-2.6e-23))
    assert ax.get_title(loc="left") == "at (0 m, −150 nm)"


def test_spectra_that_share_axes_share_their_unit() -> None:
    ax = plot_spectrum(_spectrum(), color="0.5", label="weak")
    plot_spectrum(_spectrum(1e-10), ax=ax, label="strong")
    assert ax.get_ylabel() == "response (pm)"
    plot_spectrum(_spectrum(1e-9), ax=ax)
    assert ax.get_ylabel() == "response (nm)"
    colours = [
        line.get_color() for line in ax.get_lines() if not str(line.get_label()).startswith("_")
    ]
    assert colours[0] == "0.5"


def test_a_spectrum_with_missing_points_can_be_drawn() -> None:
    spectrum = _spectrum()
    spectrum.data[:, 2] = np.nan
    assert to_data_uri(_figure(spectrum.plot()))


@pytest.mark.parametrize("frame", [FRAME, TURNED])
def test_points_land_on_the_pixels_they_were_measured_at(frame: ScanFrame) -> None:
    ax = plot_image(_ramp(1e-12, frame), frame, AMPLITUDE)
    x, y = frame.to_sample([0, 3, 1], [0, 7, 2])
    points = plot_points(ax, x, y, frame)
    # the first pixel's middle lies half a pitch, 0.125 um, from the left and the lower edge
    offsets = np.asarray(points.get_offsets())
    np.testing.assert_allclose(offsets[0], [-0.875e-6, -0.375e-6], atol=1e-12)
    np.testing.assert_allclose(offsets[1], [0.875e-6, 0.375e-6], atol=1e-12)
    assert [text.get_text() for text in ax.texts[1:]] == ["1", "3"]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_points_can_be_drawn_without_an_order(n: int) -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    points = plot_points(ax, np.zeros(n), np.zeros(n), FRAME, order=False)
    assert len(np.asarray(points.get_offsets())) == n
    assert len(ax.texts) == 1  # the scale bar's; no number
    plot_points(ax, np.zeros(n), np.zeros(n), FRAME)


def test_points_may_show_values_and_ring_the_best() -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    points = plot_points(ax, [0.0, 1e-7], [0.0, 0.0], FRAME, values=[1.0, 2.0], highlight=[1, 0])
    assert np.asarray(points.get_array()).tolist() == [1.0, 2.0]
    rings = [c for c in ax.collections if isinstance(c, PathCollection) and c is not points]
    assert [np.asarray(ring.get_offsets())[0, 0] for ring in rings] == [1e-7, 0.0]
    assert [text.get_text() for text in ax.texts[1:]] == ["1", "2"]


def test_a_map_lays_candidates_where_they_stand_on_the_overview() -> None:
    frame = ScanFrame((0.0, 0.0), (10e-6, 10e-6), (10, 10))
    rows = np.array([(line, pixel) for line in (1, 4, 7) for pixel in (2, 4, 6)])
    ax = plot_map(np.arange(9.0), rows, frame, "1", "predicted")
    shown = _shown(ax)
    np.testing.assert_allclose(_values(ax), [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    # pixel 2 has its middle at -2.5 um, and a cell is 2 pixels wide; line 1 at -3.5 um, 3 high
    assert list(shown.get_extent()) == pytest.approx([-3.5e-6, 2.5e-6, -5e-6, 4e-6])
    assert ax.get_xlim() == pytest.approx((-5e-6, 5e-6))
    assert ax.get_title(loc="left") == "predicted"


def test_a_map_shows_the_largest_of_the_candidates_that_share_a_pixel() -> None:
    rows = np.array([(0, 0), (0, 0), (0, 1), (1, 0), (1, 1)])
    values = _values(plot_map(np.array([1.0, 5.0, 2.0, 3.0, np.nan]), rows, FRAME, "V", "area"))
    assert values[0].tolist() == [5.0, 2.0]
    assert np.ma.getmaskarray(values)[1].tolist() == [False, True]


def test_a_map_of_one_candidate_can_be_drawn() -> None:
    ax = plot_map(np.array([1.0]), np.array([[2, 3]]), FRAME, "1", "predicted")
    assert list(_shown(ax).get_extent()) == pytest.approx([-0.25e-6, 0.0, 0.0, 0.25e-6])


def test_the_learning_curve_shows_every_reward_and_the_best_so_far() -> None:
    ax = plot_learning_curve([1.0, 3.0, np.nan, 2.0], unit="V")
    each, best, flagged = ax.get_lines()
    assert np.asarray(each.get_data()).tolist() == [[1, 2, 4], [1.0, 3.0, 2.0]]
    assert np.asarray(best.get_data()[1]).tolist() == [1.0, 3.0, 3.0, 3.0]
    assert np.asarray(flagged.get_data()[0]).tolist() == [3]
    assert ax.get_ylabel() == "reward (V)"


@pytest.mark.parametrize("rewards", [[], [np.nan, np.nan], [0.5]])
def test_a_learning_curve_of_little_can_be_drawn(rewards: list[float]) -> None:
    assert to_data_uri(_figure(plot_learning_curve(rewards)))


def test_a_picture_goes_into_a_page_as_png_or_svg_and_is_the_same_each_time() -> None:
    figure = _figure(plot_learning_curve([1.0, 2.0]))
    kind, data = to_data_uri(figure).split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")
    svg = to_svg(figure)
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    assert svg == to_svg(figure)


def test_own_axes_show_themselves_in_a_notebook_and_leave_no_figure_open() -> None:
    ax = plot_image(_ramp(1e-12), FRAME, AMPLITUDE)
    assert ax._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]  # IPython's hook
    assert pyplot.get_fignums() == []


def test_axes_that_are_handed_in_are_drawn_on_and_returned() -> None:
    axes = Figure().subplots()
    assert plot_image(_ramp(1e-12), FRAME, AMPLITUDE, ax=axes) is axes
    axes = Figure().subplots()
    assert plot_spectrum(_spectrum(), ax=axes) is axes


def test_matplotlib_is_imported_when_something_is_drawn_and_not_before() -> None:
    code = "import sys, spm_auto.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
