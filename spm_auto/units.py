"""Quantities as text: ``parse("500 nm", unit="m")`` and ``format(5e-7, "m")``.

Inside spm_auto every number is an SI float. Text with units exists in recipes, in lab files, in the
window and as a convenience in scripts; it is turned here, exactly: "500 nm" is 5e-07 and not
500 * 1e-9, which would be 5.000000000000001e-07.
"""

import contextlib
import math
import re
from decimal import Decimal, DecimalException
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from .errors import UnitError

nm, um, mm = 1e-9, 1e-6, 1e-3  # [m]
mV = 1e-3  # noqa: N816  [V]
pA, nA = 1e-12, 1e-9  # noqa: N816  [A]
ms = 1e-3  # [s]

_EXPONENTS = {
    "q": -30, "r": -27, "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9,
    "u": -6, "µ": -6, "μ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_ENGINEERING = {
    e: p for p, e in _EXPONENTS.items() if e % 3 == 0 and p not in ("µ", "μ")
}  # one ASCII prefix per exponent
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_LONGEST = 400  # characters of a quantity; no float that is written out needs more
_OTHER_NAMES = {"s": {"min": 60.0, "h": 3600.0}, "rad": {"deg": math.pi / 180, "°": math.pi / 180}}
_WITHOUT_PREFIX = {"1", "%", "a.u."}
_LEAST_EXPONENT = {"B": 0}  # there is no thousandth of a byte


def parse(text: str, unit: str) -> float:
    """Turn a quantity written as text into an SI float.

    Args:
        text: A number and a unit, such as "500 nm", "-8 V", "1.5 um/s" or "30 deg".
        unit: The SI unit expected, such as "m", "V" or "m/s"; "1" for a plain number.

    Returns:
        The value in ``unit``, rounded once (the prefix shifts the decimal exponent).

    Raises:
        UnitError: The text is no number with a unit, or its unit is another one.
    """
    if len(text) > _LONGEST:
        raise UnitError(f"a text of {len(text)} characters is not a quantity")
    match = _NUMBER.match(text)
    if match is None:
        raise UnitError(f"{text!r} is not a quantity; write for example {_example(unit)!r}")
    number, written = match.groups()
    if unit in _WITHOUT_PREFIX and written in ("", unit):
        return _shifted(number, 0, text)
    if written in _OTHER_NAMES.get(unit, {}):
        return _shifted(number, 0, text) * _OTHER_NAMES[unit][written]
    prefix = written.removesuffix(unit) if written.endswith(unit) else None
    if "/" in unit and "/" in written:  # "nm/s" for "m/s": the prefix stands before the first unit
        head, tail = unit.split("/", 1)
        own, rest = written.split("/", 1)
        prefix = own.removesuffix(head) if rest == tail and own.endswith(head) else None
    exponent = _EXPONENTS.get(prefix) if prefix is not None else None
    if (
        exponent is None
        or (prefix and unit in _WITHOUT_PREFIX)
        or exponent < _LEAST_EXPONENT.get(unit, -30)
    ):
        said = f"the unit {written!r}" if written else "no unit"
        raise UnitError(f"{text!r} has {said}; expected {unit!r}, for example {_example(unit)!r}")
    return _shifted(number, exponent, text)


