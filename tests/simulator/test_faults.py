"""Faults on demand, at an instrument of a few lines and as values."""

import threading

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from spm_auto.clock import Clock, InstantClock, ScaledClock
from spm_auto.errors import ConnectionLost, EmergencyStopped, InstrumentError, NoReply, Stopped
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    ForceCurve,
    Load,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
    Spectrum,
)
from spm_auto.simulator import RandomStreams, SimulatorSettings, Timing, simulate
from spm_auto.simulator.clocked import ClockedMicroscope
from spm_auto.simulator.faults import (
    DroppedConnection,
    Fault,
    Faults,
    garbled_bytes,
    truncated_bytes,
)

FRAME = ScanFrame(center=(0.0, 0.0), size=(1e-7, 1e-7), pixels=(16, 8))
WAVEFORM = BiasWaveform.triangle(5.0, points=16)
CHANNELS = (Channel("current", "A"), Channel("height", "m"))
HERE, THERE = PositionProbe(1e-8, 2e-8), PositionProbe(-3e-8, 4e-8)


class PlainMicroscope(ClockedMicroscope):
    """Shows a current of one and a height of two everywhere."""

    @property
    def capabilities(self) -> Capabilities:
        reach = (-1e-6, 1e-6)
        return Capabilities(
            "plain", CHANNELS, CHANNELS, reach, reach, (-10.0, 10.0), 1e-12, is_simulated=True
        )

    def _lines(self, scan, number):
        data = np.outer([1.0, 2.0], np.ones(scan.frame.pixels[0]))
        return lambda *_: (data, data)

    def _spectrum(self, at, instruction, number, start):
        bias = instruction.waveform.bias
        data = np.outer([1.0, 2.0], np.ones(len(bias)))
        return Spectrum(*at, bias, CHANNELS, data, start, start)


def microscope(*faults: dict, clock: Clock | None = None) -> PlainMicroscope:
    """Give a microscope that is loaded, so the next instruction is number 1."""
    chosen = TypeAdapter(tuple[Fault, ...]).validate_python(faults)
    plain = PlainMicroscope(Timing(), clock or InstantClock(), faults=Faults(chosen))
    plain.load(Load())
    return plain


def spectrum(plain: PlainMicroscope):
    return plain.acquire_spectrum(AcquireSpectrum(0.0, 0.0, WAVEFORM))


def test_without_faults_nothing_fails():
    plain = microscope()
    lines = list(plain.scan(Scan(FRAME)))
    assert [line.index for line in lines] == list(range(8))
    assert all((line.forward == [[1.0], [2.0]]).all() for line in lines)
    assert spectrum(plain).flags == ()


def test_a_dropped_connection_fails_everything_until_the_next_load():
    plain = microscope({"kind": "dropped_connection", "action": 2})
    plain.position_probe(HERE)
    for _ in range(3):
        with pytest.raises(ConnectionLost, match="broken"):
            plain.position_probe(THERE)
    with pytest.raises(ConnectionLost):
        spectrum(plain)
    assert plain.status().position == (1e-8, 2e-8)
    plain.load(Load())
    plain.position_probe(THERE)
    assert isinstance(ConnectionLost(), InstrumentError)


def test_a_connection_may_break_in_the_middle_of_a_scan():
    plain = microscope({"kind": "dropped_connection", "action": 1, "at": 5})
    arrived = []
    with pytest.raises(ConnectionLost, match="while it was scanning"):
        arrived.extend(line.index for line in plain.scan(Scan(FRAME)))
    with pytest.raises(ConnectionLost):
        plain.position_probe(HERE)
    plain.load(Load())
    assert len(list(plain.scan(Scan(FRAME)))) == 8


def test_a_load_can_fail_too_and_the_next_one_mends_it():
    broken = DroppedConnection(action=0)
    plain = PlainMicroscope(Timing(), InstantClock(), faults=Faults((broken,)))
    with pytest.raises(ConnectionLost):
        plain.load(Load())
    plain.load(Load())
    plain.position_probe(HERE)


def test_a_hang_ends_with_its_deadline_where_time_is_virtual():
    plain = microscope({"kind": "hang", "action": 1, "deadline": "2 min"})
    before = plain.status().time
    with pytest.raises(NoReply, match="within 2 min 0 s"):
        plain.position_probe(HERE)
    assert plain.status().time - before == 120
    plain.position_probe(HERE)


@pytest.mark.parametrize(
    ("end", "error"),
    [("interrupt", Stopped), ("emergency_stop", EmergencyStopped), ("close", Stopped)],
)
def test_a_hang_ends_at_once_when_somebody_stops_it(end, error):
    hung = threading.Event()

    class Watched(ScaledClock):
        def wait(self, duration, stop=None):
            if duration == 3600:
                hung.set()
            return super().wait(duration, stop)

    plain = microscope({"kind": "hang", "action": 1}, clock=Watched(1e5))
    plain._clock.factor = 1.0
    raised: list[BaseException] = []

    def instruct() -> None:
        try:
            plain.position_probe(HERE)
        except (Stopped, InstrumentError) as problem:
            raised.append(problem)

    thread = threading.Thread(target=instruct)
    thread.start()
    assert hung.wait(10)
    getattr(plain, end)()
    thread.join(10)
    assert [type(problem) for problem in raised] == [error]


