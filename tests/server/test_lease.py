"""Lease: one owner at a time, who gives signs of life; else the tip is held, then withdrawn."""

import pytest

from spm_auto.errors import NotOwner
from spm_auto.server import Due, Lease, Terms

TERMS = Terms(hold_after=5.0, withdraw_after=30.0)


class Now:
    """A time that passes when the test says so."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def lease(now: Now) -> Lease:
    return Lease(TERMS, now)


def test_a_second_one_is_told_whose_it_is(lease: Lease, now: Now) -> None:
    lease.take("alice")
    now.time += 2.0
    with pytest.raises(NotOwner, match=r"owned by 'alice', last seen 2.0 s ago"):
        lease.take("bob")


def test_somebody_of_the_same_name_is_a_second_one_too(lease: Lease) -> None:
    lease.take("alice")
    with pytest.raises(NotOwner):
        lease.take("alice")


def test_signs_of_life_keep_it(lease: Lease, now: Now) -> None:
    token = lease.take("alice")
    for _ in range(100):
        now.time += 4.9
        lease.renew(token)
        assert lease.look() == (Due.NOTHING, "alice")


def test_silence_first_holds_then_withdraws_each_once(lease: Lease, now: Now) -> None:
    lease.take("alice")
    now.time += 5.0
    assert lease.look() == (Due.HOLD, "alice")
    assert lease.look() == (Due.NOTHING, "")
    now.time += 29.9
    assert lease.look() == (Due.NOTHING, "")
    now.time += 0.1
    assert lease.look() == (Due.WITHDRAW, "alice")
    now.time += 1000.0
    assert lease.look() == (Due.NOTHING, "")


def test_a_new_owner_before_the_withdrawal_keeps_the_tip_down(lease: Lease, now: Now) -> None:
    lease.take("alice")
    now.time += 5.0
    lease.look()
    now.time += 20.0
    token = lease.take("bob")
    for _ in range(20):
        now.time += 3.0
        lease.renew(token)
        assert lease.look() == (Due.NOTHING, "bob")


def test_who_comes_back_too_late_is_refused_with_the_old_token(lease: Lease, now: Now) -> None:
    old = lease.take("alice")
    now.time += 6.0
    lease.look()
    with pytest.raises(NotOwner, match="nobody owns it"):
        lease.renew(old)
    lease.take("bob")
    for use in (lease.renew, lease.check, lease.release):
        with pytest.raises(NotOwner, match="owned by 'bob'"):
            use(old)
    assert lease.owner == "bob"


def test_given_back_in_order_nothing_is_due(lease: Lease, now: Now) -> None:
    lease.release(lease.take("alice"))
    now.time += 1e6
    assert lease.look() == (Due.NOTHING, "")
    assert lease.owner == ""


def test_a_token_that_is_no_ascii_is_just_wrong(lease: Lease) -> None:
    lease.take("alice")
    with pytest.raises(NotOwner):
        lease.check("ä" * 32)


def test_no_token_is_valid_while_nobody_owns_it(lease: Lease) -> None:
    with pytest.raises(NotOwner, match="nobody owns it"):
        lease.check("")


def test_the_owner_of_a_revoked_key_is_lost_at_once(lease: Lease) -> None:
    lease.take("alice")
    assert not lease.revoke("bob")
    assert lease.revoke("alice")
    assert lease.look() == (Due.HOLD, "alice")


def test_after_a_server_was_killed_its_owner_counts_as_lost(lease: Lease, now: Now) -> None:
    lease.orphan("alice")
    assert not lease.was_ever_owned
    now.time += 30.0
    assert lease.look() == (Due.WITHDRAW, "alice")
