"""How many pulses does it take to find out by which law domains grow, and is it the right one?

    python -m benchmarks.workflow_hypothesis --seeds 10

The step `hypothesis` chooses its pulses by what they tell, by chance, or in turn through all of
them. Two kinds of worlds:

*Synthetic* ones have domains that follow a law to the letter, but for sites that differ by 3 nm,
and for the image that they are measured on. The parameters are drawn anew for each seed.

*Simulated* ones are epitaxial films in the simulated microscope with all its artefacts. Which law
is right there is what the laws are asked on noise-free growth at 16 sites, for all pulses at once.
"""

import argparse
import copy
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from spm_auto import plugins
from spm_auto.analysis import Grown, Law, Span, weigh
from spm_auto.clock import InstantClock
from spm_auto.data import Finding, open_run
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    FloatArray,
    GuardedInstrument,
    Limits,
    Scan,
    ScanFrame,
    ScanImage,
)
from spm_auto.lab import begin
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.truth import FilmTruth
from spm_auto.workflow import (
    Compute,
    Estimate,
    Estimates,
    HypothesisStep,
    Note,
    StepContext,
    parse_recipe,
)

from .tables import spread, table

EXAMPLES = Path(__file__).parent.parent / "examples"
CHOICES = ("information", "chance", "turns")
HEAD = (
    "world",
    "right law",
    "pulses chosen by",
    "right",
    "95 % sure",
    "pulses",
    "minutes",
    "wrong",
)

# what the synthetic worlds try, and what they are: lowest and highest value of each parameter
BIASES = tuple(f"{v} V" for v in (4, 6, 8, 10, 12))
DURATIONS = ("10 ms", "30 ms", "100 ms", "300 ms", "1 s", "3 s", "10 s")
SITE_SPREAD, BLUR = 3e-9, 19e-9  # [m]
WORLDS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "instant": ((70e-9, 90e-9), (4e-9, 9e-9)),
    "log_time": ((70e-9, 90e-9), (4e-9, 8e-9), (5e-9, 12e-9)),
    "activated": ((70e-9, 90e-9), (40e-9, 70e-9), (5e-9, 12e-9)),
    "power": ((60e-9, 80e-9), (0.5, 1.2), (0.1, 0.25)),
    "viscous": ((80e-9, 100e-9), (4e-9, 8e-9), (0.05, 1.0)),
    "creep": ((65e-9, 85e-9), (10.0, 1e4)),
}

