"""ScannerSettings: how far the tip really goes from where it is sent, amount by amount."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.units import Angle, Duration, Frequency, Length, Speed

from ..checks import not_negative, positive, within
from .hysteresis import PlayOperators

CLOSED_LOOP = 0.05  # of creep and hysteresis is left where sensors hold the position

Preset = Literal["perfect", "room_temperature_afm", "room_temperature_stm", "low_temperature_stm"]
Amount = Annotated[Length, not_negative("m")]
Slope = Annotated[Angle, within(-math.pi / 4, math.pi / 4, "rad")]

PRESETS: dict[str, dict[str, str | float | bool]] = {
    "perfect": {},
    "room_temperature_afm": {
        "sensitivity_error_x": 0.005,
        "sensitivity_error_y": -0.003,
        "skew": "0.1 deg",
        "tilt_x": "0.3 deg",
        "tilt_y": "-0.2 deg",
        "bow": "60 nm",
        "closed_loop": True,
        "creep": 0.03,
        "hysteresis": 0.13,
        "calibrated_size": 0.05,
        "drift": "0.015 nm/s",
        "z_drift": "0.005 nm/s",
        "random_walk": "20 pm",
        "warm_up": "40 nm",
        "temperature": "2 nm",
        "sensor_noise": "0.1 nm",
    },
    "room_temperature_stm": {
        "sensitivity_error_x": 0.02,
        "sensitivity_error_y": -0.015,
        "skew": "0.5 deg",
        "tilt_x": "0.5 deg",
        "tilt_y": "-0.3 deg",
        "bow": "6 pm",
        "creep": 0.03,
        "hysteresis": 0.04,
        "calibrated_size": 0.02,
        "drift": "0.05 nm/s",
        "z_drift": "0.02 nm/s",
        "random_walk": "20 pm",
        "warm_up": "100 nm",
        "temperature": "2 nm",
    },
    "low_temperature_stm": {
        "sensitivity_error_x": 0.02,
        "sensitivity_error_y": -0.015,
        "skew": "0.5 deg",
        "tilt_x": "0.5 deg",
        "tilt_y": "-0.3 deg",
        "bow": "6 pm",
        "creep": 0.01,
        "hysteresis": 0.04,
        "calibrated_size": 0.02,
        "drift": "0.1 pm/s",
        "z_drift": "0.05 pm/s",
        "random_walk": "2 pm",
        "warm_up": "1 nm",
    },
}


class ScannerSettings(BaseModel):
    """A scanner and its faults; an amount of zero switches a layer off, exactly.

    What is not said is taken from the preset, so that a lab file names only what differs.

    Attributes:
        preset: The scanner that everything else starts from.
        sensitivity_error_x: By which share x goes too far, with sign.
        sensitivity_error_y: By which share y goes too far, with sign.
        skew: By how much the y axis leans towards negative x [rad].
        tilt_x: Slope of the sample along x [rad].
        tilt_y: Slope of the sample along y [rad].
        bow: Height by which the scanner's plane curves up at half its range [m].
        closed_loop: Whether sensors hold the position: creep and hysteresis shrink to a twentieth,
            and the noise of the sensors moves the tip. Drift is beyond them.
        creep: Share of a step that is added in each decade of time after it.
        creep_onset: When after a step the position is right [s].
        hysteresis: Opening between forward and backward at the full range, as a share of it.
        hysteresis_exponent: The opening of smaller frames falls as their size to this power.
        hysteresis_operators: Play operators that make it up, four for each decade of amplitude.
        calibrated_size: Size of the frame whose scale is right in spite of the hysteresis, as a
            share of the full range.
        drift: Speed of the steady drift along the sample; the seed gives the direction [m/s].
        z_drift: Speed of the drift in height, with sign [m/s].
        random_walk: Standard deviation of the unsteady drift after one second, each axis [m].
        warm_up: Way that it creeps away after a load, in all [m].
        warm_up_time: Time in which it slows down to 1/e [s].
        temperature: Amplitude of the sway with the temperature of the room [m].
        temperature_period: Its period [s].
        sensor_noise: Of each position sensor, rms within its bandwidth; in closed loop only [m].
        sensor_bandwidth: Corner frequency of that noise [Hz].
        samples_per_pixel: How many places of a pixel the tip is followed through.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    preset: Preset = "room_temperature_afm"

    sensitivity_error_x: Annotated[float, within(-0.5, 0.5, "1")] = 0.0
    sensitivity_error_y: Annotated[float, within(-0.5, 0.5, "1")] = 0.0
    skew: Slope = 0.0
    tilt_x: Slope = 0.0
    tilt_y: Slope = 0.0
    bow: Annotated[Length, within(-math.inf, math.inf, "m")] = 0.0
    closed_loop: bool = False

    creep: Annotated[float, within(0, 0.2, "1")] = 0.0
    creep_onset: Annotated[Duration, positive("s")] = 0.1
    hysteresis: Annotated[float, within(0, 0.2, "1")] = 0.0
    hysteresis_exponent: Annotated[float, within(0, 2, "1")] = 0.3
    hysteresis_operators: int = Field(default=14, ge=4, le=40)
    calibrated_size: Annotated[float, within(1e-3, 1, "1")] = 1.0

    drift: Annotated[Speed, not_negative("m/s")] = 0.0
    z_drift: Annotated[Speed, within(-math.inf, math.inf, "m/s")] = 0.0
    random_walk: Amount = 0.0
    warm_up: Amount = 0.0
    warm_up_time: Annotated[Duration, positive("s")] = 3600.0
    temperature: Amount = 0.0
    temperature_period: Annotated[Duration, positive("s")] = 1800.0
    sensor_noise: Amount = 0.0
    sensor_bandwidth: Annotated[Frequency, positive("Hz")] = 100.0

    samples_per_pixel: int = Field(default=4, ge=1, le=64)

    @classmethod
    def perfect(cls) -> Self:
        """Return the scanner that goes where it is sent."""
        return cls(preset="perfect")

    @classmethod
    def room_temperature_afm(cls) -> Self:
        """Return a closed-loop scanner in air, as for contact modes; its range is 100 um."""
        return cls(preset="room_temperature_afm")

    @classmethod
    def room_temperature_stm(cls) -> Self:
        """Return an open-loop tube at room temperature; its range is 1 um."""
        return cls(preset="room_temperature_stm")

    @classmethod
    def low_temperature_stm(cls) -> Self:
        """Return an open-loop tube at 4 K; its range is 1 um."""
        return cls(preset="low_temperature_stm")

    @property
    def is_perfect(self) -> bool:
        """Whether every amount is zero."""
        return not any(getattr(self, name) for name in AMOUNTS)

    @property
    def left_by_sensors(self) -> float:
        """Which share of creep and hysteresis the sensors leave."""
        return CLOSED_LOOP if self.closed_loop else 1.0

    def play_operators(self, full_range: float) -> PlayOperators:
        """Return the hysteresis of a scanner of this range [m]."""
        return PlayOperators.of(
            self.left_by_sensors * self.hysteresis,
            self.hysteresis_exponent,
            self.hysteresis_operators,
            full_range / 2,
            self.calibrated_size,
        )

    @model_validator(mode="before")
    @classmethod
    def _start_from_preset(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        name = table.get("preset", cls.model_fields["preset"].default)
        return {**PRESETS.get(name, {}), **table} if isinstance(name, str) else table

    @model_validator(mode="after")
    def _hysteresis_can_be(self) -> Self:
        self.play_operators(full_range=1.0)
        return self


AMOUNTS = (
    "sensitivity_error_x",
    "sensitivity_error_y",
    "skew",
    "tilt_x",
    "tilt_y",
    "bow",
    "creep",
    "hysteresis",
    "drift",
    "z_drift",
    "random_walk",
    "warm_up",
    "temperature",
    "sensor_noise",
)  # what moves the tip away from where it is sent
