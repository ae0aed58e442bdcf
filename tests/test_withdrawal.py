"""Withdrawal: every way up is tried, nothing is called up that is not, and many share one."""

import threading

import pytest
from felt import Felt

from spm_auto.errors import ConnectionLost, NotConfirmed
from spm_auto.instrument import Withdrawal

LOST = ConnectionLost("the wire is cut")
STUCK = NotConfirmed("z controller has status 6 after 10 s")


class Ticking:
    """A time that goes on by a tenth of a second each time that somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def test_a_withdrawal_that_works_is_ordered_once_and_says_how_long_it_took() -> None:
    microscope = Felt(has_last_resort=True)
    assert Withdrawal(microscope, Ticking()).order() == pytest.approx(0.1)
    assert microscope.calls == ["emergency stop"]


@pytest.mark.parametrize(
    "error", [LOST, STUCK, OSError("no route to host"), TypeError("a fault of the driver")]
)
def test_whatever_the_first_try_raises_a_second_one_follows(error: Exception) -> None:
    microscope = Felt()
    microscope.stopping = [error]
    Withdrawal(microscope).order()
    assert microscope.calls == ["emergency stop"] * 2


def test_the_last_resort_is_taken_after_three_tries_and_its_word_is_taken() -> None:
    microscope = Felt(has_last_resort=True)
    microscope.stopping = [LOST, STUCK, LOST]
    Withdrawal(microscope).order()
    assert microscope.calls == ["emergency stop"] * 3 + ["last resort"]


def test_what_nothing_confirms_is_told_loudly_with_every_try() -> None:
    microscope = Felt(has_last_resort=True)
    microscope.stopping, microscope.resort = [LOST, STUCK, LOST], OSError("motor controller is off")
    with pytest.raises(NotConfirmed) as caught:
        Withdrawal(microscope).order()
    assert str(caught.value) == (
        "the tip was ordered up, which is NOT confirmed; try 1: the wire is cut; try 2: z "
        "controller has status 6 after 10 s; try 3: the wire is cut; last resort: motor "
        "controller is off"
    )


def test_without_an_alternate_path_none_is_tried() -> None:
    microscope = Felt()
    microscope.stopping = [LOST] * 9
    with pytest.raises(NotConfirmed):
        Withdrawal(microscope).order()
    assert microscope.calls == ["emergency stop"] * 3


class Slow(Felt):
    """Takes so long to withdraw until a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def emergency_stop(self) -> None:
        self.begun.set()
        assert self.go_on.wait(10)
        super().emergency_stop()


@pytest.mark.parametrize("works", [True, False])
def test_who_comes_while_it_is_under_way_shares_it_and_is_told_the_same(works: bool) -> None:
    microscope = Slow()
    microscope.stopping = [] if works else [LOST] * 3
    arrived, told = threading.Semaphore(0), []

    def now() -> float:
        arrived.release()
        return 0.0

    withdrawal = Withdrawal(microscope, now)

    def order() -> None:
        try:
            withdrawal.order()
        except NotConfirmed as error:
            told.append(str(error))
        else:
            told.append("up")

    threads = [threading.Thread(target=order) for _ in range(9)]
    threads[0].start()
    assert microscope.begun.wait(10)
    assert withdrawal.is_under_way
    for thread in threads[1:]:
        thread.start()
    for _ in threads:  # all have found that it is under way before it may end
        assert arrived.acquire(timeout=10)
    microscope.go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(microscope.calls) == (1 if works else 3)
    assert len(told) == 9
    assert len(set(told)) == 1
    assert told[0] == "up" or "NOT confirmed; try 1: the wire is cut" in told[0]
    assert not withdrawal.is_under_way


def test_who_comes_later_orders_anew() -> None:
    microscope = Felt()
    withdrawal = Withdrawal(microscope)
    withdrawal.order()
    microscope.stopping = [STUCK] * 3
    with pytest.raises(NotConfirmed):
        withdrawal.order()
    withdrawal.order()
    assert len(microscope.calls) == 5


def test_a_withdrawal_that_is_broken_off_counts_as_not_confirmed_and_can_be_ordered_again() -> None:
    microscope = Felt()
    microscope.stopping = [KeyboardInterrupt()]  # type: ignore[list-item]
    withdrawal = Withdrawal(microscope)
    with pytest.raises(KeyboardInterrupt):
        withdrawal.order()
    assert not withdrawal.is_under_way
    withdrawal.order()


def test_a_try_that_took_long_is_followed_by_the_last_resort_at_once() -> None:
    microscope = Felt(has_last_resort=True)
    microscope.stopping = [STUCK] * 3
    times = iter((0.0, 5.1, 5.2))
    assert Withdrawal(microscope, lambda: next(times)).order() == 5.2
    assert microscope.calls == ["emergency stop", "last resort"]


def test_the_hard_way_takes_the_last_resort_first_and_latches() -> None:
    microscope = Felt(has_last_resort=True)
    Withdrawal(microscope).order_hard()
    assert microscope.calls == ["last resort", "emergency stop"]
    without = Felt()
    Withdrawal(without).order_hard()
    assert without.calls == ["emergency stop"]


def test_the_hard_way_is_confirmed_by_either_path_and_not_by_none() -> None:
    microscope = Felt(has_last_resort=True)
    microscope.resort = OSError("motor controller is off")
    Withdrawal(microscope).order_hard()
    microscope.resort, microscope.stopping = None, [LOST, LOST, LOST]
    Withdrawal(microscope).order_hard()
    microscope.resort, microscope.stopping = OSError("motor is off"), [LOST, LOST, LOST]
    with pytest.raises(NotConfirmed, match=r"NOT confirmed; .*; at first: motor is off"):
        Withdrawal(microscope).order_hard()


def test_the_hard_way_waits_for_no_withdrawal_that_hangs() -> None:
    microscope, hanging, go_on = Felt(has_last_resort=True), threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert go_on.wait(20.0)

    microscope.emergency_stop = hang  # type: ignore[method-assign]
    withdrawal = Withdrawal(microscope)
    first = threading.Thread(target=withdrawal.order)
    first.start()
    assert hanging.wait(20.0)
    withdrawal.order_hard()
    assert microscope.calls == ["last resort"]
    go_on.set()
    first.join(20.0)
