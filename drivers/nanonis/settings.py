"""NanonisSettings: what a lab file says of a microscope with Nanonis electronics."""

import logging
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.clock import Clock
from spm_auto.units import Bias, Duration, Frequency, Length, Speed

from ..settings import DriverSettings
from ..transport import Link, RecordingLink, TcpLink
from .line import Line, Lines

if TYPE_CHECKING:
    from .microscope import NanonisMicroscope

_log = logging.getLogger(__name__)

ROLES = ("action", "supervision", "stop")
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[Duration, Field(gt=0)]
Ability = Literal["force_curve", "condition_tip", "set_feedback"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SignalSettings(_Table):
    """Which signal is a channel.

    Attributes:
        signal: Its name in the Signals Manager, unit in brackets ("Z (m)").
        unit: Unit of the channel, where it is not that of the signal.
        scale: What the signal is multiplied by, in SI units.
        per_modulation: Whether it is divided by the amplitude of the lock-in's modulation too.
    """

    signal: str
    unit: str = ""
    scale: float = 1.0
    per_modulation: bool = False


class SafeTipSettings(_Table):
    """The controller's own guard of the tip.

    Attributes:
        armed: Whether it is; without it nothing withdraws the tip but the z loop.
        threshold: Value of its signal that withdraws the tip, in the signal's unit (A for current).
    """

    armed: bool = True
    threshold: Annotated[float, Field(gt=0)] = 10e-9


class ModulationSettings(_Table):
    """The lock-in amplifier, switched on by ``load``.

    Attributes:
        amplitude: Of the modulation of the bias [V].
        frequency: Of it [Hz].
        modulator: Which one, from 1.
    """

    amplitude: Annotated[Bias, Field(gt=0)]
    frequency: Annotated[Frequency, Field(gt=0)]
    modulator: Annotated[int, Field(ge=1, le=8)] = 1


class DriftSettings(_Table):
    """Drift compensation, switched on by ``load``: the velocity of the sample.

    Attributes:
        x: Velocity [m/s].
        y: Velocity [m/s].
        z: Velocity [m/s].
        saturation: Share of the range at which it stops [%].
    """

    x: Speed = 0.0
    y: Speed = 0.0
    z: Speed = 0.0
    saturation: Annotated[float, Field(gt=0, le=100)] = 10.0


class SweepSettings(_Table):
    """How a bias spectrum is taken.

    Attributes:
        settle_share: Share of the dwell before the measuring of each point begins.
        minimum_dwell: No point is measured faster, such as a lock-in needs [s].
        z_averaging: For which z is averaged before the feedback is cut [s].
        initial_settling: After the bias has gone to the first value [s].
        end_settling: After the last point [s].
        z_control: After the feedback is on again [s].
        z_hold: Whether the z loop is held.
    """

    settle_share: Annotated[float, Field(ge=0, lt=1)] = 0.2
    minimum_dwell: Annotated[Duration, Field(ge=0)] = 0.0
    z_averaging: Annotated[Duration, Field(ge=0)] = 50e-3
    initial_settling: Annotated[Duration, Field(ge=0)] = 50e-3
    end_settling: Annotated[Duration, Field(ge=0)] = 50e-3
    z_control: Annotated[Duration, Field(ge=0)] = 50e-3
    z_hold: bool = True


class NanonisSettings(DriverSettings):
    """A microscope with Nanonis electronics, over the TCP programming interface.

    Attributes:
        host: Computer on which the Nanonis software runs.
        ports: For actions, for supervision, and for the emergency stop; the last may be left out.
        release: Number of the Nanonis release ("R14718"); without it the controller is asked.
        image_channels: Channels of a scan.
        spectrum_channels: Channels of a spectrum.
        force_channel: Channel of a force curve, which turns it back at the trigger.
        channels: The signal of each channel, by name or as a table; one that is not listed is
            looked for by its own name ("Lateral phase (deg)" is ``lateral_phase``).
        bias_range: Narrows the range of the bias source [V].
        position_accuracy: How far the probe may be from where it was sent [m].
        move_speed: Of the probe between two points [m/s].
        move_settling: After each motion [s]; for estimates of time.
        scan_settling: Before the first line [s]; for estimates of time.
        overscan: Share of the line time that the turns take; for estimates of time.
        bias_step: The bias is changed in steps of at most this [V].
        bias_pause: Between two of these steps [s].
        z_limits: Lowest and highest z, set and confirmed by ``load`` [m].
        safe_tip: The controller's guard of the tip, armed and confirmed by ``load``.
        retreat_steps: Steps of the coarse motor away from the sample as the last resort, where a
            withdrawal fails and z was put up instead; 0 leaves the motor alone.
        retreat_direction: Which way is away from the sample.
        modulation: The lock-in's modulation; without it as the operator left it.
        drift: Drift compensation; without it as the operator left it.
        sweep: How a spectrum is taken.
        loop_slope: How steeply the signal that the z loop controls depends on z [1/m]: the decay of
            the current where that is the logarithm of a tunnelling current.
        approach_timeout: How long an approach may take [s].
        approach_time: How long ``load`` usually takes [s]; for estimates of time.
        stall_timeout: How much later than expected a line or a sweep may come [s].
        abilities: Optional instructions that this microscope can carry out.
    """

    kind: Literal["nanonis"] = "nanonis"
    host: str = "127.0.0.1"
    ports: Annotated[tuple[Port, ...], Field(min_length=2, max_length=3)] = (6501, 6502, 6503)
    release: Annotated[int, Field(gt=0)] | None = None
    image_channels: Annotated[tuple[str, ...], Field(min_length=1)] = ("height", "current")
    spectrum_channels: Annotated[tuple[str, ...], Field(min_length=1)] = ("current",)
    force_channel: str = "force"
    channels: dict[str, str | SignalSettings] = Field(default_factory=dict)
    bias_range: tuple[Bias, Bias] | None = None
    position_accuracy: Annotated[Length, Field(gt=0)] = 0.1e-9
    move_speed: Annotated[Speed, Field(gt=0)] = 20e-6
    move_settling: Annotated[Duration, Field(ge=0)] = 10e-3
    scan_settling: Annotated[Duration, Field(ge=0)] = 1.0
    overscan: Annotated[float, Field(ge=0)] = 0.1
    bias_step: Annotated[Bias, Field(gt=0)] = 50e-3
    bias_pause: Annotated[Duration, Field(ge=0)] = 10e-3
    z_limits: tuple[Length, Length] | None = None
    safe_tip: SafeTipSettings = SafeTipSettings()
    retreat_steps: Annotated[int, Field(ge=0, le=1000)] = 0
    retreat_direction: Literal["z+", "z-"] = "z+"
    modulation: ModulationSettings | None = None
    drift: DriftSettings | None = None
    sweep: SweepSettings = SweepSettings()
    loop_slope: Annotated[float, Field(gt=0)] = 2e10
    approach_timeout: Positive = 600.0
    approach_time: Positive = 35.0
    stall_timeout: Positive = 5.0
    abilities: tuple[Ability, ...] = ("condition_tip", "set_feedback")

    @model_validator(mode="after")
    def _are_ports_of_their_own(self) -> "NanonisSettings":
        if len(set(self.ports)) != len(self.ports):
            raise ValueError(f"ports must differ: each serves one connection, got {self.ports}")
        if self.z_limits is not None and not self.z_limits[0] < self.z_limits[1]:
            raise ValueError(f"z_limits must be lowest and highest [m], got {self.z_limits}")
        return self

    def open(self, clock: Clock, seed: int) -> "NanonisMicroscope":  # noqa: ARG002
        """Connect to the controller and read what it has.

        Raises:
            InstrumentError: It does not answer, or has no such signal.
        """
        from .microscope import NanonisMicroscope

        if not _is_loopback(self.host):
            _log.warning(
                "%s is another computer: whoever reaches its ports can move the tip, and what is "
                "said is not encrypted; see docs/drivers/nanonis.md",
                self.host,
            )
        return NanonisMicroscope(self, self.lines(), clock)

    def lines(self) -> Lines:
        """Return the connections, none of them open yet."""
        pairs = zip(ROLES, self.ports, strict=False)  # two ports will do
        given = [self._line(role, port) for role, port in pairs]
        return Lines(given[0], given[1], given[-1])

    def _line(self, role: str, port: int) -> Line:
        def opened() -> Link:
            link = TcpLink(self.host, port)
            return RecordingLink(link, _named(self.record, role)) if self.record else link

        # in an emergency there is no time to try again: there is another connection
        attempts = 1 if role == "stop" else 3
        return Line(f"Nanonis at {self.host}:{port}", opened, self.reply_timeout, attempts)


def _named(record: Path, role: str) -> Path:
    return record.with_stem(f"{record.stem}-{role}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(socket.gethostbyname(host)).is_loopback
    except OSError:
        return False
