"""`spm-auto serve`, and what a person does about a server: look, withdraw, acknowledge, confirm."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt import Command

from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped, NotAcknowledged, NotArmed
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, PositionProbe
from spm_auto.serve import Serving, serve
from spm_auto.server import Place, RemoteInstrument, read_identity

LAB = """
schema_version = 1
laboratory = "night"

[instrument]
kind = "simulator"
level = 0

[clock]
kind = "instant"

[limits]
x = ["-1 um", "1 um"]

[limits.exposure]
radius = "50 nm"
spectra = 2

[server]
ports = {ports}
"""
PORTS = (25761, 25762, 25763)
PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long
LOOP = BiasWaveform.triangle(8.5, points=64)

Client = Callable[[], RemoteInstrument]


class Night:
    """A served laboratory at the home of somebody who has a key."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder / "servers"
        self.lab = folder / "lab.toml"
        self.lab.write_text(LAB.format(ports=list(PORTS)), "utf-8")
        self.clients: list[RemoteInstrument] = []

    def serving(self, **more: object) -> Serving:
        announce = self.home / "server.json"
        return Serving(self.home, self.folder, announce, **more)  # type: ignore[arg-type]

    def start(self, *overrides: str, **more: object) -> Callable[[], None]:
        """Serve in a thread; returns what ends it."""
        ending, announce = threading.Event(), self.home / "server.json"
        announce.unlink(missing_ok=True)
        thread = threading.Thread(
            target=serve, args=(self.lab, overrides, self.serving(**more), ending)
        )
        thread.start()
        for _ in range(int(PATIENCE / 0.02)):
            if announce.exists() or not thread.is_alive():
                break
            ending.wait(0.02)

        def end() -> None:
            while self.clients:
                self.clients.pop().close()
            ending.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()

        return end

    def client(self, name: str = "alice") -> RemoteInstrument:
        said = json.loads((self.home / "server.json").read_text("utf-8"))
        identity = read_identity(self.home / "keys" / f"{name}.key_secret")
        place = Place(said["command"], said["public"])
        client = RemoteInstrument(place, identity, InstantClock(), is_autonomous=False)
        self.clients.append(client)
        return client


