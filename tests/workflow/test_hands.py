"""Who ends what is done by hand reaches nothing else, whenever he comes."""

import threading

import pytest

from spm_auto.errors import Interrupted, SpmError
from spm_auto.workflow.hands import Hands

PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long


def nothing() -> None:
    """Note nothing."""


@pytest.fixture
def hands() -> Hands:
    return Hands(threading.Condition())


def test_nothing_is_ended_where_nothing_is_done_by_hand(hands: Hands) -> None:
    with pytest.raises(SpmError, match="nothing is being done by hand"):
        hands.interrupt("Ada", nothing)
    hands.begin()
    hands.end()
    with pytest.raises(SpmError, match="nothing is being done by hand"):
        hands.interrupt("Ada", nothing)
    hands.check()


def test_what_was_ended_is_refused_until_it_is_over(hands: Hands) -> None:
    hands.begin()
    hands.interrupt("Ada", nothing)
    for _ in range(2):
        with pytest.raises(Interrupted, match="interrupted by Ada"):
            hands.check()
    hands.end()
    hands.check()
    hands.begin()
    hands.check()


def test_the_instrument_is_told_until_it_is_over_and_never_after(hands: Hands) -> None:
    told, telling, go_on, over = [], threading.Event(), threading.Event(), threading.Event()

    def tell() -> None:
        told.append(over.is_set())
        telling.set()
        assert go_on.wait(PATIENCE)

    hands.begin()
    hands.interrupt("Ada", nothing)
    teller = threading.Thread(target=hands.insist, args=(tell,))
    teller.start()
    assert telling.wait(PATIENCE)
    ender = threading.Thread(target=lambda: (hands.end(), over.set()))
    ender.start()
    assert not over.wait(0.05)  # it waits for who tells the instrument
    go_on.set()
    teller.join(PATIENCE)
    ender.join(PATIENCE)
    assert over.is_set()
    assert set(told) == {False}


def test_who_comes_when_it_is_over_tells_the_instrument_nothing(hands: Hands) -> None:
    told: list[int] = []
    hands.begin()
    hands.interrupt("Ada", nothing)
    hands.end()
    hands.begin()
    hands.insist(lambda: told.append(1))
    assert not told