def test_a_hang_in_the_middle_of_a_scan_comes_before_its_line():
    plain = microscope({"kind": "hang", "action": 1, "at": 3})
    arrived = []
    with pytest.raises(NoReply):
        arrived.extend(line.index for line in plain.scan(Scan(FRAME)))
    assert arrived == [0, 1, 2]


def test_a_late_reply_takes_so_much_longer():
    on_time, late = microscope(), microscope({"kind": "late_reply", "action": 1, "delay": "7 s"})
    for plain in (on_time, late):
        plain.position_probe(HERE)
    assert late.status().time == pytest.approx(on_time.status().time + 7)


def test_a_late_line_delays_itself_and_what_follows():
    on_time, late = (
        [line.time for line in plain.scan(Scan(FRAME))]
        for plain in (
            microscope(),
            microscope({"kind": "late_reply", "action": 1, "at": 4, "delay": "7 s"}),
        )
    )
    assert np.subtract(late, on_time) == pytest.approx([0, 0, 0, 0, 7, 7, 7, 7])


def test_a_truncated_line_is_shorter_than_it_should_be():
    plain = microscope({"kind": "truncated_reply", "action": 1, "at": 2, "keep": 0.25})
    lengths = [line.forward.shape for line in plain.scan(Scan(FRAME))]
    assert lengths == [(2, 16)] * 2 + [(2, 4)] + [(2, 16)] * 5


def test_a_truncated_spectrum_ends_too_soon():
    plain = microscope({"kind": "truncated_reply", "action": 1})
    measured = spectrum(plain)
    assert measured.bias.tolist() == list(WAVEFORM.values[:8])
    assert measured.data.shape == (2, 8)
    assert len(spectrum(plain).bias) == 16


def test_garbage_is_absurd_but_the_same_each_time():
    def garbage() -> np.ndarray:
        return spectrum(microscope({"kind": "garbage", "action": 1})).data

    data = garbage()
    assert np.array_equal(data, garbage(), equal_nan=True)
    assert 0.2 < np.mean((data != 1) & (data != 2)) < 0.8
    assert not np.isfinite(data).all()


def test_garbage_may_strike_one_line_only():
    lines = list(microscope({"kind": "garbage", "action": 1, "at": 3}).scan(Scan(FRAME)))
    is_struck = [bool((line.forward != [[1.0], [2.0]]).any()) for line in lines]
    assert is_struck == [i == 3 for i in range(8)]


def test_a_stuck_axis_reads_back_where_it_stuck_until_a_load():
    plain = microscope({"kind": "stuck_axis", "action": 2, "axis": "y"})
    plain.position_probe(HERE)
    plain.position_probe(THERE)
    assert plain.status().position == (-3e-8, 2e-8)
    list(plain.scan(Scan(FRAME)))
    assert plain.status().position[1] == 2e-8
    assert spectrum(plain).y == 2e-8
    plain.load(Load())
    plain.position_probe(THERE)
    assert plain.status().position == (-3e-8, 4e-8)


def test_a_saturated_channel_shows_its_rail_and_says_so():
    fault = {"kind": "saturated_preamp", "action": 1, "channel": "current", "rail": 10.0, "at": 4}
    measured = spectrum(microscope(fault))
    assert measured.channel("current").tolist() == [1.0] * 4 + [10.0] * 12
    assert set(measured.channel("height")) == {2.0}
    assert measured.flags == (QualityFlag.SATURATED,)


def test_a_saturated_channel_is_found_by_its_name_among_those_recorded():
    fault = {"kind": "saturated_preamp", "action": 1, "channel": "height", "rail": 10.0}
    lines = list(microscope(fault).scan(Scan(FRAME)))
    assert all((line.backward == [[1.0], [10.0]]).all() for line in lines)


def test_feedback_at_the_rail_shows_one_height_from_a_line_on():
    fault = {"kind": "railed_feedback", "action": 1, "at": 6, "rail": -5e-7}
    lines = list(microscope(fault).scan(Scan(FRAME)))
    assert [set(line.forward[1].tolist()) for line in lines] == [{2.0}] * 6 + [{-5e-7}] * 2
    assert spectrum(microscope(fault)).flags == ()


