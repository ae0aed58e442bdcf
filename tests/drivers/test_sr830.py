"""The SR830: its commands, the emulated one, and the driver that measures dI/dV with it."""

import contextlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from marked import MarkedMicroscope
from red_panda_lab import Script, lab

from spm_auto.clock import InstantClock
from spm_auto.drivers.sr830 import LockIn, LockInSettings
from spm_auto.drivers.transport import Patience, TcpLink, open_serial
from spm_auto.errors import ConnectionLost, InstrumentError, NoReply, OutOfStep, RecipeError
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, PositionProbe, QualityFlag
from spm_auto.lab import read_lab
from spm_auto.settings import validate
from spm_auto.simulator.servers import Server, WireFault
from spm_auto.simulator.servers.sr830 import Amplifier, Sr830EmulatorSettings, Wiring
from spm_auto.wire import sr830 as wire

SWEEP = BiasWaveform.sweep(-0.5, 0.5, 5)
MODULATION = 5e-3
FULL = MODULATION * 100e6 * 1e-9  # X of a junction of 1 nS [V]


@contextmanager
def served(**settings: object) -> Iterator[Server]:
    clock = InstantClock()
    table = {"kind": "sr830", **settings}
    server = validate(Sr830EmulatorSettings, table, "emulator").start(
        MarkedMicroscope(clock), clock
    )
    try:
        yield server
    finally:
        server.close()


@contextmanager
def lock_in(server: Server, **settings: object) -> Iterator[LockIn]:
    table = {**server.address, "pause": "0 s", "reply_timeout": "300 ms", **settings}
    it = LockIn(validate(LockInSettings, table, "lock_in"))
    try:
        yield it
    finally:
        it.close()


def settled(server: Server) -> None:
    server.station.clock.wait(10.0)


def test_blanks_are_optional_and_several_commands_stand_on_a_line() -> None:
    requests = wire.parse_requests("FREQ1.23450e+03;OUTP?1;SNAP? 1,2; AUXV1,-0.5;")
    assert [(r.word, r.is_query, r.values) for r in requests if r] == [
        ("FREQ", False, (1234.5,)),
        ("OUTP", True, (1.0,)),
        ("SNAP", True, (1.0, 2.0)),
        ("AUXV", False, (1.0, -0.5)),
    ]
    assert wire.parse_requests("freq 1") == [None]
    assert wire.parse_requests("FREQ one") == [None]


def test_steps_are_those_of_the_manual() -> None:
    assert len(wire.SENSITIVITIES) == 27
    assert len(wire.TIME_CONSTANTS) == 20
    assert wire.index_of(500e-9, wire.SENSITIVITIES, "sensitivity", "V") == 7
    assert wire.index_of(0.1, wire.TIME_CONSTANTS, "time constant", "s") == 8
    with pytest.raises(ValueError, match=r"no time constant of 0.02 s; near it 0.01, 0.03 s"):
        wire.index_of(0.02, wire.TIME_CONSTANTS, "time constant", "s")


def amplifier(slope: float = 1e-9) -> tuple[Amplifier, InstantClock]:
    clock = InstantClock()
    it = Amplifier(lambda: slope, clock, Wiring())
    it.answer("SLVL 0.5;OFLT 6")
    clock.wait(10.0)
    return it, clock


def test_the_output_follows_as_its_filter_lets_it() -> None:
    it, clock = amplifier()
    assert float(it.answer("OUTP? 1")[0][1]) == pytest.approx(FULL)
    it._slope = lambda: 2e-9
    clock.wait(0.01)  # one time constant of two poles
    share = 1 - 2 * math.exp(-1)
    assert float(it.answer("OUTP? 1")[0][1]) == pytest.approx(FULL * (1 + share), rel=1e-4)
    clock.wait(0.5)
    assert float(it.answer("OUTP? 1")[0][1]) == pytest.approx(2 * FULL)


def test_an_output_at_its_end_is_said_once() -> None:
    it, _ = amplifier()
    assert it.answer("SENS 11;SENS?") == [("SENS", "11")]  # 10 uV
    assert float(it.answer("OUTP? 3")[0][1]) == pytest.approx(10.9e-6)
    assert it.answer("LIAS?") == [("LIAS", "4")]
    it.answer("SENS 26")
    it.answer("LIAS?")
    assert it.answer("LIAS?") == [("LIAS", "0")]


def test_the_phase_turns_the_signal_and_auto_phase_turns_it_back() -> None:
    it, clock = amplifier()
    it.answer("PHAS 90")
    clock.wait(10.0)
    x, y = map(float, it.answer("SNAP?1,2")[0][1].split(","))
    assert (x, y) == (pytest.approx(0.0, abs=1e-9), pytest.approx(-FULL))
    it.answer("APHS")
    assert float(it.answer("OUTP?1")[0][1]) == pytest.approx(FULL)


def test_what_it_does_not_know_or_cannot_do_is_not_done() -> None:
    it, _ = amplifier()
    assert it.answer("OFLT 20;BLAH 1;SNAP? 1;OUTP? 9") == []
    assert it.answer("OFLT?") == [("OFLT", "6")]
    assert it.answer("*ESR?") != [("*ESR", "0")]
    assert it.answer("*IDN?")[0][1].startswith("Stanford_Research_Systems,SR830")


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_either_end_mark_ends_a_command_and_answers_end_with_a_return(end: bytes) -> None:
    with served() as server:
        link = TcpLink("127.0.0.1", int(server.address["port"].rsplit(":", 1)[1]))
        link.send(b"FREQ1.5e3" + end + b"FREQ?" + end, Patience(1.0))
        assert link.receive_until(b"\r", Patience(5.0)) == b"1500\r"
        link.close()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_over_a_pseudo_terminal_it_is_a_serial_port() -> None:
    with served(pseudo_terminal=True) as server:
        link = open_serial(server.address["port"], 19200)
        link.send(b"*IDN?\r", Patience(1.0))
        assert b"SR830" in link.receive_until(b"\r", Patience(5.0))
        link.close()


