"""Tuning a scan from bad settings, on the simulator: the step `tune_scan` against an expert's rule.

A tunnelling microscope (level 2: real loop and noise) scans a gold surface with adatoms. Gain, line
rate and set-point are drawn at random, until the image is a bad one: its error is more than half of
the surface's rms height. Then either `tune_scan` with one of its goals, or the rule, puts it right:

    set the line rate so that the tip moves at 40 nm/s; raise the gain by half as much again until
    the loop oscillates; halve it.

The error is that of an image of another place that is taken with what was found: rms of the image
less the surface of constant current of the same tip, each line straightened and moved along itself
by whole pixels to where it fits best. The scanner is a perfect one for that image, so that what is
wrong is the loop's and the noise's. Minutes are those of the tuning.

``python benchmarks/workflow_tuning.py --seeds 10``
"""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from tables import spread, table

from spm_auto.analysis import judge_image, straightened
from spm_auto.data import Finding
from spm_auto.instrument import Scan, ScanFrame, ScanImage, SetFeedback
from spm_auto.simulator import ScannerSettings, SimulatorSettings
from spm_auto.simulator.tasks.stage import mount
from spm_auto.simulator.techniques.stm import StmTechnique
from spm_auto.workflow import Note, StepContext, TuneScanStep
from spm_auto.workflow.steps.tuning import Setting, Trial

FRAME = ScanFrame((0.0, 0.0), (20e-9, 5e-9), (96, 24))  # that is tuned on
ELSEWHERE = ScanFrame((30e-9, 20e-9), (20e-9, 10e-9), (96, 48))  # that is judged
GAINS, RATES, CURRENTS = (10.0, 10e3), (0.5, 30.0), (30e-12, 1e-9)
BAD = 0.5  # error over the surface's rms height, from which an image is bad
SPEED = 40e-9  # of the tip, by the expert's rule [m/s]
RAISE, MOST = 1.5, 20
LAGS = range(-6, 7)  # [pixel]
RULE = "expert's rule"
GOALS = ("quality", "fast", "safe", "compromise")


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuning came to.

    Attributes:
        before: Error of an image as it was set at first, over the surface's rms height.
        after: And as it was set in the end.
        minutes: That it took.
        scans: Images that it took.
        line_rate: In the end [Hz].
        peak: Largest current over the set-point that its images showed, the first one left out.
        crashes: How often the tip ran into the surface, the first image left out.
    """

    before: float
    after: float
    minutes: float
    scans: int
    line_rate: float
    peak: float
    crashes: int


class Microscope:
    """A tunnelling microscope over gold, that counts what is done with it.

    Args:
        seed: Of surface and noise.
        is_perfect: Whether its scanner is a perfect one.
    """

    def __init__(self, seed: int, is_perfect: bool = False) -> None:
        sample = {"kind": "au111", "size": "128 nm", "adatoms": 250, "vacancies": 0, "steps": 0}
        technique = {"kind": "stm", "tip_life": {"change_time": None}}
        settings = SimulatorSettings.model_validate({"sample": sample, "technique": technique})
        if is_perfect:
            settings = settings.model_copy(update={"scanner": ScannerSettings.perfect()})
        self.stage = mount(settings, seed)
        self.peaks: list[float] = []
        self.crashes: list[int] = []

    @property
    def technique(self) -> StmTechnique:
        """The truth about tip and loop."""
        technique = self.stage.truth.technique
        assert isinstance(technique, StmTechnique)
        return technique

    def set(self, feedback: SetFeedback) -> None:
        """Set the loop."""
        self.stage.microscope.set_feedback(feedback)

    def scan(self, scan: Scan) -> ScanImage:
        """Take an image."""
        image = self.stage.image(scan)
        if "current" in scan.channels:
            setpoint = self.technique.held.setpoint
            self.peaks.append(float(np.max(np.abs(image.channel("current")))) / setpoint)
            events = self.technique.tip_history
            self.crashes.append(sum(event.kind == "crash" for event in events))
        return image


def error_of(seed: int, setting: Setting) -> float:
    """Return the error of an image with a setting, over the surface's rms height."""
    microscope = Microscope(seed, is_perfect=True)
    microscope.set(feedback(setting))
    truth = microscope.technique.over_sample().topography(*ELSEWHERE.positions())[0]
    truth = straightened(truth)
    image = microscope.scan(Scan(ELSEWHERE, ("height",), setting.line_rate))
    seen, inner = straightened(image.channel("height")), slice(len(LAGS), -len(LAGS))
    errors = [np.std((np.roll(seen, lag, axis=1) - truth)[:, inner]) for lag in LAGS]
    return float(min(errors) / np.std(truth[:, inner]))


