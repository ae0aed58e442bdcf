"""The tune_scan step: from bad gains, set-points and line rates to good images, with few scans."""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...analysis import judge_image
from ...data import LOOK, TIP, Alarm, Finding
from ...errors import BudgetSpent, LimitExceeded
from ...instrument import Instruction, Scan, ScanImage, SetFeedback
from ...units import Frequency, Gain, Setpoint
from ...units import format as format_quantity
from ..requests import Note, Request
from .base import Outline, Step, StepContext, StepGenerator
from .settings import FrameSettings
from .tuning import Setting, Trial, TuningSearch, Windows

USUAL = {"quality": 0.1, "safe": 0.1, "compromise": 0.25, "fast": 0.5}  # of the window's logarithm
_NOTES = 4_000  # [bytes] what is noted of a trial

PositiveGain = Annotated[Gain, Field(gt=0)]
PositiveRate = Annotated[Frequency, Field(gt=0)]


class BeginSettings(BaseModel):
    """What is set now: ``{gain = "600 1/s", setpoint = "100 pA", line_rate = "4 Hz"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    gain: PositiveGain
    setpoint: Setpoint
    line_rate: PositiveRate

    @model_validator(mode="after")
    def _can_be_held(self) -> "BeginSettings":
        if not self.setpoint[0] > 0:
            raise ValueError(f"setpoint must be positive, got {_text(*self.setpoint)}")
        return self

    def setting(self) -> Setting:
        """Return it as a setting."""
        return Setting(self.gain, self.setpoint[0], self.line_rate)


class TuneScanStep(Step):
    """Scan a small frame with one setting of the loop after another until images are good.

    It begins with what is set now - or with what an earlier tuning of the run has found - and
    changes it by no more than a factor at once, and only from settings that were found safe. What
    it ends with stays set; the line rate is that of the images from here on only where the step
    takes one itself, as ``overview``.

    Attributes:
        frame: What is scanned: small, with all that later images will show.
        begin: What is set now.
        gain: Lowest and highest gain that may be tried.
        line_rate: Lowest and highest line rate; without them it stays.
        setpoint: Lowest and highest set-point; without them it stays.
        goal: What is wanted: "quality", "fast", "safe", or a "compromise" of the three.
        channel: The channel that shows the surface; empty for the first one.
        error: The channel that the loop holds, with the unit of the set-point; empty where there
            is none, and nothing tells how hard the tip is used.
        scans: How many images, at most.
        step: Largest factor by which a setting is changed at once.
        overshoot: Largest error over the set-point that counts as safe.
        overview: A frame that is scanned in the end, the tip as fast as it was found to be good.
    """

    kind: Literal["tune_scan"]
    frame: FrameSettings
    begin: BeginSettings
    gain: tuple[PositiveGain, PositiveGain]
    line_rate: tuple[PositiveRate, PositiveRate] | None = None
    setpoint: tuple[Setpoint, Setpoint] | None = None
    goal: Literal["quality", "fast", "safe", "compromise"] = "quality"
    channel: str = ""
    error: str = ""
    scans: Annotated[int, Field(ge=2, le=200)] = 12
    step: Annotated[float, Field(gt=1, le=10)] = 3.0
    overshoot: Annotated[float, Field(gt=0)] = 2.0
    overview: FrameSettings | None = None

    @model_validator(mode="after")
    def _begins_inside(self) -> "TuneScanStep":
        units = {unit for _, unit in (self.begin.setpoint, *(self.setpoint or ()))}
        if len(units) > 1:
            raise ValueError(f"setpoint is in {' and in '.join(sorted(units))}")
        start = self.begin.setting()
        parts = zip(("gain", "setpoint", "line_rate"), self._windows(), strict=True)
        for name, (low, high) in parts:
            if not 0 < low <= getattr(start, name) <= high:
                raise ValueError(
                    f"{name} must rise and hold what is set now, {getattr(start, name):g}, "
                    f"got {low:g} to {high:g}"
                )
        if self.frame.pixels[0] < 16:
            raise ValueError(f"a line of {self.frame.pixels[0]} pixels is not judged; 16 are")
        return self

    def preview(self, before: Scan | None) -> Sequence[Instruction]:  # noqa: ARG002
        """Return what is set now, as many images as there may be, and the overview.

        Nobody knows their line rates; those stand for them that such a goal has led to on average.
        """
        start = self.begin.setting()
        _, _, (low, high) = self._windows()
        usual = replace(start, line_rate=low * (high / low) ** USUAL[self.goal])
        known: list[Instruction] = [self._feedback(start), self._scan(start.line_rate)]
        known += [self._scan(usual.line_rate)] * (self.scans - 1)
        return [*known, *self._overview(usual)]

    def outline(self, before: Scan | None) -> Outline:  # noqa: ARG002
        """Return as many images as there may be, at rates that are likely.

        How fast is found out: the trials are taken to lie between the slowest rate and that of the
        beginning, on a scale of ratios, and what it ends with, unless it shall be fast, at the
        slowest.
        """
        start = self.begin.setting()
        slowest = start.line_rate if self.line_rate is None else self.line_rate[0]
        trial = math.sqrt(slowest * start.line_rate)
        last = start if self.goal == "fast" else replace(start, line_rate=slowest)
        tried = (self._feedback(start), self._scan(trial)) * self.scans
        return Outline(self.kind, (*tried, *self._overview(last)))

    def notes_size(self, before: Scan | None) -> int:  # noqa: ARG002
        """Return how many bytes the notes take, at most."""
        return (self.scans + 2) * _NOTES

    def run(self, context: StepContext) -> StepGenerator:
        """Tune."""
        search = TuningSearch(self._windows(), self.step, self.goal, self.overshoot)
        setting: Setting | None = context.knowledge.shared.get(self.kind, self.begin.setting())
        try:
            while setting is not None and len(search.trials) < self.scans:
                yield from self._try(search, setting)
                setting = search.next() if search.trials else None
        except BudgetSpent:
            if not search.trials:
                raise
            yield Note(self._finding(search, "the budget is spent"))
            return None
        if not search.trials:
            raise LimitExceeded("gain", self.begin.gain, self.gain, "1/s", "what is set now")
        if search.has_crashed:
            peak = search.trials[-1].quality.peak
            said = f"the loop's error was {peak:.0f} times its set-point: the tip may have changed"
            yield Note(Alarm(f"{said}; the tuning ends", TIP))
        best = search.trials[search.best()].setting
        yield self._feedback(best)
        context.knowledge.shared[self.kind] = best
        yield Note(self._finding(search, "" if setting is None else "no scan is left"))
        image = context.images[-1] if context.images else None
        for scan in self._overview(best):
            image = yield scan
        return image

    def _try(self, search: TuningSearch, setting: Setting) -> Generator[Request, Any, None]:
        """Scan with a setting, and hear what the image is like."""
        try:
            yield self._feedback(setting)
            image: ScanImage = yield self._scan(setting.line_rate)
        except LimitExceeded as error:  # it is not tried again
            search.refuse(setting, error)
            yield Note(Finding("tuning", f"{self._words(setting)} is refused: {error}"))
            return
        held = setting.setpoint if self.error else None
        trial = Trial(setting, judge_image(image, self.channel, self.error, held))
        search.trials.append(trial)
        quality = trial.quality
        reason = _reason(trial)
        said = f"{len(search.trials)}: {self._words(setting)}: score {quality.score:.2f}{reason}"
        yield Note(Finding("tuning", said, {**_values(setting), **_parts(trial)}))

    def _finding(self, search: TuningSearch, ending: str) -> Finding:
        """Say what was found, with all that was tried."""
        trials, best, front = search.trials, search.best(), search.front()
        found = trials[best]
        said = (
            f"best for {self.goal!r}: {self._words(found.setting)}, score "
            f"{found.quality.score:.2f} after {len(trials)} images, from "
            f"{trials[0].quality.score:.2f}; {len(front)} of them are no worse than any other "
            f"in quality, speed and safety at once"
        )
        values: dict[str, Any] = {
            "gains": [trial.setting.gain for trial in trials],
            "setpoints": [trial.setting.setpoint for trial in trials],
            "line_rates": [trial.setting.line_rate for trial in trials],
            "scores": [trial.quality.score for trial in trials],
            "peaks": [trial.quality.peak for trial in trials],
            "worths": search.worths(),
            "front": front,
            "best": best,
            **_values(found.setting),
            "score": found.quality.score,
        }
        return Finding("tuning", f"{said}; {ending}" if ending else said, values)

    def _windows(self) -> Windows:
        start = self.begin.setting()
        setpoint = self.setpoint or (self.begin.setpoint, self.begin.setpoint)
        rate = self.line_rate or (start.line_rate, start.line_rate)
        return self.gain, (setpoint[0][0], setpoint[1][0]), rate

    def _feedback(self, setting: Setting) -> SetFeedback:
        return SetFeedback(setpoint=setting.setpoint, gain=setting.gain)

    def _scan(self, line_rate: float) -> Scan:
        names = (self.channel, self.error) if self.channel and self.error else ()
        return Scan(self.frame.frame(), tuple(dict.fromkeys(names)), line_rate, LOOK)

    def _overview(self, setting: Setting) -> list[Scan]:
        """Return the image in the end, the tip as fast as on the small frame."""
        if self.overview is None:
            return []
        rate = setting.line_rate * self.frame.size[0] / self.overview.size[0]
        return [Scan(self.overview.frame(), (), rate, "overview")]

    def _words(self, setting: Setting) -> str:
        return (
            f"gain {setting.gain:.3g} /s, {_text(setting.setpoint, self.begin.setpoint[1])}, "
            f"{setting.line_rate:.3g} lines/s"
        )


def _text(value: float, unit: str) -> str:
    return format_quantity(value, unit, 3)


def _reason(trial: Trial) -> str:
    """Say what is wrong with an image, in a few words."""
    quality = trial.quality
    if trial.oscillates:
        return ", the loop oscillates"
    if quality.agreement < 0.5:
        return ", the loop comes late"
    if quality.common < 0.5:
        return ", noise prevails"
    return ""


def _values(setting: Setting) -> dict[str, float]:
    return {
        "gain": setting.gain,
        "setpoint": setting.setpoint,
        "line_rate": setting.line_rate,
    }


def _parts(trial: Trial) -> dict[str, float]:
    quality = trial.quality
    names = ("score", "agreement", "common", "calm", "ringing", "scars", "error", "peak")
    return {name: getattr(quality, name) for name in names}