def test_the_driver_sets_it_reads_it_back_and_measures_the_slope() -> None:
    with served() as server, lock_in(server, time_constant="30 ms", slope=24) as it:
        it.ready()
        settled(server)
        seen = it.read()
        assert seen.in_phase == pytest.approx(1e-9, rel=1e-3)
        assert seen.quadrature == pytest.approx(0.0, abs=1e-15)
        assert not seen.is_overloaded
        assert it.settings.wait == pytest.approx(0.15)


def test_an_overload_is_said_with_the_value() -> None:
    with served() as server, lock_in(server, sensitivity="100 uV") as it:
        it.ready()
        settled(server)
        assert it.read().is_overloaded


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"time_constant": "20 ms"}, "no time constant"),
        ({"sensitivity": "3 mV"}, "no sensitivity"),
        ({"slope": 20}, "slope must be one of"),
        ({"modulation": "100 mV"}, "the range of the sine"),
        ({"settling": 3.0}, "greater than or equal to 5"),
    ],
)
def test_a_setting_that_it_does_not_have_is_refused(table: dict[str, object], why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        validate(LockInSettings, {"port": "loop://", **table}, "lock_in")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("split", None),
        ("late", None),
        ("silent", NoReply),
        ("doubled", OutOfStep),
        ("truncated", NoReply),
        ("garbage", (NoReply, OutOfStep)),
        ("stale", OutOfStep),
        ("closed", ConnectionLost),
        ("unplugged", ConnectionLost),
        ("half_open", NoReply),
    ],
)
def test_whatever_goes_wrong_on_its_wire_gives_an_error_and_then_right_values(
    fault: str, error: type[InstrumentError] | None
) -> None:
    with served() as server, lock_in(server) as it:
        it.ready()
        settled(server)
        server.faults.arm(WireFault.model_validate({"kind": fault, "on": "SNAP", "delay": "20 ms"}))
        if error is None:
            assert it.read().in_phase == pytest.approx(1e-9, rel=1e-3)
        else:
            with pytest.raises(error):
                it.read()
        server.faults.arm()
        assert it.read().in_phase == pytest.approx(1e-9, rel=1e-3)


def test_somebody_else_at_the_line_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Script((b"\rOUTX 0\r*IDN?\r", b"Stanford_Research_Systems,SR850,s/n1,ver1\r"))
    monkeypatch.setattr("spm_auto.drivers.sr830.lock_in.open_serial", lambda *_, **__: link)
    with pytest.raises((OutOfStep, AssertionError)):
        LockIn(LockInSettings(port="x", pause="0 s")).ready()


def test_a_red_panda_takes_spectra_of_the_slope_with_it() -> None:
    with lab(controller={"lock_in": {"kind": "sr830"}}) as it:
        assert [c.name for c in it.driver.capabilities.spectrum_channels] == ["current", "didv"]
        instruction = AcquireSpectrum(2e-8, 1e-8, SWEEP)
        estimate, start = it.driver.duration(instruction), it.driver.status().time
        spectrum = it.driver.acquire_spectrum(instruction)
        assert it.driver.status().time - start == pytest.approx(estimate, rel=0.2)
        np.testing.assert_allclose(spectrum.channel("didv"), 1e-9, rtol=0.05)
        np.testing.assert_allclose(spectrum.channel("current"), 1e-9 * SWEEP.bias, atol=5e-12)
        assert spectrum.flags == ()
        status = it.driver.status()
        assert status.is_engaged
        assert status.bias == pytest.approx(0.1, abs=1e-3)
        names = [line.split()[0] for line in it.heard]
        assert names[-8:] == ["CCOF", *["BIAS"] * 6, "CCON"]
        assert it.crashes == []
        it.driver.position_probe(PositionProbe(0.0, 0.0))


def test_a_lock_in_that_fails_leaves_the_loop_closed_and_the_bias_as_it_was() -> None:
    with lab(controller={"lock_in": {"kind": "sr830"}}) as it:
        lock_in = it.driver._lock_in
        assert lock_in is not None

        def dead() -> None:
            raise ConnectionLost("the lock-in is gone")

        lock_in.read = dead  # type: ignore[method-assign, assignment]
        with pytest.raises(ConnectionLost):
            it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
        head = it.server.firmware.head.status
        assert head.has_feedback
        assert (head.bias - 32768) * 3 / 32768 == pytest.approx(0.1, abs=1e-3)
        it.driver.position_probe(PositionProbe(0.0, 0.0))


def test_an_overloaded_lock_in_flags_the_spectrum() -> None:
    with lab(controller={"lock_in": {"kind": "sr830", "gain": 1e12}}) as it:
        spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
        assert spectrum.flags == (QualityFlag.SATURATED,)


def test_the_example_laboratory_sees_a_gap_through_both_wires() -> None:
    lab, _ = read_lab(Path(__file__).parents[2] / "examples" / "lab_red_panda_simulated.toml")
    clock = lab.clock.clock()
    with contextlib.closing(lab.open(1, clock)) as instrument:
        instrument.load(Load())
        sweep = BiasWaveform.sweep(-4e-3, 4e-3, 21)
        slope = instrument.acquire_spectrum(AcquireSpectrum(1e-9, 2e-9, sweep)).channel("didv")
    assert slope[10] < 0.2 * slope[0]  # in the gap
    assert slope.max() > 1.2 * slope[0]  # at its edge
