"""Quantities as text: exact, symmetric, and refused with an example."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from spm_auto import units
from spm_auto.errors import SpmError, UnitError
from spm_auto.units import Bias, Length, format, parse, quantity

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    value=finite, unit=st.sampled_from(["m", "V", "s", "A", "rad", "Hz", "m/s", "B", "1", "a.u."])
)
@example(value=5e-324, unit="m")
@example(value=1.7976931348623157e308, unit="V")
@example(value=-0.0, unit="A")
@example(value=500 * 1e-9, unit="m")
def test_parse_gives_back_what_format_wrote(value: float, unit: str) -> None:
    assert parse(format(value, unit), unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("500 nm", "m", 5e-07),  # 500 * 1e-9 would be 5.000000000000001e-07
        ("500nm", "m", 5e-07),
        ("0.5 um", "m", 5e-07),
        ("0.5 µm", "m", 5e-07),  # micro sign
        ("0.5 μm", "m", 5e-07),  # Greek mu
        ("  2 m ", "m", 2.0),
        ("1 mm", "m", 1e-3),
        ("-8 V", "V", -8.0),
        ("+8.5 V", "V", 8.5),
        (".5 kV", "V", 500.0),
        ("1e-3 V", "V", 1e-3),
        ("100 pA", "A", 1e-10),
        ("4 ms", "s", 4e-3),
        ("2 min", "s", 120.0),
        ("1 h", "s", 3600.0),
        ("1.5 um/s", "m/s", 1.5e-6),
        ("3 mV/nm", "V/nm", 3e-3),
        ("90 deg", "rad", math.pi / 2),
        ("90°", "rad", math.pi / 2),
        ("250 mrad", "rad", 0.25),
        ("300 kHz", "Hz", 3e5),
        ("0.25", "1", 0.25),
        ("3 a.u.", "a.u.", 3.0),
        ("200 MB", "B", 200e6),
        ("1.5 kB", "B", 1500.0),
        ("64 GB", "B", 64e9),
        ("12 B", "B", 12.0),
    ],
)
def test_a_quantity_is_read_exactly(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("500 nV", "m", "'500 nV' has the unit 'nV'; expected 'm', for example '500 nm'"),
        ("500", "m", "'500' has no unit; expected 'm', for example '500 nm'"),
        ("far away", "m", "'far away' is not a quantity; write for example '500 nm'"),
        ("", "V", "'' is not a quantity; write for example '-8 V'"),
        ("1,5 V", "V", "has the unit ',5 V'; expected 'V'"),
        ("1 2 V", "V", "has the unit '2 V'; expected 'V'"),
        ("5 xm", "m", "has the unit 'xm'"),
        ("5 m/s", "m", "has the unit 'm/s'"),
        ("5 nm/min", "m/s", "has the unit 'nm/min'"),
        ("5 min", "m", "has the unit 'min'"),
        ("5 k", "1", "has the unit 'k'"),
        ("200 mB", "B", "'200 mB' has the unit 'mB'; expected 'B', for example '200 MB'"),
        ("200 MiB", "B", "has the unit 'MiB'"),
        ("200 M", "B", "has the unit 'M'"),
        ("nan V", "V", "is not a quantity"),
        ("inf V", "V", "is not a quantity"),
        ("1e999 V", "V", "too large"),
        ("1e999999 kV", "V", "too large"),
        ("1e99999999999999999999 V", "V", "too large"),
    ],
)
def test_what_is_no_quantity_of_the_unit_is_refused_with_what_is_right(
    text: str, unit: str, said: str
) -> None:
    with pytest.raises(UnitError) as refusal:
        parse(text, unit)
    assert said in str(refusal.value)


@given(text=st.text(max_size=20), unit=st.sampled_from(["m", "V", "m/s", "rad", "1"]))
@example(text="1e99999999999999999999 m", unit="m")
def test_any_text_is_a_finite_number_or_refused_by_name(text: str, unit: str) -> None:
    try:
        value = parse(text, unit)
    except UnitError:
        return
    assert math.isfinite(value)


def test_a_unit_error_is_an_spm_error_and_a_value_error() -> None:
    with pytest.raises(SpmError):
        parse("1 V", "m")
    with pytest.raises(ValueError, match="expected 'm'"):
        parse("1 V", "m")


@pytest.mark.parametrize(
    ("value", "unit", "digits", "text"),
    [
        (5e-7, "m", None, "500 nm"),
        (-8.0, "V", None, "-8 V"),
        (0.0, "V", None, "0 V"),
        (1.5e-6, "m/s", None, "1.5 um/s"),
        (1e-6, "m", None, "1 um"),
        (3e5, "Hz", None, "300 kHz"),
        (0.25, "1", None, "0.25"),
        (2500.0, "a.u.", None, "2500 a.u."),
        (123.456e-9, "m", 3, "123 nm"),
        (999.9996e-9, "m", 3, "1 um"),  # rounding may carry into the next prefix
        (math.nan, "V", None, "nan V"),
        (-math.inf, "V", None, "-inf V"),
    ],
)
def test_a_value_is_written_with_an_engineering_prefix(
    value: float, unit: str, digits: int | None, text: str
) -> None:
    assert format(value, unit, digits) == text


@pytest.mark.parametrize(("value", "number"), [("500 nm", 5e-7), (5e-7, 5e-7), (3, 3.0)])
def test_a_script_may_write_text_or_a_number(value: float | str, number: float) -> None:
    assert quantity(value, "m") == number


class _Frame(BaseModel):
    width: Length
    bias: Bias


def test_a_recipe_must_write_the_unit() -> None:
    assert _Frame.model_validate({"width": "2 um", "bias": "-8 V"}).width == 2e-6
    with pytest.raises(ValidationError, match="2e-06 has no unit; write it as text"):
        _Frame.model_validate({"width": 2e-6, "bias": "-8 V"})
    with pytest.raises(ValidationError, match="expected 'V', for example '-8 V'"):
        _Frame.model_validate({"width": "2 um", "bias": "-8 nm"})


def test_the_schema_of_a_recipe_says_that_a_quantity_is_text() -> None:
    width = _Frame.model_json_schema()["properties"]["width"]
    assert width["type"] == "string"
    assert width["examples"] == ["500 nm"]


def test_the_named_units_are_what_they_say() -> None:
    named = (units.nm, units.um, units.mm, units.mV, units.pA, units.nA, units.ms)
    texts = ("1 nm", "1 um", "1 mm", "1 mV", "1 pA", "1 nA", "1 ms")
    assert named == tuple(parse(text, text[-1]) for text in texts)


@pytest.mark.parametrize("unit", ["1/s", "%/s", "a.u./V"])
def test_what_has_no_prefix_has_none_per_second_either(unit: str) -> None:
    assert units.format(3.2e-4, unit) == f"0.00032 {unit}"
    assert parse(units.format(2000.0, unit), unit) == 2000.0
