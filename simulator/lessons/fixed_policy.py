"""fixed_policy: nine places of a composition spread by a fixed plan, and what that plan costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, MoveStage, Scan, ScanFrame
from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark
from spm_auto.settings import parse_toml
from spm_auto.units import parse

from .behind import behind, chance
from .marking import numbers, shared, step

PLACES = tuple((k * 1e-3, 0.0) for k in range(-4, 5))  # of the stage [m]
SIDE = 1e-6  # of an overview [m]
PIXELS = 96
LOOPS = 4  # along each side of a square, at each place
SPREAD = 0.2e-6  # from loop to loop [m]
LOOP = BiasWaveform.triangle(8.0, 64, cycles=4)

PREPARE, JUDGE, REPORT = 1200.0, 120.0, 900.0  # a human's time: once, for each place, once [s]
HOUR_OF_MICROSCOPE, HOUR_OF_HUMAN, TIP = 60.0, 45.0, 5.0  # prices; the last for each approach

BOUNDARY = (0.04, 0.165)  # composition of the best response
SPEEDS = (5.0, 60.0)  # highest speed that is allowed [um/s]

_LAB = """\
schema_version = 1
laboratory = "composition spread"

[instrument]
kind = "simulator"
level = 1
technique = {{ kind = "pfm", noise = {{ contact_gain = 0.1, response_wander = 0.05 }} }}

[instrument.sample]
kind = "combinatorial_library"
spread = {{ boundary = {boundary:.5f} }}

[limits]
bias = ["-10 V", "10 V"]
scan_speed = "{speed:.2f} um/s"
stage_x = ["-5 mm", "5 mm"]
stage_y = ["-0.5 mm", "0.5 mm"]

[clock]
kind = "instant"
"""


@dataclass(frozen=True, slots=True)
class Workflow:
    """How long each operation takes at one place.

    The microscope measures the places one after the other. One human judges each place once it is
    measured, while the microscope goes on; and reports when all are judged.

    Attributes:
        loading: Before the first place [s].
        moving: The stage from place to place, with withdrawal and approach [s].
        overview: [s].
        loops: All loops of a place [s].
        judging: By the human [s].
    """

    loading: float
    moving: float
    overview: float
    loops: float
    judging: float = JUDGE

    @property
    def measuring(self) -> float:
        """What the microscope needs for a place [s]."""
        return self.moving + self.overview + self.loops

    @property
    def critical_path(self) -> float:
        """From the first operation to the end of the last [s]."""
        slower = max(self.measuring, self.judging)
        both = self.measuring + self.judging + (len(PLACES) - 1) * slower
        return PREPARE + self.loading + both + REPORT

    @property
    def cost(self) -> float:
        """What the hours of microscope and human cost, and the tips."""
        n = len(PLACES)
        microscope = self.loading + n * self.measuring
        human = PREPARE + n * self.judging + REPORT
        return (HOUR_OF_MICROSCOPE * microscope + HOUR_OF_HUMAN * human) / 3600 + TIP * n

    def gains(self) -> dict[str, float]:
        """Return by how much sooner it ends when an operation is twice as fast [s]."""
        return {
            name: self.critical_path
            - replace(self, **{name: getattr(self, name) / 2}).critical_path
            for name in ("moving", "overview", "loops", "judging")
        }


class FixedPolicy(Lesson):
    """A plan that looks at no result before its end, and the workflow that it is a part of."""

    number = 4
    name = "fixed_policy"
    title = "A fixed plan, and what it costs"
    questions: ClassVar[Mapping[str, Question]] = {
        "best": Question("At which x of the stage is the remanence largest?", unit="m", points=2.0),
        "latencies": Question(
            "How long takes moving the stage by 1 mm, an overview of 96 x 96 pixels at the highest "
            "line rate that is allowed, and the 16 loops of a place together?",
            unit="s",
            size=3,
        ),
        "cost": Question("What does the whole workflow cost?", unit="1"),
        "critical_path": Question("How long is its critical path?", unit="s"),
        "bottleneck": Question(
            "Which operation, done twice as fast, would shorten it most?",
            options=("moving", "overview", "loops", "judging"),
        ),
        "gain": Question("And by how much?", unit="s"),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "best": Tolerance(0.5e-3),
        # tight: most of both is known beforehand, and the rest is arithmetic
        "cost": Tolerance(0.004, is_share=True),
        "critical_path": Tolerance(0.005, is_share=True),
        "gain": Tolerance(0.1, is_share=True),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: boundary of the phases and highest speed are drawn."""
        rng = chance(self, seed)
        slowest, fastest = SPEEDS
        return _LAB.format(
            boundary=float(rng.uniform(*BOUNDARY)),
            speed=1 / float(rng.uniform(1 / fastest, 1 / slowest)),  # any time of a line as often
        )

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return where the response is largest, and the workflow by the clock of the microscope."""
        workflow = self.workflow(seed)
        gains = workflow.gains()
        bottleneck = max(gains, key=gains.__getitem__)
        return {
            "best": behind(self, seed).truth.library.best,
            "latencies": (workflow.moving, workflow.overview, workflow.loops),
            "cost": workflow.cost,
            "critical_path": workflow.critical_path,
            "bottleneck": bottleneck,
            "gain": gains[bottleneck],
        }

    def workflow(self, seed: int) -> Workflow:
        """Measure the operations on a student's microscope, at one place."""
        speed = parse(parse_toml(self.lab(seed), self.name)["limits"]["scan_speed"], unit="m/s")
        stage = behind(self, seed)
        microscope, clock = stage.microscope, stage.clock
        times = [clock.now()]
        microscope.move_stage(MoveStage(1e-3, 0.0))
        times.append(clock.now())
        stage.image(
            Scan(ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS, PIXELS)), (), speed / 2 / SIDE)
        )
        times.append(clock.now())
        along = (np.arange(LOOPS) - (LOOPS - 1) / 2) * SPREAD
        for y in along.tolist():
            for x in along.tolist():
                microscope.acquire_spectrum(AcquireSpectrum(x, y, LOOP))
        times.append(clock.now())
        return Workflow(times[0], *np.diff(times).tolist())

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers; latencies by the worst of them, as two are the same for all students."""
        truth = self.truth(seed)
        marks = []
        for name, question in self.questions.items():
            if name == "latencies":
                given, right = numbers(answers[name]), numbers(truth[name])
                off = max(abs(a / b - 1) for a, b in zip(given, right, strict=True))
                share = step(off, full=0.05, half=0.12)
                words = {1.0: "all three right", 0.5: "near", 0.0: "not all right"}
                marks.append(shared(name, question, share, words[share]))
            else:
                tolerance = self.tolerances.get(name)
                marks.append(mark(name, question, answers[name], truth[name], tolerance))
        return marks
