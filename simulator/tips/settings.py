"""TipLifeSettings: how often a tip becomes another one, and how much of it changes."""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, model_validator

from spm_auto.units import Angle, Bias, Duration, Length

from ..checks import not_negative, positive, share


class TipLifeSettings(BaseModel):
    """What can happen to a tip; an amount of zero, or no time, switches it off.

    Attributes:
        change_time: Mean time of scanning between two changes of themselves [s]; None: never.
        rough_factor: How many times more often it changes over ground that the loop cannot follow.
        wear: Growth of the radius per way and load [m/(m N)].
        crash_change: Chance that a crash changes the tip.
        pulse_success: Chance that a pulse strong enough makes a good tip.
        poke_success: Chance that a poke deep enough does.
        clean_success: Chance that scanning a clean area hard does.
        worsening: Chance that any of them makes the tip worse.
        pulse_onset: Bias below which a pulse does nothing [V]; it works best from twice that on,
            and beyond four times it does ever more harm.
        poke_onset: Depth below which a poke does nothing [m]; likewise.
        offset: Standard deviation of the apparent step in height at a change [m].
        spread: Of the logarithm of radius and blur at a change.
        blunting: Mean rise of that logarithm at a change by force.
        exponent: Spread of the logarithm of the current's decay at a change.
        lowest_gain: Least sensitivity after a change.
        highest_gain: Largest.
        phase: Largest shift of the phase after a change, both ways [rad].
        twin: Chance that a changed tip has two ends.
        twin_distance: Median distance between them [m].
        twin_drop: Mean difference of their heights [m].
        damage: Radius of the surface hurt by the gentlest conditioning that works [m]; a strong one
            and a crash hurt up to four times as much.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    change_time: Annotated[Duration, positive("s")] | None = 1280.0
    rough_factor: Annotated[float, positive("1")] = 10.0
    wear: Annotated[float, not_negative("1/N")] = 1.0
    crash_change: Annotated[float, share()] = 0.8
    pulse_success: Annotated[float, share()] = 0.35
    poke_success: Annotated[float, share()] = 0.25
    clean_success: Annotated[float, share()] = 0.15
    worsening: Annotated[float, share()] = 0.1
    pulse_onset: Annotated[Bias, positive("V")] = 2.5
    poke_onset: Annotated[Length, positive("m")] = 0.3e-9
    offset: Annotated[Length, not_negative("m")] = 0.1e-9
    spread: Annotated[float, not_negative("1")] = 0.4
    blunting: Annotated[float, not_negative("1")] = 0.3
    exponent: Annotated[float, not_negative("1")] = 0.05
    lowest_gain: Annotated[float, positive("1")] = 0.5
    highest_gain: Annotated[float, positive("1")] = 2.0
    phase: Annotated[Angle, not_negative("rad")] = math.pi / 6
    twin: Annotated[float, share()] = 0.2
    twin_distance: Annotated[Length, positive("m")] = 2e-9
    twin_drop: Annotated[Length, not_negative("m")] = 50e-12
    damage: Annotated[Length, not_negative("m")] = 5e-9

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lowest_gain > self.highest_gain:
            raise ValueError(
                f"lowest_gain must not be above highest_gain, "
                f"got {self.lowest_gain:g} and {self.highest_gain:g}"
            )
        for name in ("pulse_success", "poke_success", "clean_success"):
            if getattr(self, name) + self.worsening > 1:
                raise ValueError(f"{name} and worsening must not add up to more than 1")
        return self

    @classmethod
    def none(cls) -> Self:
        """Return the life of a tip that nothing changes and that hurts nothing."""
        return cls.model_construct(
            change_time=None,
            wear=0.0,
            crash_change=0.0,
            pulse_success=0.0,
            poke_success=0.0,
            clean_success=0.0,
            worsening=0.0,
            damage=0.0,
        )