LONG = ("100 ms", "300 ms", "1 s", "3 s", "10 s", "30 s")
SHORT = ("5 ms", "10 ms", "20 ms", "40 ms", "80 ms", "160 ms")
FILMS: Mapping[str, tuple[float, tuple[str, ...]]] = {  # creep of the film, and pulses that it gets
    "walls that creep": (0.2, LONG),
    "walls that stop": (0.0, LONG),
    "walls on their way": (0.0, SHORT),
}
TRUE_SITES = 4  # along each side


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step came to.

    Attributes:
        law: The law that was favoured in the end.
        probability: Of it.
        pulses: How many it took.
        seconds: Instrument time that they took [s].
    """

    law: str
    probability: float
    pulses: int
    seconds: float


class PaperMicroscope:
    """Answers a step: domains are discs that follow a law, seen by a tip that blurs them.

    Args:
        law: That holds.
        values: Its parameters.
        span: Of the experiment.
        rng: Where it leaves things to chance.
    """

    def __init__(self, law: Law, values: FloatArray, span: Span, rng: np.random.Generator) -> None:
        self._law, self._values, self._span, self._rng = law, values, span, rng
        self._diameter = 0.0
        self.seconds = 0.0
        self.findings: list[Finding] = []

    def answer(self, request: object) -> Any:
        """Answer a request."""
        match request:
            case Compute(work=work):
                return work()
            case Estimate(instructions=instructions):
                return Estimates((0.0, 0.0), tuple(self._duration(each) for each in instructions))
            case AcquireSpectrum(waveform=waveform):
                self.seconds += self._duration(request)
                bias, duration = np.abs(waveform.bias), np.array([waveform.dwell])
                grown = self._law.diameter(self._values, bias, duration, self._span)[0, 0]
                self._diameter = grown + SITE_SPREAD * self._rng.standard_normal()
            case Scan(frame=frame):
                self.seconds += self._duration(request)
                return self._image(frame, self._diameter)
            case Note(event=Finding() as finding):
                self.findings.append(finding)
        return None

    def film(self, side: float) -> ScanImage:
        """Return the image of an untouched film."""
        return self._image(ScanFrame((0.0, 0.0), (side, side), (64, 64)), 0.0)

    def _duration(self, instruction: object) -> float:
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                return 1.0 + 1.1 * frame.pixels[1] / rate
            case AcquireSpectrum(waveform=waveform):
                return 0.2 + waveform.duration
        return 0.0

    def _image(self, frame: ScanFrame, diameter: float) -> ScanImage:
        fine = ScanFrame(frame.center, frame.size, (4 * frame.pixels[0], 4 * frame.pixels[1]))
        u, v = fine.to_frame(*fine.positions())
        film = np.where(np.hypot(u, v) < diameter / 2, 1.0, -1.0)
        blurred = gaussian_filter(film, BLUR / fine.pitch[0], mode="nearest")[2::4, 2::4]
        ways = []
        for _ in range(2):
            first, second = self._rng.standard_normal((2, *frame.shape))
            answer = blurred + 0.1 * (first + 1j * second)
            ways.append(np.stack([np.abs(answer), np.angle(answer)]))
        channels = (Channel("amplitude", "m"), Channel("phase", "rad"))
        return ScanImage(frame, channels, ways[0], ways[1], 0.0, 1.0)


def on_paper(name: str, choice: str, seed: int, laws: Sequence[str] = tuple(WORLDS)) -> Answer:
    """Let the step find out by which law a synthetic world grows.

    Args:
        name: Of the law that holds.
        choice: How the step chooses its pulses.
        seed: Of parameters and noise.
        laws: Candidates.
    """
    rng = np.random.default_rng(seed)
    values = np.array([[rng.uniform(low, high) for low, high in WORLDS[name]]])
    step = HypothesisStep.model_validate(
        {
            "kind": "hypothesis",
            "biases": BIASES,
            "durations": DURATIONS,
            "laws": tuple(laws),
            "budget": 40,
            "choice": choice,
            "resolution": "19 nm",
        }
    )
    span = Span((4.0, 12.0), (10e-3, 10.0), 250e-9 * 2 / 3)
    microscope = PaperMicroscope(plugins.load("laws", name), values, span, rng)
    run = step.run(StepContext(seed, 0, (microscope.film(3e-6),)))
    answer = None
    while True:
        try:
            answer = microscope.answer(run.send(answer))
        except StopIteration:
            break
    return _answer(microscope.findings, microscope.seconds)


def tables(film: str, choice: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the recipe and the lab file of the example, made for a film."""
    with (EXAMPLES / "domain_growth.toml").open("rb") as file:
        recipe = tomllib.load(file)
    with (EXAMPLES / "lab_epitaxial_film.toml").open("rb") as file:
        lab = tomllib.load(file)
    creep, durations = FILMS[film]
    lab["instrument"]["sample"]["creep"] = creep
    recipe["steps"][1] |= {"durations": list(durations), "choice": choice}
    return recipe, lab


def in_the_simulator(film: str, choice: str, seed: int, folder: Path) -> Answer:
    """Let the step find out by which law a simulated film grows."""
    recipe, lab = tables(film, choice)
    clock = InstantClock()
    settings = validate(SimulatorSettings, lab["instrument"], "lab")
    microscope, _ = simulate(settings, seed, clock)
    runner = begin(
        GuardedInstrument(microscope, Limits()), clock, folder, title=recipe["title"], seed=seed
    )
    finished = runner.run(parse_recipe(copy.deepcopy(recipe), "recipe").steps, seed)
    run = open_run(folder)
    findings = [r.event for r in run.records if isinstance(r.event, Finding)]
    times = [r.time for r in run.records if isinstance(r.event, Finding)]
    if len(findings) < 2:
        raise RuntimeError(f"the run found nothing: {finished.message}")
    return _answer(findings, times[-1] - times[0])


