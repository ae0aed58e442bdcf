"""Nanosurf's wire: framing, Lua both ways, and measurement files."""

import contextlib
import math
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from spm_auto.simulator.servers.nanosurf.measurement_writer import write_measurement
from spm_auto.wire.nanosurf import (
    FUNCTION,
    IMAGE,
    SPECTROSCOPY,
    Assign,
    Call,
    LuaError,
    Measurement,
    Return,
    Segment,
    Signal,
    encode,
    error_reply,
    length_of,
    read_measurements,
    read_reply,
    read_script,
    read_value,
    write_reply,
    write_value,
)
from spm_auto.wire.nanosurf import Path as TreePath

SCALARS = (
    some.none()
    | some.booleans()
    | some.integers(-(2**53), 2**53)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=20)
)
NAMES = some.text(min_size=1, max_size=8)
TABLES = some.recursive(
    SCALARS,
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(NAMES, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@given(TABLES)
def test_what_is_written_as_lua_is_read_again(value: object) -> None:
    assert read_value(write_value(value)) == value  # type: ignore[arg-type]


@given(some.text(max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    with contextlib.suppress(LuaError):
        read_script(text)


def test_a_text_goes_out_behind_its_length_lowest_byte_first() -> None:
    assert encode("µm") == b"\x03\x00\x00\x00\xc2\xb5m"
    assert length_of(b"\x03\x01\x00\x00") == 259


def test_a_message_longer_than_anything_ever_said_is_refused() -> None:
    with pytest.raises(ValueError, match="is the longest"):
        length_of(b"HTTP")


def test_the_forms_of_the_official_client_are_understood() -> None:
    rate = TreePath(("root", "workflow", "imaging", "line_rate", "value_set"))
    assert read_script("return root.workflow.imaging.line_rate.value_set(1e-1)") == (
        Return((Call(rate, (0.1,)),)),
    )
    assert read_script("root.a.b=-5; return 0") == (
        Assign(TreePath(("root", "a", "b")), -5),
        Return((0,)),
    )
    (call,) = read_script("root.session.select('91-01-000',1)")
    assert call == Call(TreePath(("root", "session", "select")), ("91-01-000", 1))


@pytest.mark.parametrize(
    "text",
    [
        "os.execute('x')",
        "return root.a..b",
        "return function() os.exit() end",
        "x=1",
        "return {",
        "'",
    ],
)
def test_what_is_not_of_these_forms_is_refused(text: str) -> None:
    with pytest.raises(LuaError):
        read_script(text)


def test_tables_too_deep_are_refused() -> None:
    with pytest.raises(LuaError, match="more than 64 tables"):
        read_value("{" * 100 + "}" * 100)


def test_replies_say_whether_it_went_well() -> None:
    good = read_reply(write_reply([7, {"message": "done"}]))
    assert (good.is_error, good.values) == (False, (7, {"message": "done"}))
    bad = read_reply(error_reply('no "x"'))
    assert (bad.is_error, bad.value) == (True, 'no "x"')
    assert read_reply("{0,{}}").value is None


@pytest.mark.parametrize("text", ["", "{0,{", "17", "{2,{1}}", "{true,{1}}", "garbage"])
def test_what_is_no_reply_is_refused(text: str) -> None:
    with pytest.raises(LuaError):
        read_reply(text)


def test_numbers_that_lua_writes_are_read_and_those_it_cannot_are_not_written() -> None:
    assert read_value("{0x10,.5,-1e-9,math.huge,[[a\nb]]}") == [16, 0.5, -1e-9, math.inf, "a\nb"]
    value = read_value("-nan(ind)")
    assert isinstance(value, float)
    assert math.isnan(value)
    assert read_value("{f=function() end}") == {"f": FUNCTION}
    with pytest.raises(ValueError, match="cannot be told"):
        write_value(math.inf)


@pytest.mark.parametrize("version", [1, 2])
def test_an_image_comes_out_of_its_file_as_it_was(version: int, tmp_path: Path) -> None:
    height = np.arange(12.0) * 1e-9
    segments = tuple(Segment(n, (Signal("Topography", "m", height),)) for n in ("Forward",))
    written = Measurement(
        "Image 1", IMAGE, (3, 4), (2e-6, 1e-6), (1e-7, -2e-7), 30.0, segments, lines=3
    )
    write_measurement(tmp_path / "a.nhf", written, version)
    with h5py.File(tmp_path / "a.nhf") as file:
        (read,) = read_measurements(file)
    assert (read.shape, read.size, read.center) == ((3, 4), (2e-6, 1e-6), (1e-7, -2e-7))
    assert (read.kind, read.rotation, read.lines) == (IMAGE, 30.0, 3)
    np.testing.assert_allclose(
        read.image("Forward", "Topography"), height.reshape(3, 4), atol=2e-17
    )


@pytest.mark.parametrize("version", [1, 2])
def test_a_spectrum_comes_out_in_order_with_its_blocks(version: int, tmp_path: Path) -> None:
    segments = tuple(
        Segment(f"step {i}", (Signal("Tip Voltage", "V", np.array([i, i + 0.5])),), (2,))
        for i in range(12)
    )
    written = Measurement(
        "Spec", SPECTROSCOPY, (1, 1), (0.0, 0.0), (0.0, 0.0), 0.0, segments, lines=1
    )
    write_measurement(tmp_path / "a.nhf", written, version)
    with h5py.File(tmp_path / "a.nhf") as file:
        (read,) = read_measurements(file)
    assert read.kind == SPECTROSCOPY
    assert [s.name for s in read.segments] == [f"step {i}" for i in range(12)]
    assert all(s.blocks == (2,) for s in read.segments)
    np.testing.assert_allclose(read.segments[11].signals[0].values, [11, 11.5], atol=1e-8)
