"""Place and amplitude chosen together, and with an eye on time: simulated seconds to the answer."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from film_amplitudes import AMPLITUDES, Bench, Film, Way, film, search
from tables import table

from spm_auto.agents import GaussianProcessSettings
from spm_auto.simulator.timing import Timing
from spm_auto.tasks import FIRST_TEST_SEED

GOALS = (0.05, 0.1, 0.2)  # regrets
BUDGET = 200.0  # simulated time of an episode [s]: about 400 loops
SLOW_BUDGET = 1000.0  # where a loop takes longer [s]
RESAMPLES = 2000  # for the interval of a median
USUAL = Bench(Timing())
SLOW_STAGE = Bench(Timing(speed=50e-9))  # crosses the frame as one of 2 um/s does 20 um
SLOW_LOOPS = Bench(Timing(), rate=10.0)
MIDDLE = len(AMPLITUDES) // 2 - 1

Player = Callable[[Film, int], list[float]]  # film and seed to a time for each goal [s]


def voltage(seeds: int) -> tuple[str, Iterator[str]]:
    """Compare choosing place and amplitude with less freedom; return heading and table."""
    heading = (
        f"a film of 32 x 32 places and {len(AMPLITUDES)} amplitudes, {seeds} seeds from "
        f"{FIRST_TEST_SEED}: simulated seconds to a regret, median [90 % interval of the median], "
        f"and how many times those of the first line; {BUDGET:g} s at most"
    )
    players: dict[str, Player] = {
        "place and amplitude": _player(USUAL, "joint"),
        "the same, begun at random": _player(USUAL, "joint", ranked_share=0.0),
        "place, all amplitudes swept": _player(USUAL, "sweep"),
        f"place, at {AMPLITUDES[MIDDLE]:g} V": _player(USUAL, MIDDLE),
        "place, at the best amplitude on average": lambda found, seed: _player(
            USUAL, found.best_level_on_average
        )(found, seed),
        "place, at the amplitude of the answer": lambda found, seed: _player(
            USUAL, found.level_of_the_best
        )(found, seed),
    }
    return heading, _rows(players, seeds)


def cost(seeds: int) -> Iterator[tuple[str, Iterator[str]]]:
    """Compare counting the seconds with not counting them; yield headings and tables."""
    benches = {
        "a slow stage, 50 nm/s over 500 nm": SLOW_STAGE,
        "slow loops, 10 V/s": SLOW_LOOPS,
    }
    for name, bench in benches.items():
        heading = (
            f"{name}, {seeds} seeds from {FIRST_TEST_SEED}: simulated seconds to a regret, median "
            f"[90 % interval of the median], and how many times those of the first line; "
            f"{SLOW_BUDGET:g} s at most"
        )
        players = {
            "seconds counted": _player(bench, "joint"),
            "not counted": _player(bench, "joint", cost_aware=False),
        }
        yield heading, _rows(players, seeds)


def _player(bench: Bench, way: Way, **settings: float | bool) -> Player:
    chosen = GaussianProcessSettings.model_validate(settings)
    budget = BUDGET if bench is USUAL else SLOW_BUDGET
    return lambda found, seed: search(found, bench, way, chosen, seed, budget, GOALS)


def _rows(players: Mapping[str, Player], seeds: int) -> Iterator[str]:
    head = ["chosen", *(f"to {goal:.0%}" for goal in GOALS)]
    head += [f"reached {goal:.0%}" for goal in GOALS]
    return table(head, _lines(players, seeds))


def _lines(players: Mapping[str, Player], seeds: int) -> Iterator[list[str]]:
    used = range(FIRST_TEST_SEED, FIRST_TEST_SEED + seeds)
    first: list[float] = []
    for name, player in players.items():
        times = np.array([player(film(seed), seed) for seed in used]).T
        medians = [_median(each.tolist()) for each in times]
        first = first or medians
        cells = [_cell(each.tolist(), against) for each, against in zip(times, first, strict=True)]
        yield [name, *cells, *(f"{np.isfinite(each).sum()} of {seeds}" for each in times)]


def _cell(times: list[float], against: float) -> str:
    """Write a median with its bootstrapped interval and its ratio."""
    rng = np.random.default_rng(0)
    draws = rng.choice(times, (RESAMPLES, len(times)))
    medians = np.sort([_median(draw) for draw in draws.tolist()])
    low, high = medians[RESAMPLES // 20], medians[-1 - RESAMPLES // 20]
    median = _median(times)
    ratio = f" × {median / against:.2f}" if math.isfinite(median) and against < math.inf else ""
    return f"{_seconds(median)} [{_seconds(low)}, {_seconds(high)}]{ratio}"


def _median(times: list[float]) -> float:
    """Return the middle one, the later of two: infinity stands for never and cannot be averaged."""
    return sorted(times)[len(times) // 2]


def _seconds(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"
