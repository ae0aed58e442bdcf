"""Rows 14 and 16 at a server: owners who fight, freeze and are killed, and the server itself."""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from rows import Table
from served import LONG, served
from serving import PATIENCE, server_process

from spm_auto.clock import RealClock
from spm_auto.data import (
    CommandEnded,
    CommandGiven,
    JournalReader,
    LeaseChanged,
    Outcome,
    TipWithdrawn,
)
from spm_auto.errors import (
    NotOwner,
    SpmError,
)
from spm_auto.instrument import (
    Load,
    PositionProbe,
)

MOVE = PositionProbe(2e-9, 0.0)

heavy = pytest.mark.chaos
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def one_owner(changes: list[LeaseChanged]) -> bool:
    """Say whether a journal tells of at most one owner at any time."""
    owner = ""
    for change in changes:
        if change.what == "taken":
            if owner:
                return False
            owner = change.who
        elif change.what in ("released", "lost"):
            if owner != change.who:
                return False
            owner = ""
    return True


def test_of_all_who_want_control_at_once_one_has_it(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(14, "two clients", "five at once, with stolen tokens among them")
    n, won = how_many(quick=3, full=20), []
    with served(tmp_path, terms=LONG) as bench:
        keys = [bench.key(f"client-{number}") for number in range(5)]
        for _ in range(n):
            inside = threading.Barrier(len(keys))

            def fight(key: Any, inside: threading.Barrier = inside) -> str:
                inside.wait(PATIENCE)
                try:
                    client = bench.client(key, RealClock(), is_autonomous=False)
                except NotOwner as refusal:
                    return str(refusal)
                client.load(Load())
                client.position_probe(PositionProbe(1e-8, 0.0))
                inside.wait(PATIENCE)
                client.close()
                return "owner"

            def stand(key: Any, fight: Any = fight, inside: threading.Barrier = inside) -> str:
                came: str = fight(key)
                if came != "owner":
                    inside.wait(PATIENCE)
                return came

            with counted.trial():
                with ThreadPoolExecutor(len(keys)) as pool:
                    outcomes = list(pool.map(stand, keys))
                won.append(outcomes.index("owner"))
                assert outcomes.count("owner") == 1
                assert sum("owned by" in each for each in outcomes) == len(keys) - 1
        owner = bench.client(keys[0], RealClock(), is_autonomous=False)
        owner.load(Load())
        stolen = owner._living().token
        thief = bench.client(keys[1], RealClock(), has_control=False)
        thief._living().token = stolen
        with counted.trial(), pytest.raises(SpmError):  # the token of another key's lease
            thief.position_probe(PositionProbe(2e-8, 0.0))
        owner.close()
        with counted.trial(), pytest.raises(NotOwner):  # and of a lease that is over
            thief.position_probe(PositionProbe(2e-8, 0.0))
    changes = bench.events(LeaseChanged)
    counted.case(one_owner(changes))
    counted.figure(f"{len(changes)} changes of the lease, one owner at any time")
    assert len(won) == n


@heavy
@posix
def test_who_was_frozen_for_ten_seconds_comes_back_to_another_owner(
    row: Table, tmp_path: Path
) -> None:
    counted = row(14, "two clients", "the owner's process is frozen for 10 s, then thawed")
    with server_process(tmp_path, hold_after=2.0, withdraw_after=60.0) as bench:
        zombie = bench.hand(bench.key("zombie"), "moves")
        zombie.wait_for("3")
        zombie.process.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        with counted.trial():
            lost = bench.await_event(LeaseChanged, what="lost")
            assert bench.events(TipWithdrawn) == []  # held, and still at the sample
            heir = bench.client(bench.key("heir"), is_autonomous=False)
            heir.position_probe(MOVE)
            while time.monotonic() - frozen < 10.0:
                heir.position_probe(MOVE)
                time.sleep(0.2)
            zombie.process.send_signal(signal.SIGCONT)
            said = zombie.wait_for("NotOwner")
            assert "heir" in said
            given = [r for r in bench.records() if isinstance(r.event, CommandGiven)]
            late = [r for r in given if r.time > lost.time and r.event.who == "zombie"]  # type: ignore[union-attr]
            assert late == []
            assert one_owner(bench.events(LeaseChanged))
        zombie.end()


@heavy
def test_an_owner_who_is_killed_leaves_a_tip_that_is_held_and_then_withdrawn(
    row: Table, tmp_path: Path
) -> None:
    hold, withdraw, kills, at_once = 1.5, 0.5, 30, 3
    counted = row(16, "kill -9", f"who has control of a server, {kills} times")
    rng = random.Random(16)
    delays = [rng.uniform(0.0, 0.6) for _ in range(kills)]

    def kill_some(first: int) -> list[tuple[bool, float]]:
        outcomes = []
        folder = tmp_path / f"{first}"
        with server_process(folder, hold_after=hold, withdraw_after=withdraw) as bench:
            key = bench.key("agent")
            for delay in delays[first::at_once]:
                hand = bench.hand(key, rng.choice(("moves", "scans")))
                hand.wait_for("control")
                time.sleep(delay)
                already = len(bench.records())
                hand.end()
                killed = time.monotonic()
                done = sum(line.isdigit() for line in hand.said)
                kinds: list[type] = []
                while TipWithdrawn not in kinds:
                    assert time.monotonic() - killed < PATIENCE
                    time.sleep(0.02)
                    kinds = [type(r.event) for r in bench.records()[already:]]
                took = time.monotonic() - killed
                records = bench.records()[already:]
                held = next(r for r in records if isinstance(r.event, LeaseChanged))
                up = next(r for r in records if isinstance(r.event, TipWithdrawn))
                ended = bench.events(CommandEnded)
                assert isinstance(held.event, LeaseChanged)
                assert isinstance(up.event, TipWithdrawn)
                outcomes.append(
                    (
                        held.event.what == "lost"
                        and held.time < up.time  # held first, and withdrawn after the lab's time
                        and up.time - held.time == pytest.approx(withdraw, abs=0.2)
                        and (up.event.who, up.event.is_confirmed) == ("server", True)
                        and sum(each.outcome is Outcome.DONE for each in ended) >= done,
                        took,
                    )
                )
        return outcomes

    times = []
    with ThreadPoolExecutor(at_once) as pool:
        for outcomes in pool.map(kill_some, range(at_once)):
            for survived, took in outcomes:
                counted.case(survived)
                times.append(took)
    counted.figure(
        f"owner killed: tip up {min(times):.1f} to {max(times):.1f} s later, "
        f"with terms of {hold:g} and {withdraw:g} s"
    )


@heavy
def test_a_server_that_is_killed_leaves_its_journal_and_the_next_one_withdraws(
    row: Table, tmp_path: Path
) -> None:
    kills, at_once = 30, 3
    counted = row(16, "kill -9", f"the server itself, {kills} times, then started again")
    rng = random.Random(61)
    delays = [rng.uniform(0.0, 0.8) for _ in range(kills)]

    def kill_some(first: int) -> list[tuple[bool, int]]:
        outcomes = []
        folder = tmp_path / f"{first}"
        with server_process(folder, hold_after=60.0, withdraw_after=0.3) as bench:
            key = bench.key("agent")
            for delay in delays[first::at_once]:
                hand = bench.hand(key, "moves")
                hand.wait_for("control")
                time.sleep(delay)
                bench.kill()
                journal = max((folder / "journals").glob("*/server.spmj"))
                said = hand.wait_for("ConnectionLost")  # it is told, and ends by itself
                done = sum(line.isdigit() for line in hand.said)
                hand.end()
                reader = JournalReader(journal)
                records = list(reader.poll())
                ended = [r.event for r in records if isinstance(r.event, CommandEnded)]
                acknowledged = sum(each.outcome is Outcome.DONE for each in ended)
                bench.again()  # knows whose tip it was, and that nobody gave it back
                up = bench.await_event(TipWithdrawn)
                assert isinstance(up.event, TipWithdrawn)
                outcomes.append(
                    (
                        bool(said)
                        and acknowledged >= done
                        and [r.number for r in records] == list(range(len(records)))
                        and (up.event.who, up.event.is_confirmed) == ("server", True),
                        done,
                    )
                )
        return outcomes

    acknowledged = 0
    with ThreadPoolExecutor(at_once) as pool:
        for outcomes in pool.map(kill_some, range(at_once)):
            for survived, done in outcomes:
                counted.case(survived)
                acknowledged += done
    counted.figure(f"server killed: {acknowledged} acknowledged commands, none lost")
