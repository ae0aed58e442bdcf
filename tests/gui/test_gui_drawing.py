"""Drawing: images lie where their frames are, and are seen in colours and units that hold still."""

import math

import numpy as np
import pytest

from spm_auto.analysis import level_plane
from spm_auto.gui.common.drawing import (
    MAPS,
    NM,
    apart,
    length_unit,
    look_up_table,
    outline,
    percentiles,
    placed,
    said,
    shown_unit,
)
from spm_auto.gui.common.scales import round_length
from spm_auto.gui.microscope.levelling import Levelling, levelled
from spm_auto.instrument import ScanFrame

FRAMES = (
    ScanFrame(center=(1e-7, -2e-7), size=(1e-6, 8e-7), pixels=(40, 32), angle=0.2),
    ScanFrame(center=(4e-5, 4e-5), size=(9e-5, 9e-5), pixels=(512, 512), angle=-1.1),
    ScanFrame(center=(3e-9, 1e-9), size=(2e-9, 2e-9), pixels=(512, 512), angle=0.02),  # atoms
)


@pytest.mark.parametrize("frame", FRAMES, ids=("film", "large", "atoms"))
def test_every_pixel_lies_where_the_frame_says(frame: ScanFrame) -> None:
    transform = placed(frame)
    for line, pixel in ((0, 0), (frame.pixels[1] - 1, 0), (3, frame.pixels[0] - 1)):
        x, y = transform.map(pixel + 0.5, line + 0.5)
        right = [float(v) for v in frame.to_sample(line, pixel)]
        assert (x * NM, y * NM) == pytest.approx(right, abs=1e-3 * min(frame.pitch))


def test_qt_can_find_the_pixel_under_the_mouse_of_turned_atoms() -> None:
    back, is_known = placed(FRAMES[2]).inverted()
    assert is_known
    pixel, line = back.map(*(float(v) / NM for v in FRAMES[2].to_sample(100, 400)))
    assert (line, pixel) == pytest.approx((100.5, 400.5), abs=1e-3)


def test_the_edge_of_a_frame_is_closed() -> None:
    x, y = outline(FRAMES[0])
    assert len(x) == 5
    assert (x[0], y[0]) == (x[-1], y[-1])


def test_every_colour_map_has_256_colours_that_cannot_be_seen_through() -> None:
    for name in MAPS:
        table = look_up_table(name)
        assert table.shape == (256, 4)
        assert (table[:, 3] == 255).all()


def test_percentiles_are_of_the_measured_part_and_outlast_a_crash_of_the_tip() -> None:
    image = np.full((512, 512), np.nan)
    assert percentiles(image, 1, 99) is None
    image[:100] = np.random.default_rng(1).normal(size=(100, 512))
    low, high = percentiles(image, 1, 99) or (0.0, 0.0)
    assert (low, high) == pytest.approx((-2.33, 2.33), abs=0.15)
    image[50, 200] = 1e6
    assert percentiles(image, 1, 99) == pytest.approx((low, high), abs=0.05)


def test_the_first_line_alone_has_percentiles_wherever_it_is() -> None:
    image = np.full((512, 512), np.nan)
    image[511] = np.linspace(0, 1, 512)
    assert percentiles(image, 0, 100) == (0.0, 1.0)


def test_levels_of_a_flat_image_differ() -> None:
    low, high = apart(3e-9, 3e-9)
    assert low < 3e-9 < high


def test_units_do_not_flutter_while_numbers_can_be_read() -> None:
    unit = shown_unit("m", 2e-9)
    assert unit.text == "nm"
    assert shown_unit("m", 5e-6, unit) == unit
    assert shown_unit("m", 1e-3, unit).text == "mm"
    assert shown_unit("rad", 1.0).text == "deg"
    assert shown_unit("a.u.", 1e-9).text == "a.u."
    assert shown_unit("1/s", 1e-5).text == "1/s"
    assert length_unit(1e-6).text == "nm"
    assert length_unit(8e-5).text == "um"
    assert length_unit(4e-6, length_unit(1e-6)).text == "nm"


def test_what_is_said_has_a_unit() -> None:
    assert said(1.5e-9, "m") == "1.5 nm"
    assert said(math.pi / 2, "rad") == "90 deg"


def test_scale_bars_are_round() -> None:
    assert round_length(239.0) == 200.0
    assert round_length(1.0) == 1.0
    assert round_length(0.99) == 0.5
    assert round_length(5.5e4) == 5e4


def _slope() -> np.ndarray:
    line, pixel = np.indices((60, 80))
    texture = np.random.default_rng(0).normal(size=(60, 80))
    return 1e-9 * (5 + 0.3 * line - 0.1 * pixel + 0.2 * texture)


@pytest.mark.parametrize("n_lines", [60, 17, 1])
def test_row_7_the_plane_is_the_one_that_analysis_takes_out(n_lines: int) -> None:
    """Row 7: levelling by a plane, on as many lines as there are."""
    image = _slope()
    image[n_lines:] = np.nan
    seen, right = levelled(image, Levelling.PLANE), level_plane(image)
    assert np.isnan(seen[n_lines:]).all()
    assert np.nanmax(np.abs(seen - right)) < 1e-6 * np.nanmax(np.abs(image))


def test_row_7_lines_and_parabolas_are_taken_out_of_each_line() -> None:
    """Row 7: levelling line by line, and by a polynomial for each line."""
    across = np.linspace(-1, 1, 80)
    image = np.add.outer(np.arange(60.0), 3 * across**2 - across)
    image[40:] = np.nan
    image[39, 5:] = np.nan  # a line that is half done
    lines, curves = (levelled(image, how) for how in (Levelling.LINES, Levelling.POLYNOMIAL))
    assert np.allclose(np.nanmedian(lines[:39], axis=1), 0)
    assert np.allclose(curves[:39], 0, atol=1e-9)
    assert abs(np.nanmean(curves[39])) < 1e-9
    assert np.isnan(curves[40:]).all()


def test_row_7_what_was_measured_is_not_touched() -> None:
    """Row 7: levelling is a view only."""
    image = _slope()
    before = image.copy()
    for how in Levelling:
        levelled(image, how)
    assert (image == before).all()
    assert levelled(image, Levelling.NONE) is image
