"""Whoever has no key gets no answer, whoever has one may do what it says, and nobody else moves."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from attackers import (
    PATIENCE,
    SILENCE,
    Client,
    Site,
    Tap,
    serving,
    shout,
)

from spm_auto.clock import RealClock
from spm_auto.errors import ConnectionLost
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.server import Place, RemoteInstrument, new_identity
from spm_auto.server.wire import Ask, Request, Said, pack_request, read_answer

DOORS = ("command", "safety", "telemetry")
MOVE = PositionProbe(1e-6, 1e-6)
SPECTRUM = AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(2.0, points=4))
PULSE = ConditionTip(0.0, 0.0, bias=3.0, duration=1e-3)
SCAN = Scan(ScanFrame((0.0, 0.0), (1e-6, 1e-6), (4, 4)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give one server to whom everything bad is said, one after the other."""
    with serving(tmp_path_factory.mktemp("lasting")) as site:
        yield site


@contextlib.contextmanager
def owner(site: Site, name: str = "operator") -> Iterator[tuple[Client, str]]:
    """Give a client that has control, and its token."""
    with contextlib.closing(site.client(name)) as client:
        token = client.done(Ask.TAKE, False)
        yield client, token
        client.ask(Ask.RELEASE, token=token)


# strangers


def stranger(site: Site, how: str, door: str) -> Client:
    kind = zmq.SUB if door == "telemetry" else zmq.DEALER
    match how:
        case "no key":
            return Client(site, None, door, kind=kind)
        case "a key that is not known":
            return Client(site, new_identity("eve"), door, kind=kind)
        case _:  # the key of another server
            other = new_identity("other").public
            return Client(site, site.people["operator"], door, other, kind)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("how", ["no key", "a key that is not known", "the key of another server"])
def test_a_stranger_gets_no_answer_and_is_written_down(site: Site, how: str, door: str) -> None:
    with contextlib.closing(stranger(site, how, door)) as client:
        if door != "telemetry":
            for ask in (Ask.HELLO, Ask.WITHDRAW, Ask.BEAT):
                client.send(*pack_request(Request(1, ask)))
        assert client.receive(SILENCE) is None
    if how == "a key that is not known":
        refusals = [event for event in waited_for(site) if len(event.who) == 40]
        assert refusals[0].message == "a key that is not known"
    else:
        site.denied("somebody", "credentials")
    site.check_unharmed()


def waited_for(site: Site) -> list[Any]:
    """Wait for any refusal."""
    with site.written:
        assert site.written.wait_for(
            lambda: any(type(each.event).__name__ == "AccessDenied" for each in site.records),
            PATIENCE,
        )
        events = [each.event for each in site.records]
    return [event for event in events if type(event).__name__ == "AccessDenied"]


def test_the_same_knock_with_a_known_key_is_answered_at_each_door(site: Site) -> None:
    """Without this, silence proves nothing."""
    site.check_unharmed()
    observer = site.people["observer"]
    with contextlib.closing(Client(site, observer, "telemetry", kind=zmq.SUB)) as client:
        assert client.receive() is not None


@pytest.mark.parametrize("mine", ["mine", "the server's"])
def test_a_client_of_the_library_says_which_key_is_wrong(site: Site, mine: str) -> None:
    place = Place(site.server.addresses["command"], site.identity.public)
    if mine == "mine":
        who, words = new_identity("eve"), "does not know this key"
    else:
        place = Place(place.command, new_identity("other").public)
        who, words = site.people["operator"], "not the server whose key is known|not answer"
    with pytest.raises(ConnectionLost, match=words):
        RemoteInstrument(place, who, RealClock())
    site.check_unharmed()


# revoked


