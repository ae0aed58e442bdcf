"""feedback: a z loop that lags or rings; when does it begin to, and what gain is right?"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from spm_auto.instrument import Scan, ScanFrame, SetFeedback
from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark

from ..feedback import FeedbackSettings, critical_gain
from ..techniques.stm.technique import StmTechnique
from .behind import behind, chance

FRAME = ScanFrame((0.0, 0.0), (12e-9, 3e-9), (256, 32))
LINE_RATE = 4.0  # [Hz]
RESONANCES = (450.0, 900.0)  # of the z piezo [Hz]
QUALITIES = (5.0, 15.0)
SLOW, FAST = (0.03, 0.1), (1.15, 1.5)  # gain at the beginning, in units of the critical one
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the critical gain, tried for the best
MARGIN = 1.2  # by which a good gain can be turned up before the loop rings
GOOD, FAIR = 1.35, 2.0  # error of a good and of a fair gain, in units of the least

_LAB = """\
schema_version = 1
laboratory = "feedback"

[instrument]
kind = "simulator"
level = 2
sample = {{ kind = "au111", size = "30 nm", adatoms = 60, vacancies = 0, steps = 1 }}
scanner = {{ preset = "perfect" }}

[instrument.technique]
kind = "stm"
feedback = {{ gain = {gain:.1f}, resonance = "{resonance:.2f} Hz", quality = {quality:.3f} }}

[limits]
scan_speed = "1 um/s"

[watchdog] # a loop that rings is what this is about
error = 1e6
settle = "1 h"
threshold = "1 uA"

[clock]
kind = "instant"
"""


class Feedback(Lesson):
    """What the z loop does to an image."""

    number = 2
    name = "feedback"
    title = "What the feedback does"
    questions: ClassVar[Mapping[str, Question]] = {
        "found": Question(
            "As you find it, before you change anything: does the loop lag, or does it ring?",
            options=("lags", "rings"),
        ),
        "critical": Question("From which gain on does it ring?", unit="1/s"),
        "resonance": Question("At which frequency does it ring?", unit="Hz"),
        "setting": Question(
            "Which gain would you use for a frame of 12 nm x 3 nm, 256 x 32 pixels, around the "
            "origin at 4 lines/s? It has to be quiet even when it is turned up by a fifth.",
            unit="1/s",
            points=2.0,
        ),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "critical": Tolerance(0.12, is_share=True),
        "resonance": Tolerance(0.04, is_share=True),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: the piezo and the gain at the beginning are drawn."""
        rng = chance(self, seed)
        loop = FeedbackSettings(
            resonance=f"{rng.uniform(*RESONANCES):.2f} Hz",  # type: ignore[arg-type]
            quality=round(float(rng.uniform(*QUALITIES)), 3),
        )
        share = float(rng.uniform(*(SLOW if rng.random() < 0.5 else FAST)))
        gain = share * critical_gain(loop)
        return _LAB.format(gain=gain, resonance=loop.resonance, quality=loop.quality)

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return how the loop is found, where it rings and how fast, and the gain that is best."""
        told, critical = self._told(seed)
        gains = [share * critical for share in SHARES if MARGIN * share < 1]
        return told | {"setting": gains[int(np.argmin(self._errors(seed, gains)))]}

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers; a gain is marked by what it does, not by what it is."""
        told, critical = self._told(seed)
        marks = [
            mark(name, self.questions[name], answers[name], truth, self.tolerances.get(name))
            for name, truth in told.items()
        ]
        return [*marks, self._setting(seed, answers["setting"], critical)]

    def _told(self, seed: int) -> tuple[dict[str, Answer], float]:
        """Return what is true of the loop as it is found, and its critical gain [1/s]."""
        loop = _loop(behind(self, seed).truth.technique)
        critical = critical_gain(loop)
        found = "rings" if loop.gain > critical else "lags"
        return {"found": found, "critical": critical, "resonance": loop.resonance}, critical

    def _setting(self, seed: int, gain: Answer, critical: float) -> Mark:
        most = self.questions["setting"].points
        if not isinstance(gain, float) or gain <= 0:
            return Mark("setting", 0.0, most, "not right: no gain of a loop")
        if gain >= critical:
            return Mark("setting", 0.0, most, "not right: the loop rings")
        own, *others = self._errors(seed, [gain, *(share * critical for share in SHARES)])
        ratio, is_near = own / min(others), MARGIN * gain >= critical
        if ratio <= GOOD and not is_near:
            return Mark("setting", most, most, "right: quiet, and it follows")
        if ratio <= FAIR:
            why = "it is near to ringing" if is_near else "it could follow better"
            return Mark("setting", most / 2, most, f"near: {why}")
        return Mark("setting", 0.0, most, "not right: it lags")

    def _errors(self, seed: int, gains: Sequence[float]) -> list[float]:
        """Return the rms error of the loop in a scan of `FRAME` with each gain [A]."""
        stage = behind(self, seed)
        before, errors = stage.truth.snapshot(), []
        for gain in gains:
            stage.microscope.set_feedback(SetFeedback(gain=gain))
            image = stage.image(Scan(FRAME, ("current",), LINE_RATE))
            errors.append(float(np.std(image.forward[0])))
            stage.truth.restore(before)
        return errors


def _loop(technique: object) -> FeedbackSettings:
    if not isinstance(technique, StmTechnique):
        raise TypeError("this microscope is no tunnelling microscope")
    return technique.settings.feedback
