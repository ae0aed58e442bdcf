"""ScanFrame: pixels, frame and sample agree, whatever the rotation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_auto.errors import UnitError
from spm_auto.instrument import FloatArray, ScanFrame

_lengths = st.floats(1e-8, 1e-4)
_coordinates = st.floats(-1e-5, 1e-5)
_angles = st.floats(-7.0, 7.0)
frames = st.builds(
    ScanFrame,
    center=st.tuples(_coordinates, _coordinates),
    size=st.tuples(_lengths, _lengths),
    pixels=st.tuples(st.integers(2, 1024), st.integers(2, 1024)),
    angle=_angles,
)
# positions carry the rounding of the centre: 1e-5 m * 2e-16 is 2e-21 m, a frame is 1e-8 m or more
RESOLUTION = 1e-19  # [m]


@given(frame=frames, line=st.floats(-10, 1100), pixel=st.floats(-10, 1100))
def test_pixels_to_sample_and_back_is_the_identity(
    frame: ScanFrame, line: float, pixel: float
) -> None:
    back = frame.to_pixel(*frame.to_sample(line, pixel))
    assert back[0] == pytest.approx(line, abs=1e-6)
    assert back[1] == pytest.approx(pixel, abs=1e-6)


@given(frame=frames, x=_coordinates, y=_coordinates)
def test_sample_to_frame_and_back_is_the_identity(frame: ScanFrame, x: float, y: float) -> None:
    back = frame.from_frame(*frame.to_frame(x, y))
    assert back[0] == pytest.approx(x, abs=RESOLUTION)
    assert back[1] == pytest.approx(y, abs=RESOLUTION)


@given(frame=frames, x=_coordinates, y=_coordinates)
def test_turning_a_frame_keeps_distances(frame: ScanFrame, x: float, y: float) -> None:
    u, v = frame.to_frame(x, y)
    away = math.hypot(x - frame.center[0], y - frame.center[1])
    assert math.hypot(u, v) == pytest.approx(away, rel=1e-9, abs=RESOLUTION)


@given(frame=frames)
def test_the_corners_are_the_outer_edges_of_the_corner_pixels(frame: ScanFrame) -> None:
    lines, pixels = frame.shape
    edges = ([-0.5, -0.5, lines - 0.5, lines - 0.5], [-0.5, pixels - 0.5, pixels - 0.5, -0.5])
    for corners, outer in zip(frame.corners(), frame.to_sample(*edges), strict=True):
        np.testing.assert_allclose(corners, outer, rtol=0, atol=RESOLUTION)


@given(frame=frames)
def test_a_frame_contains_its_corners_and_its_pixels_and_nothing_beyond(frame: ScanFrame) -> None:
    assert frame.contains(*frame.corners()).all()
    assert frame.contains(*frame.line_positions(frame.shape[0] - 1)).all()
    u, v = frame.size[0] / 2 * 1.01, frame.size[1] / 2 * 1.01
    assert not frame.contains(*frame.from_frame([u, -u, 0, 0], [0, 0, v, -v])).any()


@given(frame=frames, line=st.integers(0, 1023))
def test_a_line_of_positions_is_that_line_of_all_positions(frame: ScanFrame, line: int) -> None:
    small = ScanFrame(frame.center, frame.size, (frame.pixels[0] % 32 + 2, 16), frame.angle)
    for one, every in zip(small.line_positions(line % 16), small.positions(), strict=True):
        np.testing.assert_array_equal(one, every[line % 16])


def test_line_0_is_the_lower_edge_and_pixel_0_the_left_edge() -> None:
    frame = ScanFrame(center=(10.0, 20.0), size=(8.0, 4.0), pixels=(8, 2))
    x, y = frame.positions()
    assert x.shape == y.shape == frame.shape == (2, 8)
    np.testing.assert_allclose(x[0], [6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5])
    np.testing.assert_allclose(y[:, 0], [19.0, 21.0])
    assert frame.pitch == (1.0, 2.0)


def test_the_corners_run_counter_clockwise_from_the_lower_left() -> None:
    x, y = ScanFrame(center=(1.0, 2.0), size=(2.0, 4.0)).corners()
    assert x.tolist() == [0.0, 2.0, 2.0, 0.0]
    assert y.tolist() == [0.0, 0.0, 4.0, 4.0]


def test_an_angle_turns_the_fast_axis_counter_clockwise() -> None:
    frame = ScanFrame(center=(0.0, 0.0), size=(2.0, 2.0), pixels=(2, 2), angle=math.pi / 2)
    x, y = frame.from_frame([1.0, 0.0], [0.0, 1.0])
    np.testing.assert_allclose([x[0], y[0]], [0.0, 1.0], atol=1e-15)  # fast axis now points up
    np.testing.assert_allclose([x[1], y[1]], [-1.0, 0.0], atol=1e-15)  # slow axis to the left


def _bump(x: FloatArray, y: FloatArray, at: tuple[float, float]) -> FloatArray:
    return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 0.3**2))


@pytest.mark.parametrize(
    ("angle", "line", "pixel"),
    [
        # the bump lies at (3, 1) in a frame of 8 x 4 about the origin, half a unit per pixel
        (0.0, 5.5, 13.5),
        # turned by 90 degrees the frame sees it at u = 1, v = -3: beyond its lower edge
        (90.0, -2.5, 9.5),
        # at 30 degrees: u = 3 cos + 1 sin = 3.098, v = 1 cos - 3 sin = -0.634
        (30.0, 2.2320508, 13.6961524),
    ],
)
def test_a_thing_on_the_sample_is_seen_where_the_turned_frame_must_see_it(
    angle: float, line: float, pixel: float
) -> None:
    frame = ScanFrame((0.0, 0.0), (8.0, 4.0), (16, 8), math.radians(angle))
    seen = frame.to_pixel(3.0, 1.0)
    assert seen[0] == pytest.approx(line, abs=1e-6)
    assert seen[1] == pytest.approx(pixel, abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0])
def test_an_asymmetric_sample_is_imaged_the_right_way_round(angle: float) -> None:
    # three spots make an L: any flip, transposition or turn the wrong way moves one of them
    spots = {"corner": (0.0, 0.0), "long arm": (3.0, 0.0), "short arm": (0.0, 1.5)}
    frame = ScanFrame((0.0, 0.0), (12.0, 8.0), (120, 80), math.radians(angle))
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    for spot in spots.values():
        image = _bump(*frame.positions(), at=spot)
        line, pixel = np.unravel_index(int(image.argmax()), frame.shape)
        u, v = cos * spot[0] + sin * spot[1], cos * spot[1] - sin * spot[0]
        assert pixel == pytest.approx(u / 0.1 + 59.5, abs=0.51)
        assert line == pytest.approx(v / 0.1 + 39.5, abs=0.51)


def test_pixel_0_of_a_line_is_left_in_both_directions() -> None:
    # forward and backward lines are stored by position: the same positions hold for both
    frame = ScanFrame((0.0, 0.0), (4.0, 2.0), (4, 2))
    x, _ = frame.line_positions(0)
    assert x[0] == -1.5
    assert (np.diff(x) > 0).all()


def test_a_frame_is_written_as_text_with_units() -> None:
    frame = ScanFrame.of(("10 nm", 0.0), ("2 um", "500 nm"), (64, 32), "30 deg")
    assert frame == ScanFrame((1e-8, 0.0), (2e-6, 5e-7), (64, 32), math.pi / 6)
    with pytest.raises(UnitError, match="expected 'm'"):
        ScanFrame.of(("0 V", "0 nm"), ("1 um", "1 um"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": (0.0, 1.0)}, "size must be positive"),
        ({"size": (1.0, -1.0)}, "size must be positive"),
        ({"size": (math.inf, 1.0)}, "size must be finite"),
        ({"center": (math.nan, 0.0)}, "center must be finite"),
        ({"angle": math.nan}, "angle must be finite"),
        ({"pixels": (1, 8)}, "2 pixels each way"),
        ({"pixels": (8.5, 8)}, "whole numbers"),
    ],
)
def test_a_frame_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    values: dict[str, object] = {"center": (0.0, 0.0), "size": (1.0, 1.0), "pixels": (8, 8)}
    with pytest.raises(ValueError, match=said):
        ScanFrame(**(values | change))  # type: ignore[arg-type]  # the point of the test


def test_a_fraction_of_a_pixel_is_refused_and_not_cut_off() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        ScanFrame.of((0.0, 0.0), (1.0, 1.0), (8.5, 8))  # type: ignore[arg-type]