def feedback(setting: Setting) -> SetFeedback:
    """Return how a loop is set."""
    return SetFeedback(setpoint=setting.setpoint, gain=setting.gain)


def bad_setting(seed: int) -> tuple[Setting, float]:
    """Draw settings until they are bad; returns them with the error of their image."""
    rng = np.random.default_rng([seed, 7])
    low, high = np.log(np.array([GAINS, CURRENTS, RATES])).T
    while True:
        setting = Setting(*np.exp(rng.uniform(low, high)).tolist())
        error = error_of(seed, setting)
        if error > BAD:
            return setting, error


def by_step(microscope: Microscope, start: Setting, goal: str) -> Setting:
    """Let the step tune."""
    size = tuple(f"{length!r} m" for length in FRAME.size)
    table = {
        "kind": "tune_scan",
        "frame": {"center": ("0 nm", "0 nm"), "size": size, "pixels": FRAME.pixels},
        "begin": {
            "gain": f"{start.gain!r} 1/s",
            "setpoint": f"{start.setpoint!r} A",
            "line_rate": f"{start.line_rate!r} Hz",
        },
        "gain": tuple(f"{gain} 1/s" for gain in GAINS),
        "line_rate": tuple(f"{rate} Hz" for rate in RATES),
        "setpoint": tuple(f"{current!r} A" for current in CURRENTS),
        "goal": goal,
        "channel": "height",
        "error": "current",
    }
    step = TuneScanStep.model_validate(table).run(StepContext(0, 0))
    found, answer = start, None
    try:
        while True:
            request: Any = step.send(answer)
            answer = None
            match request:
                case SetFeedback():
                    microscope.set(request)
                case Scan():
                    answer = microscope.scan(request)
                case Note(event=Finding(values=values)):
                    found = Setting(values["gain"], values["setpoint"], values["line_rate"])
    except StopIteration:
        return found


def by_rule(microscope: Microscope, start: Setting) -> Setting:
    """Set the speed, and raise the gain until the loop oscillates; then halve it.

    The loop oscillates where the image says so, or where the largest current is above three times
    the set-point and has risen with the gain. What has been raised beyond the window is halved too.
    """
    rate = SPEED / (2 * FRAME.size[0])
    gain, danger, has_oscillated = start.gain, math.inf, False
    for _ in range(MOST):
        setting = Setting(gain, start.setpoint, rate)
        microscope.set(feedback(setting))
        image = microscope.scan(Scan(FRAME, ("height", "current"), rate))
        trial = Trial(setting, judge_image(image, "height", "current", setting.setpoint))
        is_over = trial.oscillates or trial.danger > max(danger, math.log(3))
        if has_oscillated and not is_over:
            return setting
        danger, has_oscillated = trial.danger, has_oscillated or is_over
        if gain * RAISE > GAINS[1] and not is_over:
            return Setting(gain / 2, start.setpoint, rate)
        gain = gain / 2 if is_over else gain * RAISE
    return Setting(gain, start.setpoint, rate)


def tuned(seed: int, how: str) -> Tuned:
    """Tune from a bad setting, by the rule or by the step with a goal."""
    start, before = bad_setting(seed)
    microscope = Microscope(seed)
    began = microscope.stage.clock.now()
    found = by_rule(microscope, start) if how == RULE else by_step(microscope, start, how)
    return Tuned(
        before=before,
        after=error_of(seed, found),
        minutes=(microscope.stage.clock.now() - began) / 60,
        scans=len(microscope.peaks),
        line_rate=found.line_rate,
        peak=max(microscope.peaks[1:], default=0.0),
        crashes=microscope.crashes[-1] - microscope.crashes[0],
    )


def main(seeds: Sequence[int]) -> list[list[str]]:
    """Return a row for each way to tune: mean ± sd over the seeds."""
    rows = []
    for how in (RULE, *GOALS):
        found = [tuned(seed, how) for seed in seeds]
        rows.append(
            [
                how if how == RULE else f"tune_scan, {how}",
                spread([each.before for each in found]),
                spread([each.after for each in found]),
                spread([each.minutes for each in found], 1),
                spread([float(each.scans) for each in found], 1),
                spread([each.line_rate for each in found], 1),
                spread([each.peak for each in found], 1),
                spread([float(each.crashes) for each in found], 1),
            ]
        )
    return rows


HEAD = (
    "who tunes",
    "error before",
    "error after",
    "minutes",
    "images",
    "lines/s in the end",
    "largest current over set-point",
    "crashes",
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    for line in table(HEAD, main(range(parser.parse_args().seeds))):
        print(line)
