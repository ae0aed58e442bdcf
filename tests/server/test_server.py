"""The instrument server: one owner, withdraw always, the lease rule, all of it written down."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served, served

from spm_auto.clock import InstantClock, RealClock
from spm_auto.data import (
    AccessDenied,
    Acknowledged,
    Alarm,
    CommandEnded,
    CommandGiven,
    LeaseChanged,
    Outcome,
    ServerStarted,
    ServerStopped,
    TipWithdrawn,
)
from spm_auto.errors import (
    EmergencyStopped,
    Forbidden,
    InstrumentError,
    LimitExceeded,
    NotAcknowledged,
    NotArmed,
    NotConfirmed,
    NotOwner,
    OutOfStep,
    Stopped,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    InstrumentState,
    Level,
    Load,
    Mode,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.server import Role, Terms
from spm_auto.server.wire import Ask
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.faults import TipCrash, WithdrawalFails

PATIENCE = 10.0  # [s] until a test that hangs fails; none waits that long
FRAME = ScanFrame((0.0, 0.0), (4e-7, 2e-7), (16, 8))
LOOP = BiasWaveform.triangle(8.5, points=64)
HERE = PositionProbe(1e-7, -5e-8)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as bench:
        yield bench


def until(is_so: Any) -> None:
    """Wait until something is so; fail when it takes too long."""
    tick = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if is_so():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come about in time")


class TestOneOwner:
    def test_a_second_client_is_told_whose_it_is(self, bench: Served) -> None:
        bench.client(bench.key("alice"))
        with pytest.raises(NotOwner, match="owned by 'alice'"):
            bench.client(bench.key("bob"))

    def test_given_back_the_next_one_gets_it(self, bench: Served) -> None:
        bench.client(bench.key("alice")).close()
        bob = bench.client(bench.key("bob"))
        bob.load(Load())
        assert bench.server.owner == "bob"

    def test_who_has_no_lease_moves_nothing(self, bench: Served) -> None:
        bench.client(bench.key("alice")).load(Load())
        looker = bench.client(bench.key("bob"), has_control=False)
        before = bench.guard.status()
        with pytest.raises(NotOwner):
            looker.position_probe(HERE)
        assert bench.guard.status() == before
        assert looker.status() == before

    def test_any_number_may_look(self, bench: Served) -> None:
        bench.client(bench.key("alice")).load(Load())
        key = bench.key("eve", Role.OBSERVER, Level.WATCH)
        lookers = [bench.client(key, has_control=False) for _ in range(5)]
        assert {each.status().state for each in lookers} == {InstrumentState.READY}


class TestWhoMayWhat:
    @pytest.mark.parametrize("role", [Role.OBSERVER, Role.SAFETY])
    def test_an_observer_and_a_guardian_may_not_take_control(
        self, bench: Served, role: Role
    ) -> None:
        with pytest.raises(Forbidden, match=role.value):
            bench.client(bench.key("eve", role, Level.WATCH))
        assert bench.server.owner == ""

    def test_an_operator_of_level_1_scans_and_takes_no_spectrum(self, bench: Served) -> None:
        client = bench.client(bench.key("carol", level=Level.SCAN))
        client.load(Load())
        assert len(list(client.scan(Scan(FRAME)))) == 8
        with pytest.raises(Forbidden, match="needs level 2"):
            client.acquire_spectrum(AcquireSpectrum(0.0, 0.0, LOOP))

    def test_an_observer_cannot_let_go_on_or_confirm(self, bench: Served) -> None:
        client = bench.client(bench.key("eve", Role.OBSERVER, Level.WATCH), has_control=False)
        with pytest.raises(Forbidden):
            client.acknowledge()
        with pytest.raises(Forbidden):
            client.confirm(3, 60.0)

    def test_limits_hold_over_the_wire_with_their_values(self, bench: Served) -> None:
        client = bench.client(bench.key("alice"))
        client.load(Load())
        before = bench.guard.status()
        with pytest.raises(LimitExceeded, match="x of 1 m") as caught:
            client.position_probe(PositionProbe(1.0, 0.0))
        assert caught.value.asked == 1.0
        assert bench.guard.status() == before

    def test_in_a_dry_run_nothing_is_sent(self, bench: Served) -> None:
        client = bench.client(bench.key("alice"))
        bench.guard.permit.change(mode=Mode.DRY_RUN)
        with pytest.raises(NotArmed, match="dry run"):
            client.load(Load())
        assert bench.guard.status().state is InstrumentState.EMPTY


class TestWithdraw:
    @pytest.mark.parametrize("role", list(Role))
    def test_every_role_may_without_the_lease(self, bench: Served, role: Role) -> None:
        alice = bench.client(bench.key("alice"))
        alice.load(Load())
        level = Level.SCAN if role is Role.OPERATOR else Level.WATCH
        bench.client(bench.key("eve", role, level), has_control=False).emergency_stop()
        assert bench.guard.status().state is InstrumentState.LATCHED
        with pytest.raises(EmergencyStopped):
            alice.position_probe(HERE)

    def test_it_comes_through_a_scan_whose_lines_nobody_asks_for(self, bench: Served) -> None:
        alice = bench.client(bench.key("alice"))
        alice.load(Load())
        lines = alice.scan(Scan(FRAME))
        next(lines)
        alice.emergency_stop()
        with pytest.raises(EmergencyStopped):
            next(lines)

    def test_it_comes_through_an_instruction_that_takes_for_ever(self, tmp_path: Path) -> None:
        clock = RealClock()
        settings = SimulatorSettings(level=0)
        microscope = settings.open(clock, 1)
        with served(tmp_path, microscope, clock) as bench:
            alice = bench.client(bench.key("alice"), RealClock())
            loading = threading.Thread(target=self._load, args=(alice,))
            loading.start()  # half a minute on this clock
            until(lambda: bench.guard.status().time > 0.05)
            bench.client(bench.key("eve", Role.OBSERVER, Level.WATCH), has_control=False).close()
            alice.emergency_stop()
            loading.join(PATIENCE)
            assert not loading.is_alive()
            assert bench.guard.status().state is InstrumentState.LATCHED

    @staticmethod
    def _load(client: Any) -> None:
        with pytest.raises(EmergencyStopped):
            client.load(Load())

    def test_twice_is_as_good_as_once(self, bench: Served) -> None:
        alice = bench.client(bench.key("alice"))
        alice.load(Load())
        for _ in range(5):
            alice.emergency_stop()
        alice.load(Load())
        assert alice.status().is_engaged

    def test_not_confirmed_is_said_and_written_down(self, tmp_path: Path) -> None:
        clock = InstantClock()
        faults = (WithdrawalFails(action=0, times=None),)
        microscope = SimulatorSettings(level=0, faults=faults).open(clock, 1)
        with served(tmp_path, microscope, clock) as bench:
            alice = bench.client(bench.key("alice"))
            alice.load(Load())
            with pytest.raises(NotConfirmed):
                alice.emergency_stop()
        (withdrawn,) = bench.events(TipWithdrawn)
        assert not withdrawn.is_confirmed
        assert "NOT CONFIRMED" in withdrawn.message


class TestLeaseRule:
    def test_an_owner_who_falls_silent_is_held_then_withdrawn(self, tmp_path: Path) -> None:
        with served(tmp_path, terms=Terms(0.3, 0.3)) as bench:
            alice = bench.client(bench.key("alice"))
            alice.load(Load())
            lines = alice.scan(Scan(FRAME))
            next(lines)
            alice._living().close()  # no more signs of life, as of a process that was frozen
            until(lambda: bench.server.owner == "")
            assert bench.guard.status().is_engaged
            with pytest.raises((NotOwner, Stopped, OutOfStep)):
                next(lines)
            until(lambda: not bench.guard.status().is_engaged)
            with pytest.raises(NotOwner):
                alice.position_probe(HERE)
        changes = [(each.who, each.what) for each in bench.events(LeaseChanged)]
        assert changes == [("alice", "taken"), ("alice", "lost")]
        (withdrawn,) = bench.events(TipWithdrawn)
        assert (withdrawn.who, withdrawn.is_confirmed) == ("server", True)

    def test_a_revoked_key_loses_control_and_is_refused(self, bench: Served) -> None:
        alice = bench.client(bench.key("alice"))
        alice.load(Load())
        bench.keyring.revoke("alice")
        until(lambda: bench.server.owner == "")
        with pytest.raises((Forbidden, NotOwner)):
            alice.position_probe(HERE)

    def test_a_server_that_takes_over_from_a_killed_one_withdraws(self, tmp_path: Path) -> None:
        with served(tmp_path, terms=Terms(60.0, 0.2), orphan="alice") as bench:
            until(lambda: bench.guard.status().state is InstrumentState.LATCHED)


class TestWatchdog:
    def test_a_crash_withdraws_and_even_load_waits_for_a_human(self, tmp_path: Path) -> None:
        clock = InstantClock()
        microscope = SimulatorSettings(level=0, faults=(TipCrash(action=1),)).open(clock, 1)
        with served(tmp_path, microscope, clock) as bench:
            alice = bench.client(bench.key("alice"))
            alice.load(Load())
            with pytest.raises(EmergencyStopped, match="the tip has touched"):
                alice.position_probe(HERE)
            assert not bench.guard.status().is_engaged
            with pytest.raises(NotAcknowledged):
                alice.load(Load())
            until(lambda: alice.ask_for_signs().severity == "withdraw")
            with pytest.raises(Forbidden, match="a human does this, with another key"):
                alice.acknowledge()
            human = bench.client(bench.key("human", level=Level.SCAN), has_control=False)
            assert "the tip has touched" in human.acknowledge()
            alice.load(Load())
            assert alice.status().is_engaged
        assert any(each.cause == "crash" for each in bench.events(Alarm))
        (withdrawn,) = bench.events(TipWithdrawn)
        assert (withdrawn.who, withdrawn.is_confirmed) == ("watchdog", True)
        (seen,) = bench.events(Acknowledged)
        assert seen.who == "human"


class TestJournal:
    def test_every_command_stands_with_who_gave_it_and_what_came_of_it(
        self, tmp_path: Path
    ) -> None:
        with served(tmp_path) as bench:
            alice = bench.client(bench.key("alice"))
            alice.load(Load("film"))
            assert len(list(alice.scan(Scan(FRAME)))) == 8
            left = alice.scan(Scan(FRAME))
            next(left)
            left.close()
            with pytest.raises(LimitExceeded):
                alice.position_probe(PositionProbe(1.0, 0.0))
            alice.close()
        given = [(each.who, type(each.instruction).__name__) for each in bench.events(CommandGiven)]
        assert given == [("alice", name) for name in ("Load", "Scan", "Scan", "PositionProbe")]
        ended = [each.outcome for each in bench.events(CommandEnded)]
        assert ended == [Outcome.DONE, Outcome.DONE, Outcome.STOPPED, Outcome.REFUSED]
        assert bench.events(ServerStarted)[0].instrument == bench.guard.capabilities.name
        assert len(bench.events(ServerStopped)) == 1

    def test_a_second_instruction_beside_the_first_is_refused(self, tmp_path: Path) -> None:
        clock = RealClock()
        microscope = SimulatorSettings(level=0).open(clock, 1)
        with served(tmp_path, microscope, clock) as bench:
            alice = bench.client(bench.key("alice"), RealClock())
            loading = threading.Thread(target=TestWithdraw._load, args=(alice,))
            loading.start()
            until(lambda: bench.events(CommandGiven))
            # as another program would that has the token: the client itself waits its turn
            token, other = alice._living().token, alice._looks
            with pytest.raises(InstrumentError, match="another instruction is still in progress"):
                other.ask(Ask.PERFORM, HERE, token).result()
            alice.emergency_stop()
            loading.join(PATIENCE)

    def test_a_refusal_stands_with_the_name_of_the_key(self, tmp_path: Path) -> None:
        with served(tmp_path) as bench, pytest.raises(Forbidden):
            bench.client(bench.key("eve", Role.OBSERVER, Level.WATCH))
        (denied,) = bench.events(AccessDenied)
        assert denied.who == "eve"


def test_level_3_waits_for_a_humans_word_given_beforehand(tmp_path: Path) -> None:
    clock = InstantClock()
    lab = {"sample": {"kind": "hopg"}, "level": 1}
    microscope = SimulatorSettings.model_validate(lab).open(clock, 1)
    with served(tmp_path, microscope, clock, needs_confirmation=True) as bench:
        agent = bench.client(bench.key("agent"))
        agent.load(Load())
        pulse = ConditionTip(0.0, 0.0, bias=3.0)
        with pytest.raises(Forbidden, match="confirmation"):
            agent.condition_tip(pulse)
        with pytest.raises(Forbidden, match="a human does this, with another key"):
            agent.confirm(1, 60.0)
        human = bench.client(bench.key("human"), has_control=False)
        human.confirm(1, 3600.0)
        agent.condition_tip(pulse)
        with pytest.raises(Forbidden, match="confirmation"):
            agent.condition_tip(pulse)
