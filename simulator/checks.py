"""Checks of settings and instructions that name the quantity, its value and its unit."""

import math

from pydantic import AfterValidator

from spm_auto.errors import LimitExceeded
from spm_auto.units import format


def positive(unit: str) -> AfterValidator:
    """Refuse a quantity that is not above zero."""

    def check(value: float) -> float:
        if not 0 < value < math.inf:
            raise ValueError(f"must be positive, got {format(value, unit)}")
        return value

    return AfterValidator(check)


def not_negative(unit: str) -> AfterValidator:
    """Refuse a quantity below zero."""

    def check(value: float) -> float:
        if not 0 <= value < math.inf:
            raise ValueError(f"must not be negative, got {format(value, unit)}")
        return value

    return AfterValidator(check)


def share() -> AfterValidator:
    """Refuse what is no share between 0 and 1, both included."""

    def check(value: float) -> float:
        if not 0 <= value <= 1:
            raise ValueError(f"must lie between 0 and 1, got {value:g}")
        return value

    return AfterValidator(check)


def within(low: float, high: float, unit: str) -> AfterValidator:
    """Refuse a quantity outside a range, both ends included; infinite ends demand a number."""

    def check(value: float) -> float:
        if not (low <= value <= high and math.isfinite(value)):
            allowed = f"{format(low, unit, 3)} to {format(high, unit, 3)}"
            raise ValueError(f"must lie within {allowed}, got {format(value, unit)}")
        return value

    return AfterValidator(check)


def refuse(quantity: str, asked: float, allowed: tuple[float, float], unit: str) -> None:
    """Refuse what an instruction asks for outside a range, both ends included.

    Raises:
        LimitExceeded: It is outside, or no number.
    """
    if not allowed[0] <= asked <= allowed[1]:
        raise LimitExceeded(quantity, asked, allowed, unit)