@pytest.fixture
def night(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    night = Night(tmp_path)
    monkeypatch.setenv("SPM_AUTO_HOME", str(night.home))
    assert command("keys", "new", "alice", "--role", "operator", "--level", "3")[0] == 0
    return night


@pytest.fixture
def served(night: Night) -> Iterator[Night]:
    end = night.start()
    yield night
    end()


def test_it_says_how_the_instrument_is_and_who_has_control(command: Command, served: Night) -> None:
    client = served.client()
    client.load(Load())
    code, out, _ = command("look", "--json")
    said = json.loads(out[out.index("{") :])  # before it is what the server said
    assert code == 0
    assert (said["laboratory"], said["owner"]) == ("night", "alice")
    assert (said["state"], said["tip"]) == ("ready", "at the sample")
    assert said["watchdog"] == "all is well"


def test_withdraw_needs_no_lease(command: Command, served: Night) -> None:
    client = served.client()
    client.load(Load())
    code, out, _ = command("withdraw")
    assert (code, "the tip is withdrawn" in out) == (0, True)
    with pytest.raises(EmergencyStopped):
        client.position_probe(PositionProbe(0.0, 0.0))


def test_what_the_watchdog_stopped_goes_on_only_when_acknowledged(
    command: Command, night: Night
) -> None:
    end = night.start("instrument.faults=[{kind='tip_crash', action=1}]")
    client = night.client()
    client.load(Load())
    with pytest.raises(EmergencyStopped):
        client.position_probe(PositionProbe(0.0, 0.0))
    with pytest.raises(NotAcknowledged):
        client.load(Load())
    assert "the tip has touched" in command("look")[1]
    assert "acknowledged: the tip has touched" in command("acknowledge")[1]
    client.load(Load())
    assert "nothing to acknowledge" in command("acknowledge")[1]
    end()


def test_in_a_dry_run_nothing_is_sent(night: Night) -> None:
    end = night.start(is_dry_run=True)
    with pytest.raises(NotArmed):
        night.client().load(Load())
    end()


def test_confirmed_pulses_are_counted(command: Command, served: Night) -> None:
    code, out, _ = command("confirm", "3", "--hours", "2")
    assert (code, "confirmed: 3 pulses or pokes within 2 h" in out) == (0, True)
    code, _, err = command("confirm", "0")
    assert (code, "1 to 1000" in err) == (1, True)


def test_what_the_sample_has_borne_is_known_to_the_next_server(night: Night) -> None:
    spectrum = AcquireSpectrum(0.0, 0.0, LOOP)
    end = night.start()
    client = night.client()
    client.load(Load("film"))
    client.acquire_spectrum(spectrum)
    end()
    end = night.start()
    client = night.client()
    client.load(Load("film"))
    client.acquire_spectrum(spectrum)
    with pytest.raises(Exception, match="spectra within"):
        client.acquire_spectrum(spectrum)
    end()


def test_the_journal_of_a_server_is_shown_line_by_line(command: Command, night: Night) -> None:
    end = night.start()
    client = night.client()
    client.load(Load("film"))
    client.close()
    assert command("withdraw")[0] == 0
    end()
    journal = night.folder / "00001" / "server.spmj"
    _, out, _ = command("show", journal)
    lines = [line.split()[3:] for line in out.splitlines() if "+00:00" in line or "  " in line]
    said = [" ".join(words) for words in lines]
    assert any(words.startswith("alice 1: Load(sample='film')") for words in said)
    assert any("taken alice" in words for words in said)
    assert any("confirmed after" in words and "asked for" in words for words in said)
    whole = json.loads(command("show", journal, "--json")[1])
    kinds = ["started", "lease taken", "command", "done", "lease released", "withdrawn", "stopped"]
    assert [each["what"] for each in whole] == kinds


def test_without_a_server_it_is_one_clear_line(command: Command, night: Night) -> None:
    code, _, err = command("withdraw")
    assert (code, err.count("\n")) == (1, 1)
    assert "no server has said where it listens" in err


def test_a_server_that_is_gone_is_not_confirmed(command: Command, night: Night) -> None:
    night.start()()
    code, _, err = command("withdraw")
    assert code == 1
    assert "nobody listens" in err


def test_a_port_that_is_taken_is_one_clear_line(command: Command, served: Night) -> None:
    code, _, err = command("serve", str(served.lab), "--announce", str(served.lab) + ".json")
    assert (code, "is not free" in err) == (1, True)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("ports", "[1, 1, 2]", "ports must differ"),
        ("hold_after", "'0 s'", "input should be greater than 0"),
        ("hold_after", "5", "5 has no unit"),
        ("withdraw", "'1 s'", "unknown key; did you mean 'withdraw_after'?"),
    ],
)
def test_a_wrong_table_is_refused_by_key(
    command: Command, night: Night, key: str, value: str, why: str
) -> None:
    code, _, err = command("serve", str(night.lab), "--set", f"server.{key}={value}")
    assert code == 1
    assert f"lab.toml: server.{key}: {why}" in err or (key == "ports" and why in err)


def test_who_shall_be_told_can_be_tried(command: Command, night: Night, tmp_path: Path) -> None:
    code, _, err = command("notify", night.lab)
    assert (code, "names nobody to tell" in err) == (1, True)
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"
    with night.lab.open("a", encoding="utf-8") as lab:
        lab.write(f"[notify]\ncommand = {json.dumps([sys.executable, '-c', program])}\n")
    code, out, _ = command("notify", night.lab)
    assert (code, "it was taken" in out) == (0, True)
    assert json.loads(told.read_text("utf-8"))["cause"] == "test"


def test_who_cannot_be_told_is_said(command: Command, night: Night) -> None:
    with night.lab.open("a", encoding="utf-8") as lab:
        lab.write('[notify]\ncommand = ["spm-auto-no-such-program"]\n')
    code, _, err = command("notify", night.lab)
    assert (code, "it did not arrive" in err) == (1, True)