def test_a_revoked_key_is_refused_in_the_session_that_is_open_and_in_a_new_one(
    site: Site,
) -> None:
    client = site.client("scanner")
    token = client.done(Ask.TAKE, False)
    site.keyring.revoke("scanner")
    deadline = time.monotonic() + PATIENCE
    while client.ask(Ask.STATUS).said is Said.DONE:
        assert time.monotonic() < deadline
    assert client.refused(Ask.PERFORM, Load(), token).startswith("Forbidden: this key is not known")
    assert site.denied(site.people["scanner"].public, "not known").who
    with contextlib.closing(site.client("scanner")) as again:
        again.send(*pack_request(Request(1, Ask.HELLO)))
        assert again.receive(SILENCE) is None
    client.close()


def test_an_owner_who_is_revoked_loses_control(site: Site) -> None:
    with contextlib.closing(site.client("scanner")) as client:
        client.done(Ask.TAKE, False)
        site.keyring.revoke("scanner")
        with site.written:
            assert site.written.wait_for(
                lambda: any(getattr(each.event, "what", "") == "lost" for each in site.records),
                PATIENCE,
            )
    assert site.driver.calls == ["interrupt"]
    with owner(site) as (client, token):
        client.done(Ask.PERFORM, Load(), token)


def test_a_revoked_key_hears_no_telemetry_any_more_and_the_others_do(site: Site) -> None:
    revoked = Client(site, site.people["safety"], "telemetry", kind=zmq.SUB)
    other = Client(site, site.people["observer"], "telemetry", kind=zmq.SUB)
    with contextlib.closing(revoked), contextlib.closing(other):
        assert revoked.receive() is not None
        assert other.receive() is not None
        site.keyring.revoke("safety")
        deadline = time.monotonic() + PATIENCE
        while revoked.receive(1000) is not None:  # signs are told five times a second
            assert time.monotonic() < deadline
        while other.receive(0):
            pass  # what waited since
        assert other.receive() is not None


# roles and levels

EVERYTHING_ELSE = [
    (Ask.TAKE, False),
    (Ask.PERFORM, Load()),
    (Ask.PERFORM, MOVE),
    (Ask.PERFORM, PULSE),
    (Ask.LINE, 1),
    (Ask.LEAVE, 1),
    (Ask.RELEASE, None),
    (Ask.CONFIRM, {"count": 1, "seconds": 60.0}),
    (Ask.DURATION, SCAN),
]


@pytest.mark.parametrize("role", ["observer", "safety"])
@pytest.mark.parametrize(("ask", "value"), EVERYTHING_ELSE)
def test_who_is_no_operator_takes_and_moves_nothing_even_with_the_token_of_one(
    lasting: Site, role: str, ask: Ask, value: Any
) -> None:
    with (
        owner(lasting) as (_, token),
        contextlib.closing(lasting.client(role)) as client,
    ):
        assert client.refused(ask, value).startswith("Forbidden: ")
        assert client.refused(ask, value, token).startswith("Forbidden: ")
        lasting.denied(role, "it may not")
    lasting.check_unharmed()


def test_an_observer_neither_interrupts_nor_acknowledges(site: Site) -> None:
    with contextlib.closing(site.client("observer", "safety")) as client:
        assert client.refused(Ask.INTERRUPT).startswith("NotOwner")
        assert client.refused(Ask.ACKNOWLEDGE).startswith("Forbidden")
        site.denied("observer", "this lease is not valid")
        site.denied("observer", "it may not")
    site.check_unharmed()


@pytest.mark.parametrize("name", ["observer", "safety", "scanner", "operator"])
def test_everybody_with_a_key_may_withdraw_without_control(site: Site, name: str) -> None:
    with (
        owner(site) as _,
        contextlib.closing(site.client(name, "safety")) as client,
    ):
        client.done(Ask.WITHDRAW)
    assert site.driver.calls == ["emergency stop"]


@pytest.mark.parametrize("instruction", [SPECTRUM, PULSE])
def test_an_instruction_above_the_level_of_a_key_is_refused(
    lasting: Site, instruction: Any
) -> None:
    with owner(lasting, "scanner") as (client, token):
        said = client.refused(Ask.PERFORM, instruction, token)
        assert said.startswith("Forbidden: ")
        assert "needs level" in said
        lasting.denied("scanner", "needs level")
    lasting.check_unharmed()


