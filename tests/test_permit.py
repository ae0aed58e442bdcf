"""Permit: who may do how much, what a human has to say yes to, and whether anything is sent."""

import math
from typing import Any

import pytest

from spm_auto.errors import Forbidden, NotArmed
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Level,
    Load,
    Mode,
    Permit,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    level_of,
)

PULSE = ConditionTip(0.0, 0.0, bias=2.0)
ALL: tuple[Instruction, ...] = (
    Load(),
    Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (4, 4))),
    PositionProbe(0.0, 0.0),
    AcquireSpectrum(0.0, 0.0, BiasWaveform((0.1,))),
    AcquireForceCurve(0.0, 0.0),
    SetFeedback(bias=0.1),
    PULSE,
)


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def permit(time: Time) -> Permit:
    return Permit(needs_confirmation=True, now=time)


def test_without_a_word_everything_is_allowed_and_armed() -> None:
    permit = Permit()
    for instruction in ALL:
        permit.check(instruction)
        assert permit.use(instruction) == ""
    assert not permit.is_autonomous


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("instruction", ALL, ids=lambda i: type(i).__name__)
def test_what_needs_more_than_there_is_is_forbidden(instruction: Instruction, level: Level) -> None:
    permit = Permit(level)
    needed = level_of(instruction)
    if needed <= level:
        permit.check(instruction)
        return
    with pytest.raises(Forbidden) as refusal:
        permit.check(instruction)
    assert str(refusal.value) == (
        f"{type(instruction).__name__} needs level {int(needed)} ({needed.name.lower()}), "
        f"and level {int(level)} ({level.name.lower()}) is what there is"
    )
    with pytest.raises(Forbidden):
        permit.check_level(instruction)


def test_a_dry_run_allows_and_sends_nothing() -> None:
    permit = Permit(Level.SPECTROSCOPY, mode=Mode.DRY_RUN)
    for instruction in ALL[:-1]:
        permit.check_allowed(instruction)
        with pytest.raises(NotArmed, match=f"{type(instruction).__name__} is allowed, but this is"):
            permit.check(instruction)
    with pytest.raises(Forbidden):
        permit.check(PULSE)
    permit.change(mode=Mode.ARMED)
    permit.check(ALL[0])


def test_what_may_hurt_the_tip_needs_a_human_who_has_said_yes(permit: Permit) -> None:
    for instruction in ALL[:-1]:
        permit.check(instruction)
    permit.check_level(PULSE)
    for refuse in (permit.check, permit.check_allowed, permit.use):
        with pytest.raises(Forbidden, match="confirmation of a human, given beforehand; 0 are"):
            refuse(PULSE)


def test_a_confirmation_is_used_up_one_by_one(permit: Permit, time: Time) -> None:
    permit.confirm("ada", 2, time.now + 60.0)
    assert permit.confirmed == 2
    permit.check(PULSE)
    permit.check(PULSE)  # asking uses nothing up
    assert permit.use(PULSE) == "ada"
    assert permit.use(ALL[0]) == ""
    assert permit.confirmed == 1
    assert permit.use(PULSE) == "ada"
    with pytest.raises(Forbidden, match="0 are left"):
        permit.check(PULSE)


def test_a_confirmation_ends_at_its_time(permit: Permit, time: Time) -> None:
    permit.confirm("ada", 5, time.now + 60.0)
    time.now += 59.9
    permit.check(PULSE)
    time.now += 0.1
    assert permit.confirmed == 0
    with pytest.raises(Forbidden):
        permit.check(PULSE)


def test_of_several_confirmations_the_one_that_ends_first_is_used_first(
    permit: Permit, time: Time
) -> None:
    permit.confirm("late", 1, time.now + 100.0)
    permit.confirm("soon", 1, time.now + 10.0)
    assert permit.use(PULSE) == "soon"
    assert permit.use(PULSE) == "late"


def test_confirmations_can_be_taken_back(permit: Permit, time: Time) -> None:
    permit.confirm("ada", 5, time.now + 60.0)
    permit.retract()
    assert permit.confirmed == 0


def test_a_confirmation_is_no_higher_level(time: Time) -> None:
    permit = Permit(Level.SPECTROSCOPY, needs_confirmation=True, now=time)
    permit.confirm("ada", 1, time.now + 60.0)
    with pytest.raises(Forbidden, match="needs level 3"):
        permit.check(PULSE)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"who": "  "}, "say who"),
        ({"count": 0}, "1 to 1000 instructions, got 0"),
        ({"count": 1001}, "1 to 1000 instructions"),
        ({"count": True}, "1 to 1000 instructions, got True"),
        ({"until": 1000.0}, "0 to 86400 s from now, got 0 s"),
        ({"until": math.nan}, "0 to 86400 s from now"),
        ({"until": math.inf}, "0 to 86400 s from now"),
        ({"until": 1000.0 + 86401}, "0 to 86400 s from now"),
    ],
)
def test_a_confirmation_of_nobody_or_of_everything_is_refused(
    permit: Permit, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        permit.confirm(**{"who": "ada", "count": 1, "until": 1060.0, **wrong})
    assert permit.confirmed == 0


def test_what_is_changed_holds_from_then_on_and_the_rest_stays() -> None:
    permit = Permit()
    permit.change(Level.SCAN, is_autonomous=True)
    assert (permit.level, permit.is_autonomous, permit.mode) == (Level.SCAN, True, Mode.ARMED)
    permit.change(mode=Mode.DRY_RUN)
    assert (permit.level, permit.is_autonomous, permit.mode) == (Level.SCAN, True, Mode.DRY_RUN)
    permit.change(is_autonomous=False)
    assert not permit.is_autonomous