def format(value: float, unit: str, digits: int | None = None) -> str:
    """Write an SI float as text with an engineering prefix.

    Args:
        value: The value in ``unit``.
        unit: The SI unit; see `takes_prefix`.
        digits: Significant digits; without it as many as `parse` needs to give ``value`` back.

    Returns:
        Text such as "500 nm"; "nan V" and "inf V" for what is no number.
    """
    if not math.isfinite(value):
        return f"{value} {unit}"
    number = Decimal(repr(float(value))) if digits is None else Decimal(f"{value:.{digits - 1}e}")
    exponent = 0
    if number and takes_prefix(unit):
        least = _LEAST_EXPONENT.get(unit, -30)
        exponent = min(max(3 * (number.adjusted() // 3), least), 18)
    shifted = number.scaleb(-exponent).normalize()
    text = f"{shifted:f}" if -6 <= shifted.adjusted() <= 15 else f"{shifted:e}"
    return text if unit == "1" else f"{text} {_ENGINEERING[exponent]}{unit}"


def takes_prefix(unit: str) -> bool:
    """Whether a unit can carry a prefix: not "1", "%" and "a.u.", nor what begins so, as "1/s"."""
    return unit.split("/", 1)[0] not in _WITHOUT_PREFIX


def format_duration(seconds: float) -> str:
    """Write a time for people: "4 min 12 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def quantity(value: float | str, unit: str) -> float:
    """Accept what a script may write for a quantity: an SI float, or text with a unit.

    Raises:
        UnitError: The text does not fit the unit.
    """
    return parse(value, unit) if isinstance(value, str) else float(value)


def _from_text(unit: str) -> Any:
    def validate(value: object) -> float:
        if isinstance(value, str):
            return parse(value, unit)
        raise ValueError(f"{value!r} has no unit; write it as text, for example {_example(unit)!r}")

    return BeforeValidator(validate)


def _schema(unit: str) -> Any:
    return WithJsonSchema(
        {"type": "string", "description": f"a quantity in {unit}", "examples": [_example(unit)]}
    )


def _from_any_text(units: tuple[str, ...]) -> Any:
    def validate(value: object) -> tuple[float, str]:
        if isinstance(value, str):
            for unit in units:
                with contextlib.suppress(UnitError):
                    return parse(value, unit), unit
        examples = ", ".join(repr(_example(unit)) for unit in units)
        raise ValueError(f"{value!r} is no quantity for this; write one such as {examples}")

    return BeforeValidator(validate)


def _example(unit: str) -> str:
    examples = {
        "m": "500 nm", "V": "-8 V", "s": "4 ms", "A": "100 pA", "rad": "30 deg", "B": "200 MB",
        "N": "5 nN",
    }  # fmt: skip
    return examples.get(unit, "1" if unit == "1" else f"1 {unit}")


def _shifted(number: str, exponent: int, text: str) -> float:
    try:
        value = float(Decimal(number).scaleb(exponent))
    except DecimalException:  # an exponent of more than 18 digits, or one that left its range
        value = math.inf
    if not math.isfinite(value):
        raise UnitError(f"{text!r} is too large to be a quantity")
    return value


Length = Annotated[float, _from_text("m"), _schema("m")]
Speed = Annotated[float, _from_text("m/s"), _schema("m/s")]
Bias = Annotated[float, _from_text("V"), _schema("V")]
Current = Annotated[float, _from_text("A"), _schema("A")]
Duration = Annotated[float, _from_text("s"), _schema("s")]
Frequency = Annotated[float, _from_text("Hz"), _schema("Hz")]
Angle = Annotated[float, _from_text("rad"), _schema("rad")]
PiezoCoefficient = Annotated[float, _from_text("m/V"), _schema("m/V")]
Force = Annotated[float, _from_text("N"), _schema("N")]
Stiffness = Annotated[float, _from_text("N/m"), _schema("N/m")]
Modulus = Annotated[float, _from_text("Pa"), _schema("Pa")]
SurfaceEnergy = Annotated[float, _from_text("J/m2"), _schema("J/m2")]
Viscosity = Annotated[float, _from_text("Pa s"), _schema("Pa s")]
Conductivity = Annotated[float, _from_text("S/m"), _schema("S/m")]
Temperature = Annotated[float, _from_text("K"), _schema("K")]
MagneticField = Annotated[float, _from_text("T"), _schema("T")]
Resistance = Annotated[float, _from_text("Ohm"), _schema("Ohm")]
Capacitance = Annotated[float, _from_text("F"), _schema("F")]
LengthNoise = Annotated[float, _from_text("m/rtHz"), _schema("m/rtHz")]
DataSize = Annotated[float, _from_text("B"), _schema("B")]
VoltageNoise = Annotated[float, _from_text("V/rtHz"), _schema("V/rtHz")]
SlewRate = Annotated[float, _from_text("V/s"), _schema("V/s")]
BiasTime = Annotated[float, _from_text("V s"), _schema("V s")]
Gain = Annotated[float, _from_text("1/s"), _schema("1/s")]
Threshold = Annotated[  # of what shows that a tip has touched: its value, and its unit
    tuple[float, str],
    _from_any_text(("A", "N", "m", "V")),
    WithJsonSchema({"type": "string", "description": "a current, a force, a length or a voltage"}),
]
Setpoint = Annotated[  # of a z loop: its value, and its unit
    tuple[float, str],
    _from_any_text(("A", "N", "m")),
    WithJsonSchema({"type": "string", "description": "a current, a force or a length"}),
]
