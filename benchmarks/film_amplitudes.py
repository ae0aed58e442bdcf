"""A film whose loops are best at another amplitude at each place, and the search for the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from spm_auto.agents import AgentSettings, Candidates, Costs, Levels, Observation
from spm_auto.instrument import BiasWaveform, FloatArray, Scan, ScanFrame
from spm_auto.simulator.settings import SimulatorSettings
from spm_auto.simulator.tasks.stage import mount
from spm_auto.simulator.timing import Timing

SIDE = 0.5e-6  # of the frame [m]: small enough that neighbours are alike
PIXELS, STRIDE = 64, 2  # along each side of the overview; every second one is a place: 32 x 32
LINE_RATE = 2.0  # [Hz]
AMPLITUDES = tuple(np.arange(1.0, 12.5, 1.0).tolist())  # [V]
POINTS = 16  # of a loop
DWELL = 16e-3  # [s]
MOST = 400  # measurements of an episode
VOLT_COST = 0.05  # share of a loop that must open for each volt more
NOISE = 0.01  # of a measured worth; the best two differ by more than that

Way = Literal["joint", "sweep"] | int


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """What there is to find.

    Attributes:
        candidates: Places times amplitudes, costs not set.
        worth: Of a loop at each place and amplitude on the untouched film, shape (P, m).
    """

    candidates: Candidates
    worth: FloatArray

    @property
    def regrets(self) -> FloatArray:
        """How far each choice is from the best: 0 for that, 1 for the median, shape (P, m)."""
        best = float(self.worth.max())
        return (best - self.worth) / (best - float(np.median(self.worth)))

    @property
    def best_level_on_average(self) -> int:
        """The amplitude that is worth most on average over all places."""
        return int(np.argmax(self.worth.mean(axis=0)))

    @property
    def level_of_the_best(self) -> int:
        """The amplitude of the best of all loops: what nobody knows beforehand."""
        return int(np.argmax(self.worth.max(axis=0)))


@cache
def film(seed: int) -> Film:
    """Simulate a film and what every loop on it is worth.

    The worth is the opening of the loop at zero bias as a share of the response that the largest
    amplitude gives there, less 0.05 for each volt: too small an amplitude switches nothing, too
    large a one is paid for with wear. What the overview shows best, the response, says nothing
    about it.
    """
    stage = mount(SimulatorSettings(level=1), seed)
    frame = ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS, PIXELS))
    overview = stage.image(Scan(frame, ("amplitude", "phase"), LINE_RATE))
    candidates = Candidates.of(overview, biases=AMPLITUDES, stride=STRIDE)
    responses = np.array(
        [
            [stage.truth.film.loop(x, y, loop(amplitude))[-1] for amplitude in AMPLITUDES]
            for x, y in candidates.positions.tolist()
        ]
    )
    opening = responses[:, :, 3 * POINTS // 4] - responses[:, :, POINTS // 4]
    saturated = np.ptp(responses[:, -1:], axis=2)
    return Film(candidates, opening / saturated - VOLT_COST * np.array(AMPLITUDES))


def loop(amplitude: float) -> BiasWaveform:
    """Return a loop that begins at the lowest bias: what the site was before does not matter."""
    triangle = BiasWaveform.triangle(amplitude, POINTS, dwell=DWELL)
    begin = 3 * POINTS // 4
    return replace(triangle, values=triangle.values[begin:] + triangle.values[:begin])


@dataclass(frozen=True, slots=True)
class Bench:
    """How long the microscope takes.

    Attributes:
        timing: Its time model.
        rate: How fast a loop is swept, so that a larger one takes longer [V/s]; None gives each
            loop the same number of points.
    """

    timing: Timing
    rate: float | None = None

    def costs(self, levels: Levels, way: Way) -> Costs:
        """Return what measurements cost; a sweep through all levels is armed and read out once."""
        if self.rate is None:
            durations = np.array([loop(float(v)).duration for v in levels.bias])
        else:
            durations = 4 * levels.bias / self.rate
        if way == "sweep":
            durations = durations.sum(keepdims=True)
        elif way != "joint":
            durations = durations[[way]]
        overhead = self.timing.settling + self.timing.spectrum_overhead
        return Costs(durations, np.array([overhead]), 1 / self.timing.speed)


def search(
    film: Film,
    bench: Bench,
    way: Way,
    settings: AgentSettings,
    seed: int,
    budget: float,
    goals: Sequence[float],
) -> list[float]:
    """Let an agent search a film.

    What it names as its answer is the highest value that it measured.

    Args:
        film: Which.
        bench: How long things take.
        way: Whether it chooses place and amplitude, or the place only: there the amplitude is
            always the one of this number, or all are measured and the best of them counts.
        settings: Of the agent.
        seed: Of the agent, and of the noise.
        budget: Simulated time that there is [s].
        goals: Regrets to come below.

    Returns:
        The simulated time until the answer's regret is below each goal [s]; infinite for never.
    """
    levels = film.candidates.levels
    costs = bench.costs(levels, way)
    candidates = film.candidates
    if way != "joint":
        candidates = replace(candidates, levels=Levels.of())
    candidates = replace(candidates, costs=costs)
    agent = settings.build(candidates, np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 1])
    here: tuple[float, float] | None = None
    time, best, times = 0.0, -math.inf, [math.inf] * len(goals)
    for _ in range(MOST):
        if time >= budget or all(map(math.isfinite, times)):
            break
        (proposal,) = agent.ask()
        place, level = divmod(proposal.candidate, len(candidates.levels))
        time += float(costs.seconds(candidates.positions[[place]], here)[0, level])
        here = candidates.position(proposal.candidate)
        tried = range(len(levels)) if way == "sweep" else [level if way == "joint" else way]
        found = [float(film.worth[place, v]) + NOISE * float(rng.standard_normal()) for v in tried]
        agent.tell([Observation(proposal.candidate, max(found), NOISE)])
        if max(found) > best:
            best = max(found)
            regret = float(film.regrets[place, tried[int(np.argmax(found))]])
            times = [min(t, time) if regret < g else t for t, g in zip(times, goals, strict=True)]
    return times