def test_a_force_curve_is_struck_on_its_way_down_and_up():
    data = np.ones((1, 10))
    curve = ForceCurve(0.0, 0.0, np.arange(10.0), (Channel("force", "N"),), data, data, 0.0, 1.0)
    tables = (
        {"kind": "truncated_reply", "action": 4, "keep": 0.3},
        {"kind": "saturated_preamp", "action": 4, "at": 2, "rail": 9.0},
    )
    struck = Faults(TypeAdapter(tuple[Fault, ...]).validate_python(tables))
    short = struck.of_force_curve(4, curve)
    assert short.approach.tolist() == short.retract.tolist() == [[1.0, 1.0, 9.0]]
    assert short.extension.tolist() == [0.0, 1.0, 2.0]
    assert short.flags == (QualityFlag.SATURATED,)
    assert (struck.of_force_curve(5, curve).approach == data).all()


def test_bytes_are_cut_and_garbled_for_wire_protocols():
    reply = bytes(range(200))
    assert truncated_bytes(reply, 0.25) == reply[:50]
    assert truncated_bytes(reply, 1.0) == reply[:-1]
    assert truncated_bytes(b"", 0.5) == garbled_bytes(b"", np.random.default_rng(0)) == b""
    garbled = garbled_bytes(reply, np.random.default_rng(0))
    assert len(garbled) == 200
    assert 60 < sum(a != b for a, b in zip(garbled, reply, strict=True)) < 140
    assert all(garbled_bytes(b"a", np.random.default_rng(seed)) != b"a" for seed in range(20))
    cut = TypeAdapter(tuple[Fault, ...]).validate_python(
        ({"kind": "truncated_reply", "action": 3}, {"kind": "garbage", "action": 4})
    )
    wire = Faults(cut, RandomStreams(1))
    assert wire.of_reply(2, reply) == reply
    assert wire.of_reply(3, reply) == reply[:100]
    assert wire.of_reply(4, reply) == wire.of_reply(4, reply) != reply


def test_a_lab_file_orders_faults_of_the_simulator():
    table = {
        "kind": "simulator",
        "level": 0,
        "faults": (
            {"kind": "stuck_axis", "action": 1, "axis": "x"},
            {"kind": "saturated_preamp", "action": 2, "rail": 1.0},
        ),
    }
    simulated, truth = simulate(SimulatorSettings.model_validate(table))
    simulated.load(Load())
    columns = np.array([line.forward[0] for line in simulated.scan(Scan(FRAME))])
    assert (columns == columns[:, :1]).all()
    assert np.ptp(columns) > 0
    measured = spectrum(simulated)
    assert measured.flags == (QualityFlag.SATURATED,)
    before = truth.snapshot()
    simulated.load(Load())
    truth.restore(before)
    simulated.position_probe(THERE)
    assert simulated.status().position[0] == 0.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "stuck_axis", "action": -1}, "greater than or equal to 0"),
        ({"kind": "stuck_axis", "action": 1, "axis": "z"}, "'x' or 'y'"),
        ({"kind": "hang", "action": 1, "deadline": "0 s"}, "must be positive, got 0 s"),
        ({"kind": "late_reply", "action": 1, "delay": 3.0}, "has no unit"),
        ({"kind": "truncated_reply", "action": 1, "keep": 2.0}, "between 0 and 1"),
        ({"kind": "earthquake", "action": 1}, "does not match any of the expected tags"),
    ],
)
def test_an_impossible_fault_is_refused(table, message):
    with pytest.raises(ValidationError, match=message):
        SimulatorSettings.model_validate({"kind": "simulator", "faults": (table,)})


def test_a_channel_that_is_not_there_cannot_fail():
    chosen = {"kind": "saturated_preamp", "action": 1, "channel": "curent"}
    settings = SimulatorSettings.model_validate({"kind": "simulator", "faults": (chosen,)})
    with pytest.raises(InstrumentError, match="no channel 'curent' to fail; known: "):
        settings.open(InstantClock(), 0)


def test_a_tip_that_changes_is_as_blunt_as_the_fault_says_from_that_instruction_on() -> None:
    change = {"kind": "tip_change", "action": 2, "blur": 2.5}
    stm, truth = simulate(
        SimulatorSettings.model_validate(
            {"sample": {"kind": "hopg"}, "level": 1, "faults": (change,)}
        )
    )
    stm.load(Load())
    stm.position_probe(PositionProbe(0.0, 0.0))
    assert truth.technique.tip.blur == 1.0
    stm.position_probe(PositionProbe(1e-9, 0.0))
    assert truth.technique.tip.blur == 2.5


def test_a_tip_that_resolves_nothing_cannot_change() -> None:
    change = {"kind": "tip_change", "action": 0}
    pfm, _ = simulate(SimulatorSettings.model_validate({"level": 0, "faults": (change,)}))
    with pytest.raises(InstrumentError, match="whose tip can change"):
        pfm.load(Load())


def test_a_sample_that_is_mounted_is_not_mounted_again_unless_it_is_named() -> None:
    plain = PlainMicroscope(Timing(), InstantClock())
    took = []
    for load in (Load(), Load(), Load("another")):
        before = plain.status().time
        assert plain.duration(load) > 0
        plain.load(load)
        took.append(plain.status().time - before)
    timing = plain.timing
    assert took == pytest.approx([timing.loading(), timing.tuning, timing.loading()])