def test_a_key_of_less_than_level_three_confirms_nothing(lasting: Site) -> None:
    with contextlib.closing(lasting.client("scanner")) as client:
        said = client.refused(Ask.CONFIRM, {"count": 1, "seconds": 60.0})
        assert said.startswith("Forbidden: ")
    lasting.check_unharmed()


def test_an_operator_does_not_act_with_the_token_of_another_one(lasting: Site) -> None:
    with (
        owner(lasting) as (_, token),
        contextlib.closing(lasting.client("scanner")) as client,
    ):
        assert client.refused(Ask.PERFORM, Load(), token).startswith("NotOwner")
        assert client.refused(Ask.RELEASE, None, token).startswith("NotOwner")
        with contextlib.closing(lasting.client("scanner", "safety")) as beats:
            assert beats.refused(Ask.BEAT, token=token).startswith("NotOwner")
            assert beats.refused(Ask.INTERRUPT, token=token).startswith("NotOwner")
    lasting.check_unharmed()


# replays and stale tokens


def test_bytes_of_a_good_session_that_are_sent_again_do_nothing(site: Site) -> None:
    for door in ("command", "safety"):
        tap = Tap(site.port(door))
        with contextlib.closing(tap):
            place = f"tcp://127.0.0.1:{tap.port}"
            addresses = {**site.server.addresses, door: place}
            with contextlib.closing(Via(site, addresses, door)) as client:
                if door == "command":
                    token = client.done(Ask.TAKE, False)
                    client.done(Ask.PERFORM, MOVE, token)
                    client.done(Ask.RELEASE, None, token)
                else:
                    client.done(Ask.WITHDRAW)
        before = list(site.driver.calls)
        assert len(b"".join(tap.heard)) > 500
        shout(site.port(door), tap.heard, within=PATIENCE)
        shout(site.port(door), [b"".join(tap.heard)], within=PATIENCE)
        with contextlib.closing(site.client("observer")) as client:
            client.done(Ask.STATUS)
        assert site.driver.calls == before
        site.denied("somebody", "credentials")


class Via(Client):
    """A client that takes another way to a door."""

    def __init__(self, site: Site, addresses: dict[str, str], door: str) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        who = site.people["operator"]
        self.socket.set_string(zmq.CURVE_PUBLICKEY, who.public)
        self.socket.set_string(zmq.CURVE_SECRETKEY, who.secret)
        self.socket.set_string(zmq.CURVE_SERVERKEY, site.identity.public)
        self.socket.connect(addresses[door])
        self.number = 0


def test_a_request_whose_number_was_there_before_is_not_carried_out_again(site: Site) -> None:
    with owner(site) as (client, token):
        client.done(Ask.PERFORM, MOVE, token)
        assert site.driver.calls == ["position probe"]
        for number in (client.number, client.number - 1, 0, -5):
            message = pack_request(Request(number, Ask.PERFORM, MOVE, token))
            client.send(*message)
            frames = client.receive()
            assert frames is not None
            assert read_answer(frames).value[0] == "OutOfStep"
        site.denied("operator", "came after request")
        client.number += 1
    assert site.driver.calls == ["position probe"]


def test_a_token_of_before_is_worth_nothing_after(site: Site) -> None:
    with owner(site) as (_, stale):
        pass
    with (
        owner(site, "scanner") as _,
        contextlib.closing(site.client("operator")) as client,
    ):
        for token in (stale, "", "0" * 32, stale[:-1], "é" * 16):
            assert client.refused(Ask.PERFORM, MOVE, token).startswith("NotOwner")
        with contextlib.closing(site.client("operator", "safety")) as heart:
            assert heart.refused(Ask.BEAT, token=stale).startswith("NotOwner")
            assert heart.refused(Ask.INTERRUPT, token=stale).startswith("NotOwner")
    site.denied("operator", "this lease is not valid any more")
    site.check_unharmed()
