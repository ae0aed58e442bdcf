"""LockInSettings: what a lab file says of an SR830 beside a microscope."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.instrument import DataFile
from spm_auto.units import Angle, Bias, Duration, Frequency
from spm_auto.wire import sr830 as wire


class LockInSettings(BaseModel):
    """How the lock-in is reached, set and wired.

    Its sine goes over a divider onto the bias; its input measures what the preamplifier gives out.

    Attributes:
        port: Of the serial line, or a URL of pyserial.
        baudrate: Bits per second, as set at its front panel.
        rtscts: Whether the line uses hardware handshake.
        modulation: Of the bias at the junction, effective value [V].
        divider: Volts of its sine per volt at the junction.
        gain: Of the preamplifier [V/A].
        frequency: Of the modulation [Hz].
        phase: Of the reference [rad].
        time_constant: Of its low-pass, one of the steps that it has [s].
        slope: Of its low-pass [dB/octave]: 6, 12, 18 or 24.
        sensitivity: Full scale, one of the steps that it has [V].
        settling: Time constants that are waited after each step of the bias, 5 at least.
        reply_timeout: How long an answer may take [s].
        pause: After a setting, before the next word [s].
        record: A file for every byte that goes over the wire.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    port: str
    baudrate: int = Field(default=19200, gt=0)
    rtscts: bool = False
    modulation: Annotated[Bias, Field(gt=0)] = 5e-3
    divider: Annotated[float, Field(gt=0)] = 100.0
    gain: Annotated[float, Field(gt=0)] = 100e6
    frequency: Annotated[Frequency, Field(ge=1e-3, le=102e3)] = 800.0
    phase: Angle = 0.0
    time_constant: Annotated[Duration, Field(gt=0)] = 10e-3
    slope: int = 12
    sensitivity: Annotated[Bias, Field(gt=0)] = 10e-3
    settling: float = Field(default=5.0, ge=5.0)
    reply_timeout: Annotated[Duration, Field(gt=0)] = 3.0
    pause: Annotated[Duration, Field(ge=0)] = 10e-3
    record: DataFile | None = None

    @model_validator(mode="after")
    def _has_these_steps(self) -> Self:
        wire.index_of(self.time_constant, wire.TIME_CONSTANTS, "time constant", "s")
        wire.index_of(self.sensitivity, wire.SENSITIVITIES, "sensitivity", "V")
        if self.slope not in wire.SLOPES:
            raise ValueError(f"slope must be one of {wire.SLOPES} dB/octave, got {self.slope}")
        if not 4e-3 <= self.sine <= 5.0:
            raise ValueError(
                f"modulation times divider must lie between 4 mV and 5 V, the range of the sine; "
                f"got {self.sine:g} V"
            )
        return self

    @property
    def sine(self) -> float:
        """Amplitude of the sine that gives the modulation, effective value [V]."""
        return self.modulation * self.divider

    @property
    def wait(self) -> float:
        """Time after each step of the bias until the output has settled [s]."""
        return self.settling * self.time_constant
