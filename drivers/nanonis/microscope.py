"""NanonisMicroscope: a microscope with Nanonis electronics behind the `Instrument` protocol."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from spm_auto.clock import Clock
from spm_auto.errors import InstrumentError, SpmError
from spm_auto.instrument import (
    ENGAGED as AT_THE_SAMPLE,
)
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    ConditionTip,
    ForceCurve,
    Instruction,
    InstrumentState,
    Load,
    Scan,
    ScanLine,
    SetFeedback,
    Vitals,
)

from ..microscope import DrivenMicroscope, Reading, Swept
from .controller import Controller, read_controller, release_of
from .conversation import Conversation
from .extras import (
    check_feedback,
    condition,
    curve_time,
    follow,
    modulate,
    set_feedback,
    take_force_curve,
)
from .line import Lines
from .safety import ENGAGED, arm, engage, withdraw
from .scanning import FrameScan, check_pixels, scan_time
from .segments import check_waveform
from .settings import NanonisSettings
from .spectroscopy import sweep_time, take_spectrum
from .vitals import last_resort, read_vitals, tells_vitals

LOOK = 2.0  # [s] for an answer when only the state is read
MARGIN = 1.5  # of the expected time of a motion


class NanonisMicroscope(DrivenMicroscope):
    """Nanonis electronics over TCP: one connection acts, one supervises, one stops.

    Args:
        settings: What the lab file says.
        lines: The connections.
        clock: Instrument time.

    Raises:
        InstrumentError: The controller cannot be reached, or lacks a signal.
    """

    def __init__(self, settings: NanonisSettings, lines: Lines, clock: Clock) -> None:
        super().__init__(clock)
        self._settings = settings
        self._lines = lines
        try:
            self._controller = self._connect()
        except SpmError:
            lines.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._controller.capabilities

    def _connect(self) -> Controller:
        lines, settings = self._lines, self._settings
        version, release = release_of(lines.action, settings.release)
        for line in lines.each():
            line.release = release
        controller = read_controller(lines.action, settings, version)
        for line in lines.each():
            line.ask("ZCtrl.StatusGet")  # opens it now; later it may be too late
        has = replace(
            controller.capabilities,
            has_vitals=tells_vitals(lines.supervision, settings),
            has_last_resort=True,
        )
        return replace(controller, capabilities=has)

    def _read(self) -> Reading:
        ask = partial(self._lines.supervision.ask, within=min(LOOK, self._settings.reply_timeout))
        place = ask("FolMe.XYPosGet", newest=1)
        status = ask("ZCtrl.StatusGet")["status"]
        busy = any(
            ask(f"{module}.StatusGet")["running"] for module in ("Scan", "BiasSpectr", "ZSpectr")
        )
        bias = ask("Bias.Get")["bias"]
        return Reading((place["x"], place["y"]), bias, status in ENGAGED, busy)

    def _time_of(self, instruction: Instruction, here: tuple[float, float]) -> float:
        settings = self._settings
        match instruction:
            case Load():
                return settings.approach_time
            case Scan():
                return scan_time(instruction, settings)
            case SetFeedback(bias=bias):
                steps = math.ceil(abs((bias or 0.0) - self._known_bias()) / settings.bias_step)
                return steps * settings.bias_pause if bias is not None else 0.0
        moving = math.dist(here, (instruction.x, instruction.y)) / settings.move_speed
        moving += settings.move_settling
        match instruction:
            case AcquireSpectrum(waveform=waveform):
                return moving + sweep_time(waveform, settings.sweep)
            case AcquireForceCurve():
                return moving + curve_time(instruction, settings)
            case ConditionTip(duration=duration):
                return moving + duration
        return moving

    def _known_bias(self) -> float:
        return self._known.bias if math.isfinite(self._known.bias) else 0.0

    def _check_more(self, instruction: Instruction) -> None:
        match instruction:
            case Scan(frame=frame):
                check_pixels(frame)
            case AcquireSpectrum(waveform=waveform):
                check_waveform(waveform)
            case SetFeedback():
                check_feedback(instruction)

    def _talk(self, action: Action) -> Conversation:
        return Conversation(self._lines, action, self._clock)

    def _load(self, instruction: Load, action: Action) -> None:  # noqa: ARG002  mounted by hand
        talk, settings = self._talk(action), self._settings
        self._halt_all()
        arm(talk, settings)
        talk.set("FolMe.Speed", speed=settings.move_speed, custom=1)
        talk.do("BiasSpectr.Open")
        engage(talk, settings)
        if settings.modulation is not None:
            modulate(talk, settings.modulation)
        if settings.drift is not None:
            follow(talk, settings.drift)

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        known = {each.channel: each for each in self._controller.image}
        measured = [known[channel] for channel in self.capabilities.channels_of(scan)]
        return FrameScan(self._talk(action), self._settings, measured, scan).lines()

    def _move(self, x: float, y: float, action: Action) -> None:
        way = math.dist(self._known.position, (x, y))
        way = way if math.isfinite(way) else 2 * self.capabilities.x_range[1]
        expected = way / self._settings.move_speed + self._settings.move_settling
        within = MARGIN * expected + self._settings.stall_timeout
        self._talk(action).do("FolMe.XYPosSet", within=within, halt="FolMe.Stop", x=x, y=y, wait=1)

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        talk = self._talk(action)
        with talk.ending():
            return take_spectrum(talk, self._settings, self._controller.spectrum, waveform)

    def _force_curve(self, instruction: AcquireForceCurve, action: Action) -> ForceCurve:
        force = self._controller.force
        assert force is not None  # declared only then
        return take_force_curve(self._talk(action), self._settings, force, instruction)

    def _condition(self, instruction: ConditionTip, action: Action) -> None:
        condition(self._talk(action), instruction, self._settings)

    def _feedback(self, instruction: SetFeedback, action: Action) -> None:
        set_feedback(self._talk(action), instruction, self._settings)

    def _withdraw(self) -> None:
        withdraw(self._lines)

    def vitals(self) -> Vitals:
        """Read what the controller feels, over the supervising connection.

        Raises:
            InstrumentError: It cannot be read.
        """
        is_loaded = self._turns.state in (*AT_THE_SAMPLE, InstrumentState.LOST)
        return read_vitals(self._lines.supervision, self._settings, self._clock.now, is_loaded)

    def last_resort(self) -> None:
        """Put z to its upper limit, and step away with the motor where the lab file allows it.

        Raises:
            NotConfirmed: The controller does not say that it is done.
        """
        self._turns.latch()
        last_resort(self._lines, self._settings)

    def _halt_all(self) -> None:
        """End a scan or a spectrum that goes on, whoever began it."""
        ask = self._lines.supervision.ask
        if ask("Scan.StatusGet", within=LOOK)["running"]:
            ask("Scan.Action", within=LOOK, action=1, direction=1)
        if ask("BiasSpectr.StatusGet", within=LOOK)["running"]:
            ask("BiasSpectr.Stop", within=LOOK)

    def _disconnect(self) -> None:
        if self._lines.supervision.is_open:
            with contextlib.suppress(InstrumentError):
                self._halt_all()
        self._lines.close()
