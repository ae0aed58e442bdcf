"""The exam that every instrument takes: the promises of `Instrument` as a test class.

A driver author derives from `InstrumentContract`, overrides the ``fresh`` fixture, and sets the
class attributes that describe what the instrument can be asked. The exam never waits on the wall
clock by itself: give the instrument an `InstantClock`, or an emulator that does not wait. What is
optional is examined where it is declared; where it is not, it must be refused.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np
import pytest

from ..errors import EmergencyStopped, LimitExceeded, NotLoaded, Stopped, Unsupported
from .frame import ScanFrame
from .guard import GuardedInstrument
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)
from .protocol import Instrument, InstrumentState
from .vitals import vitals_of

Test = TypeVar("Test", bound=Callable[..., None])


def examines(*instructions: str) -> Callable[[Test], Test]:
    """Say of a test which instructions it examines; `spm-auto conformance` counts by these."""

    def marked(test: Test) -> Test:
        test.examines = instructions  # type: ignore[attr-defined]
        return test

    return marked


class InstrumentContract:
    """What every instrument must do, whatever stands behind it.

    Attributes:
        FRAME: A small frame inside the scanner, not square, so that axes cannot be confused.
        POINT: A point (x, y) inside the scanner [m].
        WAVEFORM: A bias waveform that the instrument can run.
        FORCE_CURVE: Trigger [N], distance [m] and so on of a force curve, if it can take one.
        PULSE: Bias of a pulse at the tip that does no harm [V].
        BIAS: A bias at which the z loop can hold the tip [V].
        STAGE: Where a coarse stage can be sent (x, y), if there is one [m].
    """

    FRAME = ScanFrame(center=(0.0, 0.0), size=(4e-7, 2e-7), pixels=(16, 8))
    POINT = (1e-7, -5e-8)
    WAVEFORM = BiasWaveform.triangle(8.5, points=64)
    FORCE_CURVE: ClassVar[dict[str, Any]] = {"trigger": 5e-9, "distance": 50e-9, "points": 64}
    PULSE = 2.0
    BIAS = 0.5
    STAGE = (1e-4, 0.0)

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        """Give an instrument that was not loaded; each instrument's test class overrides this."""
        raise NotImplementedError(f"{type(self).__name__} must say which instrument it examines")

    @pytest.fixture
    def instrument(self, fresh: Instrument) -> GuardedInstrument:
        """Give the instrument loaded and behind its own limits, as every run has it."""
        fresh.load(Load())
        return GuardedInstrument(fresh)

    def _spectrum(self, bias: float | None = None) -> AcquireSpectrum:
        waveform = self.WAVEFORM if bias is None else BiasWaveform((0.0, bias))
        return AcquireSpectrum(*self.POINT, waveform)

    @examines("capabilities")
    def test_it_is_an_instrument(self, fresh: Instrument) -> None:
        assert isinstance(fresh, Instrument)

    @examines("capabilities")
    def test_what_it_has_is_told_as_data(self, fresh: Instrument) -> None:
        has = fresh.capabilities
        assert has.name
        assert has.image_channels
        assert has.spectrum_channels
        assert all(c.name and c.unit for c in (*has.image_channels, *has.spectrum_channels))
        assert has.x_range[0] < has.x_range[1]
        assert has.y_range[0] < has.y_range[1]
        assert has.bias_range[0] < has.bias_range[1]
        assert 0 <= has.position_accuracy < math.inf

    @examines("load")
    def test_before_load_every_instruction_is_refused(self, fresh: Instrument) -> None:
        assert fresh.status().state == InstrumentState.EMPTY
        with pytest.raises(NotLoaded):
            list(fresh.scan(Scan(self.FRAME)))
        with pytest.raises(NotLoaded):
            fresh.position_probe(PositionProbe(*self.POINT))
        with pytest.raises(NotLoaded):
            fresh.acquire_spectrum(self._spectrum())

    @examines("load")
    def test_after_load_it_is_ready_and_engaged(self, instrument: Instrument) -> None:
        status = instrument.status()
        assert status.state == InstrumentState.READY
        assert status.is_engaged

    @examines("scan")
    def test_a_scan_gives_each_line_once_and_in_order(self, instrument: Instrument) -> None:
        lines = list(instrument.scan(Scan(self.FRAME)))
        width, height = self.FRAME.pixels
        channels = len(instrument.capabilities.image_channels)
        assert [line.index for line in lines] == list(range(height))
        assert all(line.forward.shape == (channels, width) for line in lines)
        assert all(line.backward.shape == (channels, width) for line in lines)
        assert all(line.forward.dtype == np.float64 for line in lines)

    @examines("scan")
    def test_a_scan_records_the_channels_asked_for_in_their_order(
        self, instrument: Instrument
    ) -> None:
        names = tuple(c.name for c in instrument.capabilities.image_channels)
        lines = list(instrument.scan(Scan(self.FRAME, channels=names[-1:])))
        assert all(line.forward.shape[0] == 1 for line in lines)

    @examines("scan")
    def test_an_unknown_channel_is_refused(self, instrument: Instrument) -> None:
        with pytest.raises(Unsupported, match="no channel 'taste'"):
            list(instrument.scan(Scan(self.FRAME, channels=("taste",))))

    @examines("scan")
    def test_time_passes_during_a_scan_as_estimated(self, instrument: Instrument) -> None:
        scan = Scan(self.FRAME)
        estimate = instrument.duration(scan)
        start = instrument.status().time
        lines = list(instrument.scan(scan))
        times = [line.time for line in lines]
        assert times == sorted(times)
        assert estimate > 0
        assert instrument.status().time - start == pytest.approx(estimate, rel=0.2)

    @examines("scan")
    def test_leaving_a_scan_ends_it(self, instrument: Instrument) -> None:
        with contextlib.closing(instrument.scan(Scan(self.FRAME))) as lines:  # type: ignore[type-var]
            assert next(lines).index == 0
            assert instrument.status().state == InstrumentState.SCANNING
        assert instrument.status().state == InstrumentState.READY
        instrument.position_probe(PositionProbe(*self.POINT))

    @examines("interrupt")
    def test_an_interrupted_scan_stops_and_the_next_instruction_works(
        self, instrument: Instrument
    ) -> None:
        lines = iter(instrument.scan(Scan(self.FRAME)))
        next(lines)
        instrument.interrupt()
        with pytest.raises(Stopped):
            list(lines)
        instrument.position_probe(PositionProbe(*self.POINT))

    @examines("interrupt")
    def test_an_interrupt_without_an_instruction_does_nothing(self, instrument: Instrument) -> None:
        instrument.interrupt()
        instrument.position_probe(PositionProbe(*self.POINT))

    @examines("position_probe")
    def test_the_probe_goes_where_it_is_sent(self, instrument: Instrument) -> None:
        instrument.position_probe(PositionProbe(*self.POINT))
        position = instrument.status().position
        accuracy = instrument.capabilities.position_accuracy
        assert math.dist(position, self.POINT) <= accuracy

    @examines("acquire_spectrum")
    def test_a_spectrum_has_the_bias_asked_for_and_says_where_it_was(
        self, instrument: Instrument
    ) -> None:
        estimate = instrument.duration(self._spectrum())
        spectrum = instrument.acquire_spectrum(self._spectrum())
        np.testing.assert_allclose(spectrum.bias, self.WAVEFORM.bias, atol=2e-3)
        assert spectrum.data.shape == (len(spectrum.channels), len(self.WAVEFORM.values))
        assert spectrum.channels == instrument.capabilities.spectrum_channels
        assert spectrum.end_time - spectrum.start_time == pytest.approx(estimate, rel=0.2)
        off = math.dist((spectrum.x, spectrum.y), self.POINT)
        assert off <= instrument.capabilities.position_accuracy

    @examines("position_probe", "acquire_spectrum")
    @pytest.mark.parametrize("far", [1.0, -1.0, math.nan, math.inf])
    def test_a_point_out_of_reach_is_refused_and_nothing_moves(
        self, instrument: Instrument, far: float
    ) -> None:
        before = _still(instrument)
        with pytest.raises(LimitExceeded, match="x of"):
            instrument.position_probe(PositionProbe(far, 0.0))
        with pytest.raises(LimitExceeded, match="y of"):
            instrument.acquire_spectrum(AcquireSpectrum(0.0, far, self.WAVEFORM))
        assert _still(instrument) == before

    @examines("position_probe")
    def test_the_bare_instrument_refuses_a_point_out_of_reach_too(self, fresh: Instrument) -> None:
        fresh.load(Load())
        before = _still(fresh)
        with pytest.raises(LimitExceeded):
            fresh.position_probe(PositionProbe(1.0, 0.0))
        assert _still(fresh) == before

    @examines("scan")
    def test_a_frame_out_of_reach_is_refused_and_nothing_moves(
        self, instrument: Instrument
    ) -> None:
        before = _still(instrument)
        with pytest.raises(LimitExceeded, match="a corner of the frame"):
            list(instrument.scan(Scan(ScanFrame((0.0, 0.0), (1.0, 1e-7), (16, 8)))))
        assert _still(instrument) == before

    @pytest.mark.parametrize("bias", [1e6, math.nan, math.inf])
    @examines("acquire_spectrum")
    def test_a_bias_out_of_range_is_refused_and_nothing_moves(
        self, instrument: Instrument, bias: float
    ) -> None:
        before = _still(instrument)
        with pytest.raises(LimitExceeded, match="bias of"):
            instrument.acquire_spectrum(self._spectrum(bias))
        assert _still(instrument) == before

    @examines("emergency_stop")
    def test_after_an_emergency_stop_everything_is_refused_until_load(
        self, instrument: Instrument
    ) -> None:
        instrument.emergency_stop()
        status = instrument.status()
        assert status.state == InstrumentState.LATCHED
        assert not status.is_engaged
        with pytest.raises(EmergencyStopped):
            instrument.position_probe(PositionProbe(*self.POINT))
        with pytest.raises(EmergencyStopped):
            instrument.acquire_spectrum(self._spectrum())
        with pytest.raises(EmergencyStopped):
            list(instrument.scan(Scan(self.FRAME)))
        instrument.load(Load())
        instrument.position_probe(PositionProbe(*self.POINT))

    @examines("emergency_stop")
    def test_an_emergency_stop_ends_a_scan(self, instrument: Instrument) -> None:
        lines = iter(instrument.scan(Scan(self.FRAME)))
        next(lines)
        instrument.emergency_stop()
        with pytest.raises(EmergencyStopped):
            list(lines)

    @examines("vitals")
    def test_its_vitals_are_told_or_that_is_refused(self, fresh: Instrument) -> None:
        if not fresh.capabilities.has_vitals:
            with pytest.raises(Unsupported, match="does not tell its vitals"):
                vitals_of(fresh)
            return
        assert not vitals_of(fresh).is_engaged
        fresh.load(Load())
        vitals = vitals_of(fresh)
        assert vitals.is_engaged
        assert vitals.unit
        assert vitals.signal < vitals.threshold
        assert vitals.time == pytest.approx(fresh.status().time, abs=5.0)
        fresh.emergency_stop()
        assert not vitals_of(fresh).is_engaged

    @examines("acquire_force_curve")
    def test_a_force_curve_is_measured_or_refused(self, instrument: GuardedInstrument) -> None:
        instruction = AcquireForceCurve(*self.POINT, **self.FORCE_CURVE)
        with self._refused_unless_declared(instrument, instruction):
            curve = instrument.acquire_force_curve(instruction)
            assert curve.extension.shape == (instruction.points,)
            assert np.isfinite(curve.approach).all()
            assert math.dist((curve.x, curve.y), self.POINT) <= self._accuracy(instrument)

    @examines("condition_tip")
    def test_a_tip_is_conditioned_or_that_is_refused(self, instrument: GuardedInstrument) -> None:
        instruction = ConditionTip(*self.POINT, bias=self.PULSE)
        with self._refused_unless_declared(instrument, instruction):
            instrument.condition_tip(instruction)
            assert math.dist(instrument.status().position, self.POINT) <= self._accuracy(instrument)

    @examines("set_feedback")
    def test_the_feedback_is_changed_or_that_is_refused(
        self, instrument: GuardedInstrument
    ) -> None:
        instruction = SetFeedback(bias=self.BIAS)
        with self._refused_unless_declared(instrument, instruction):
            instrument.set_feedback(instruction)
            assert instrument.status().bias == pytest.approx(self.BIAS, abs=2e-3)

    @examines("move_stage")
    def test_a_stage_is_moved_and_the_tip_back_or_that_is_refused(
        self, instrument: GuardedInstrument
    ) -> None:
        has = instrument.capabilities
        assert (has.stage_range is not None) == (MoveStage in has.instructions)
        instruction = MoveStage(*self.STAGE)
        with self._refused_unless_declared(instrument, instruction):
            instrument.move_stage(instruction)
            status = instrument.status()
            assert status.stage is not None
            assert math.dist(status.stage, self.STAGE) <= has.stage_accuracy
            assert status.is_engaged
            instrument.position_probe(PositionProbe(*self.POINT))

    @examines("move_stage")
    def test_a_stage_position_out_of_reach_is_refused_and_nothing_moved(
        self, instrument: GuardedInstrument
    ) -> None:
        reach = instrument.capabilities.stage_range
        if reach is None:  # that moving it is refused is asked above
            assert instrument.status().stage is None
            return
        before = instrument.status().stage
        with pytest.raises(LimitExceeded, match="stage x of"):
            instrument.move_stage(MoveStage(reach[0][1] + 1e-3, 0.0))
        assert instrument.status().stage == before

    @staticmethod
    def _refused_unless_declared(
        instrument: Instrument, instruction: Instruction
    ) -> contextlib.AbstractContextManager[object]:
        if type(instruction) in instrument.capabilities.instructions:
            return contextlib.nullcontext()
        return pytest.raises(Unsupported, match="does not understand")

    @staticmethod
    def _accuracy(instrument: Instrument) -> float:
        return instrument.capabilities.position_accuracy

    @examines("close")
    def test_closing_twice_is_safe(self, instrument: Instrument) -> None:
        instrument.close()
        instrument.close()
        assert instrument.status().state == InstrumentState.CLOSED


def _still(instrument: Instrument) -> tuple[Any, ...]:
    """Return what must not change when nothing moves; time may go on."""
    status = instrument.status()
    return status.state, status.position, status.bias, status.is_engaged
