"""Thousands of instructions that leave the limits: each is refused, and the driver sees none."""

import contextlib
import dataclasses
import re
from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from astray import KINDS, LIMITS, Astray, Dice
from noting import Noting, give
from rows import Table

from spm_auto.errors import InstrumentError, LimitExceeded, Malformed
from spm_auto.instrument import GuardedInstrument, Limits, Permit

QUICK, FULL = 800, 16_000  # all kinds together
UNIT = "setpoint_unit"  # the one that is no limit
ROW = 13, "out of range", "limits fuzz: values, units, types, turned frames, zones, exposure"


def guarded(case: Astray, limits: Limits = LIMITS) -> tuple[GuardedInstrument, Noting]:
    driver = Noting(has_stage=True)
    guard = GuardedInstrument(driver, limits, permit=Permit())
    guard.ledger.replay(case.before)
    driver.at, driver.bias = case.at, case.bias
    return guard, driver


def dice(kind: str, is_bad: bool) -> Dice:
    return Dice(np.random.default_rng([crc32(kind.encode()), is_bad]), is_bad)


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_the_limits_is_refused_by_name_and_never_reaches_the_driver(
    kind: str, row: Table, how_many: Callable[..., int]
) -> None:
    table, drawn = row(*ROW), dice(kind, is_bad=True)
    for _ in range(how_many(QUICK, FULL) // len(KINDS)):
        case = KINDS[kind](drawn)
        guard, driver = guarded(case)
        count = guard.ledger.spectra_since_load
        with table.trial():
            with pytest.raises((LimitExceeded, Malformed)) as refusal:
                give(guard, case.instruction)
            assert re.search(case.said, str(refusal.value)), (case, str(refusal.value))
            assert driver.given == [], case
            assert guard.ledger.spectra_since_load == count, case


@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_just_inside_the_limits_reaches_the_driver_as_it_is(
    kind: str, how_many: Callable[..., int]
) -> None:
    drawn = dice(kind, is_bad=False)
    for _ in range(how_many(QUICK, FULL) // len(KINDS)):
        case = KINDS[kind](drawn)
        guard, driver = guarded(case)
        give(guard, case.instruction)
        assert driver.given == [case.instruction], case


@pytest.mark.parametrize("field", [f for f in dataclasses.fields(Limits) if f.name != UNIT])
def test_a_limit_that_is_missing_would_be_noticed_here(field: dataclasses.Field[object]) -> None:
    limits = dataclasses.replace(LIMITS, **{field.name: field.default})  # type: ignore[arg-type]
    for kind in KINDS:
        drawn = dice(kind, is_bad=True)
        for _ in range(100):
            case = KINDS[kind](drawn)
            guard, driver = guarded(case, limits)
            with contextlib.suppress(LimitExceeded, Malformed, InstrumentError):
                give(guard, case.instruction)
            if driver.given:
                return
    pytest.fail(f"without limits.{field.name} everything is refused all the same")
