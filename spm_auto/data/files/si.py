"""Units as files write them, turned into SI."""

import re

from ...errors import UnitError
from ...instrument import FloatArray
from ...units import parse

UNCALIBRATED = "a.u."

_BASES = (
    "m", "V", "A", "Hz", "rad", "s", "N", "K", "C", "F", "W", "Ohm", "S", "T", "Pa", "J", "eV",
    "m/V", "A/V", "V/A", "m/s", "N/m", "V/m", "A/m", "m/A", "Hz/V",
)  # fmt: skip
_UNKNOWN = {"", "generic", "arb. units", "arb.units", "arb", "a.u", "none", "unknown", "?"}
_NAMED = re.compile(r"(.*?)\s*\(([^()]*)\)\s*$")


def factor(unit: str, base: str) -> float | None:
    """Return what one of a unit is in an SI unit; None where it is something else."""
    try:
        return parse(f"1 {unit}", base)
    except UnitError:
        return None


def in_si(values: FloatArray, unit: str) -> tuple[FloatArray, str]:
    """Turn values into SI; what no SI unit is stays as it is, under the name that it has.

    Returns:
        The values, and their unit; "a.u." where the file names none.
    """
    unit = unit.strip()
    unit = {"°": "deg", "degree": "deg", "degrees": "deg", "Ω": "Ohm"}.get(unit, unit)
    for base in _BASES:
        times = factor(unit, base)
        if times is not None:
            return values if times == 1.0 else values * times, base
    return values, UNCALIBRATED if unit.lower() in _UNKNOWN else unit


def split_name(text: str) -> tuple[str, str]:
    """Split ``Current (A)`` into name and unit; the unit is empty where there is none."""
    match = _NAMED.match(text.strip())
    return (match[1], match[2]) if match else (text.strip(), "")