def _answer(findings: Sequence[Finding], seconds: float) -> Answer:
    last = findings[-1].values
    return Answer(last["law"], last["probability"], len(last["bias"]), seconds)


def truth(film: str, seed: int) -> tuple[tuple[str, ...], FloatArray, Grown, Span]:
    """Ask the laws on noise-free growth at many sites of a film.

    Returns:
        The laws, their evidence as natural logarithms, what has grown, and the range of pulses.
    """
    recipe, lab = tables(film, "information")
    step = parse_recipe(recipe, "recipe").steps[1]
    assert isinstance(step, HypothesisStep)
    settings = validate(SimulatorSettings, lab["instrument"], "lab")
    found = simulate(settings, seed)[1].film
    along = np.linspace(-1.3e-6, 1.3e-6, TRUE_SITES)
    rows = [
        (bias, duration, true_diameter(found, x, y, bias, duration), 1e-9, 1e-9)
        for bias in step.biases
        for duration in step.durations
        for x in along.tolist()
        for y in along.tolist()
    ]
    grown = Grown.of(rows)
    span = Span((6.0, 10.0), (min(step.durations), max(step.durations)), 250e-9 * 2 / 3)
    laws = tuple(plugins.load("laws", name) for name in step.laws)
    evidences = weigh(laws, grown, span, seed)
    return step.laws, np.array([each.log_evidence for each in evidences]), grown, span


def true_diameter(film: FilmTruth, x: float, y: float, bias: float, duration: float) -> float:
    """Return the diameter that a pulse at a point would leave [m]; nothing changes."""
    after = film.after(x, y, BiasWaveform((bias,), duration))
    cell = float(np.diff(film.coordinates[0][0, :2])[0])
    return float(np.sqrt(4 / np.pi * np.count_nonzero(after > 0)) * cell)


def _row(world: str, right: Sequence[str], choice: str, answers: Sequence[Answer]) -> list[str]:
    sure = [each for each in answers if each.probability >= 0.95]
    is_right = [each.law == law for each, law in zip(answers, right, strict=True)]
    wrong = Counter(a.law for a, good in zip(answers, is_right, strict=True) if not good)
    return [
        world,
        "/".join(sorted(set(right))),
        choice,
        f"{sum(is_right)} of {len(answers)}",
        f"{len(sure)} of {len(answers)}",
        spread([float(each.pulses) for each in answers], 1),
        spread([each.seconds / 60 for each in answers], 1),
        ", ".join(f"{n} {law}" for law, n in wrong.most_common()) or "–",
    ]


def main(
    seeds: int = 10,
    worlds: Sequence[str] = (*WORLDS, *FILMS),
    choices: Sequence[str] = CHOICES,
) -> list[list[str]]:
    """Return a row for each world and way of choosing the pulses."""
    rows = []
    for world in worlds:
        if world in FILMS:
            asked = [truth(world, seed) for seed in range(seeds)]
            right = [laws[int(logs.argmax())] for laws, logs, _, _ in asked]
            ahead = [float(np.diff(np.sort(logs)[-2:])[0]) for _, logs, _, _ in asked]
            print(f"{world}: in truth its law is ahead by a factor e to the {spread(ahead, 0)}")
        else:
            right = [world] * seeds
        for choice in choices:
            answers = []
            for seed in range(seeds):
                if world in FILMS:
                    with tempfile.TemporaryDirectory() as folder:
                        answers.append(in_the_simulator(world, choice, seed, Path(folder) / "run"))
                else:
                    answers.append(on_paper(world, choice, seed))
            rows.append(_row(world, right, choice, answers))
            print(" | ".join(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default=",".join((*WORLDS, *FILMS)), help="worlds")
    parser.add_argument("--choices", default=",".join(CHOICES), help="ways to choose pulses")
    arguments = parser.parse_args()
    found = main(arguments.seeds, arguments.only.split(","), arguments.choices.split(","))
    for line in table(HEAD, found):
        print(line)
