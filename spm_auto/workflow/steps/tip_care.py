"""TipCare: looks at the tip every now and then, and conditions it when it has become a bad one."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...analysis import likeness
from ...data import LOOK, TIP, Alarm, SpectraDoubted
from ...errors import LimitExceeded
from ...instrument import ConditionTip, FloatArray, Instruction, Scan, ScanImage
from ...units import Bias, Duration, Frequency, Length
from ...units import format as format_quantity
from ..requests import Note, Request
from .settings import FrameSettings


class Tip(StrEnum):
    """What a look at the tip came to; mended means that it was bad, and is good again."""

    GOOD = "good"
    MENDED = "mended"
    BAD = "bad"


Looking = Generator[Request, Any, Tip]


class TipSettings(BaseModel):
    """How the tip is looked after while an agent explores.

    The tip with which the run begins is the measure: it has been made good by a human. A small
    image of always the same place shows how much it still resolves.

    Attributes:
        reference: The place, a few atoms wide, and how finely it is scanned.
        parking: Where the tip is pulsed; what that leaves on the surface must do no harm.
        channel: Channel of the image; empty for the first one.
        line_rate: Lines per second [Hz].
        every: After how many spectra it is looked.
        flags: After how many spectra in a row that are no good it is looked at once.
        least: Share of the corrugation that the first tip showed, below which a tip is bad.
        even: How even it must show the rows of atoms of different directions, in units of what the
            first tip showed: below it a tip has two ends, however sharp. None: that is not looked
            at, as for a reference without rows of atoms.
        pulses: Biases to try; what has helped most often comes first [V].
        duration: Of each pulse [s].
        most: Pulses in a row after which a tip is given up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reference: FrameSettings
    parking: tuple[Length, Length]
    channel: str = ""
    line_rate: Annotated[Frequency, Field(gt=0)] = 5.0
    every: Annotated[int, Field(ge=1)] = 20
    flags: Annotated[int, Field(ge=1)] = 3
    least: Annotated[float, Field(gt=0, lt=1)] = 0.8
    even: Annotated[float, Field(gt=0, lt=1)] | None = None
    pulses: Annotated[tuple[Bias, ...], Field(min_length=1)] = (5.0, 7.0, 4.0)
    duration: Annotated[Duration, Field(gt=0)] = 10e-3
    most: Annotated[int, Field(ge=1, le=1000)] = 20

    @field_validator("pulses")
    @classmethod
    def _are_pulses(cls, pulses: tuple[float, ...]) -> tuple[float, ...]:
        if 0 in pulses:
            raise ValueError("a pulse of 0 V is none")
        return pulses

    def scan(self) -> Scan:
        """Return the scan that shows the tip."""
        channels = (self.channel,) if self.channel else ()
        return Scan(self.reference.frame(), channels, self.line_rate, LOOK)

    def pulse(self, bias: float) -> ConditionTip:
        """Return a pulse [V]."""
        return ConditionTip(*self.parking, bias=bias, duration=self.duration)

    def preview(self) -> list[Instruction]:
        """Return all instructions that may be given."""
        return [self.scan(), *(self.pulse(bias) for bias in self.pulses)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a look showed of what the first one did.

    Attributes:
        share: Of its corrugation; of the first look the corrugation itself.
        evenness: See `spm_auto.analysis.Likeness`; 1 where nobody asks.
    """

    share: float
    evenness: float = 1.0

    def __str__(self) -> str:
        if math.isfinite(self.share) and self.evenness < 1:
            return (
                f"the tip shows {self.share:.0%} of the corrugation that it showed at first, and "
                f"some rows {self.evenness:.0%} as high as others"
            )
        return f"the tip shows {self.share:.0%} of the corrugation that it showed at first"


class TipCare:
    """What is known of a run's tip, from step to step; a step yields from its methods.

    It decides by what is on record alone, so that a run that goes on decides as it did then.

    Args:
        settings: How closely it looks, and what it tries.

    Attributes:
        trusted_until: Instrument time of the last look that found the tip good [s].
        doubted: From when until when what was measured is doubted, each time [s].
    """

    def __init__(self, settings: TipSettings) -> None:
        self.settings = settings
        self.trusted_until = -math.inf
        self.doubted: list[tuple[float, float]] = []
        self._first = math.nan  # what the first tip showed
        self._first_image: ScanImage | None = None
        self._n_spectra = 0  # since the last look
        self._n_flags = 0  # in a row
        self._is_suspected = False
        self._tried = dict.fromkeys(settings.pulses, 0)
        self._helped = dict.fromkeys(settings.pulses, 0)

    def taken(self) -> None:
        """Hear that a spectrum was taken."""
        self._n_spectra += 1

    def judged(self, flag: str) -> None:
        """Hear what is wrong with a spectrum; an empty flag for a good one."""
        self._n_flags = self._n_flags + 1 if flag else 0

    def suspect(self) -> None:
        """Hear that the tip may have changed."""
        self._is_suspected = True

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        settings = self.settings
        is_odd = self._is_suspected or self._n_flags >= settings.flags
        return is_odd or self._n_spectra >= settings.every

    def keep(self) -> Looking:
        """Look at the tip, and make a bad one good again, with pulses where they do no harm.

        Returns:
            How it is now; bad when all that may be tried has been tried.
        """
        image, shown = yield from self._look()
        if math.isnan(self._first):
            return (yield from self._begin(image, shown.share))
        if self._is_bad(shown):  # once may be chance
            image, shown = yield from self._look()
        if not self._is_bad(shown):
            self.trusted_until = image.end_time
            return Tip.GOOD
        reason = str(shown)
        yield Note(Alarm(f"{reason}; it is conditioned", TIP))
        self.doubted.append((self.trusted_until, image.end_time))
        yield Note(SpectraDoubted(self.trusted_until, image.end_time, reason))
        return (yield from self._condition())

    def _begin(self, image: ScanImage, shown: float) -> Looking:
        if not shown > 0:
            yield Note(Alarm("the reference shows nothing that a tip could be judged by", TIP))
            return Tip.BAD
        self._first, self._first_image = shown, image
        self.trusted_until = image.end_time
        return Tip.GOOD

    def _condition(self) -> Looking:
        """Try pulses until one has helped, the promising ones first."""
        for number in range(1, self.settings.most + 1):
            bias = self._promising()
            try:
                yield self.settings.pulse(bias)
            except LimitExceeded as error:  # the place has had as many as the laboratory allows
                yield Note(Alarm(f"the tip cannot be conditioned any more: {error}", TIP))
                return Tip.BAD
            self._tried[bias] += 1
            image, shown = yield from self._look()
            if not self._is_bad(shown):
                self._helped[bias] += 1
                self.trusted_until = image.end_time
                said = f"pulse {number}, of {format_quantity(bias, 'V')}, made the tip good again"
                yield Note(Alarm(said, TIP))
                return Tip.MENDED
        yield Note(Alarm(f"{self.settings.most} pulses did not make the tip good again", TIP))
        return Tip.BAD

    def _promising(self) -> float:
        """Return the pulse that has helped most often for its attempts, as Laplace counts them."""
        return max(self._tried, key=lambda bias: (self._helped[bias] + 1) / (self._tried[bias] + 2))

    def _look(self) -> Generator[Request, Any, tuple[ScanImage, Shown]]:
        image: ScanImage = yield self.settings.scan()
        self._n_spectra = self._n_flags = 0
        self._is_suspected = False
        shown = math.sqrt((corrugation(image.forward[0]) + corrugation(image.backward[0])) / 2)
        if self._first_image is None:
            return image, Shown(shown)
        evenness = 1.0
        if self.settings.even is not None:
            evenness = likeness(image, self._first_image, self.settings.channel).evenness
        return image, Shown(shown / self._first, evenness)

    def _is_bad(self, shown: Shown) -> bool:
        settings = self.settings
        is_good = shown.share >= settings.least and shown.evenness >= (settings.even or 0.0)
        return not is_good  # what is no number is bad


def corrugation(lines: FloatArray) -> float:
    """Return the mean square of what neighbouring pixels have in common, noise left out.

    Args:
        lines: A channel, shape [line, pixel]; each line is levelled.

    Returns:
        In the channel's unit, squared; NaN where a line is missing.
    """
    if not np.isfinite(lines).all():
        return math.nan
    along = np.arange(lines.shape[1]) - (lines.shape[1] - 1) / 2
    level = lines - lines.mean(axis=1, keepdims=True)
    level = level - np.outer(level @ along / (along @ along), along)
    return max(float(np.mean(level[:, :-1] * level[:, 1:])), 0.0)
