"""Whatever happens, in whatever order, the tip is safe; and a fault that is planted is found."""

from collections import Counter
from collections.abc import Callable

import pytest
from at_random import GuardedAtRandom, Spy
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from rows import Table

from spm_auto.errors import NotConfirmed
from spm_auto.instrument import Instruction, Vitals, Watchdog, WatchSettings, watchdog
from spm_auto.server import Lease, Terms

QUICK, FULL = 300, 10_000  # steps
FOUND_WITHIN = 20_000  # steps in which a planted fault must have been found
ROWS = {
    "crash": (1, "tip crash"),
    "unreadable": (3, "signal missing"),
    "stale": (3, "signal missing"),
    "feedback": (10, "stuck feedback"),
    "off": (11, "stuck axis"),
    "LimitExceeded": (13, "out of range"),
    "NotOwner": (14, "two clients"),
    "outside": (28, "changed outside"),
    "not confirmed": (29, "withdraw fails"),
}


def run(machine: type[GuardedAtRandom], number: int, runs: int = 10) -> None:
    """Let a machine run some times, the same each time that the number is the same."""
    how = settings(
        max_examples=runs,
        stateful_step_count=50,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(machine), settings=how)  # type: ignore[no-untyped-call]


def counting(**parts: object) -> type[GuardedAtRandom]:
    """Make a machine with counts of its own, and with other parts."""
    own = {"steps": 0, "happened": Counter()}
    return type("Machine", (GuardedAtRandom,), {**own, **parts})


def test_nothing_that_happens_in_any_order_endangers_the_tip(
    row: Table, how_many: Callable[..., int]
) -> None:
    wanted = how_many(QUICK, FULL)
    machine, runs = counting(), 0
    while machine.steps < wanted:
        run(machine, runs)
        runs += 1
    for what, (number, fault) in ROWS.items():
        counted = row(number, fault, "random sequences against the guard")
        for _ in range(machine.happened[what]):
            counted.case(survived=True)
    row(1, "tip crash", "random sequences against the guard").figure(
        f"{machine.steps:,} random steps, 0 violations"
    )
    assert machine.steps >= wanted
    if wanted == FULL:
        assert set(machine.happened) >= set(ROWS), "not everything has happened"


class Forgetful(Watchdog):
    """Withdraws, and then lets everything through."""

    def check(self, instruction: Instruction) -> None:
        pass


class Talking(Watchdog):
    """Sees everything, and does nothing about it."""

    def _act(self, seen: object) -> None:
        pass


class Hopeful(Watchdog):
    """Takes it that the tip is up when it was ordered up."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        order = self.withdrawal.order

        def hope() -> float:
            try:
                return order()
            except NotConfirmed:
                return 0.0

        self.withdrawal.order = hope  # type: ignore[method-assign]


class Shared(Lease):
    """Gives control to everybody who asks."""

    def take(self, who: str) -> str:
        if not self._owner:
            return super().take(who)
        return self._token


def made_of(kind: type[Watchdog]) -> Callable[[GuardedAtRandom, Spy], Watchdog]:
    def make(machine: GuardedAtRandom, spy: Spy) -> Watchdog:
        return kind(spy, machine.clock, WatchSettings())

    return make


PLANTED: dict[str, tuple[dict[str, object], str]] = {
    "a guard that forgets the latch": ({"make_watchdog": made_of(Forgetful)}, "after"),
    "a watchdog that only looks": ({"make_watchdog": made_of(Talking)}, "nothing was done"),
    "a withdrawal that is taken for granted": (
        {"make_watchdog": made_of(Hopeful)},
        "up is not what was said",
    ),
    "a lease that everybody gets": (
        {"make_lease": lambda _, now: Shared(Terms(), now)},
        "has taken what",
    ),
}


def found(machine: type[GuardedAtRandom]) -> str:
    """Return what a machine finds; empty when it finds nothing in time."""
    number = 0
    while machine.steps < FOUND_WITHIN:
        try:
            run(machine, number)
        except AssertionError as error:
            return str(error) or "an assertion"
        number += 1
    return ""


@pytest.mark.parametrize("planted", PLANTED)
def test_a_fault_that_is_planted_is_found(planted: str) -> None:
    parts, said = PLANTED[planted]
    assert said in found(counting(**parts))


def test_a_watchdog_that_takes_no_number_for_a_good_one_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(vitals: Vitals, settings: WatchSettings) -> str:
        return ""

    monkeypatch.setattr(watchdog, "_lacking", nothing)
    said = found(counting())
    assert "something bad was read" in said or "after an alarm" in said
