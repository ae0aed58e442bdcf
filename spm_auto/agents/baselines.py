"""Agents that learn nothing: random, grid and ranking; what every learner is measured against."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .candidates import Candidates
from .chooser import Chooser, Queue
from .protocol import Proposal


class RandomAgent(Chooser):
    """Chooses uniformly among the candidates.

    Args:
        candidates: What can be chosen.
        rng: Its randomness; used once, here.
    """

    def __init__(self, candidates: Candidates, rng: np.random.Generator) -> None:
        super().__init__(candidates)
        self._queue = Queue(rng.permutation(len(candidates)))

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:  # noqa: ARG002
        return self._propose(_next(self._queue, free), "at random")


class RankingAgent(Chooser):
    """Chooses the candidate that ranks highest on the overview; of equals the first.

    Args:
        candidates: What can be chosen.
    """

    def __init__(self, candidates: Candidates) -> None:
        super().__init__(candidates)
        self._queue = Queue(by_rank(candidates))

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:  # noqa: ARG002
        candidate = _next(self._queue, free)
        return self._propose(
            candidate,
            "highest ranking on the overview",
            score=float(self.candidates.ranking[candidate // len(self.candidates.levels)]),
            runner_up=self._queue.second(free),
        )


class GridAgent(Chooser):
    """Visits an even grid line by line, to and fro; then the places between on finer grids.

    At each position all levels are visited, as the probe need not move for them.

    Args:
        candidates: What can be chosen.
        points: About how many positions the grid has.
        pitch: Distance of the positions [m]; it takes the place of ``points``.
    """

    def __init__(self, candidates: Candidates, points: int, pitch: float | None = None) -> None:
        super().__init__(candidates)
        frame = candidates.frame
        if pitch is None:
            pitch = math.sqrt(frame.size[0] * frame.size[1] / points)
        self._queue = Queue(np.array(list(_grids(candidates, pitch)), dtype=np.int64))

    def _choose(self, free: NDArray[np.bool_], pending: Sequence[int]) -> Proposal:  # noqa: ARG002
        return self._propose(_next(self._queue, free), "next on the grid")


def by_rank(candidates: Candidates) -> NDArray[np.int64]:
    """Return all candidates, the highest-ranked positions first; equals keep their order."""
    m = len(candidates.levels)
    positions = np.argsort(-candidates.ranking, kind="stable")
    return np.asarray(np.repeat(positions * m, m) + np.tile(np.arange(m), len(positions)))


def _next(queue: Queue, free: NDArray[np.bool_]) -> int:
    candidate = queue.first(free)
    assert candidate is not None  # the queue holds all candidates, and one is free
    return candidate


def _grids(candidates: Candidates, pitch: float) -> Iterator[int]:
    """Yield every candidate once: those of a grid, then of grids of half the pitch and so on."""
    frame = candidates.frame
    m = len(candidates.levels)
    there_are: dict[tuple[int, int], list[int]] = {}
    for site, (line, pixel) in enumerate(candidates.rows.tolist()):
        there_are.setdefault((line, pixel), []).extend(range(site * m, (site + 1) * m))
    there = np.zeros(frame.shape, dtype=bool)
    there[candidates.rows[:, 0], candidates.rows[:, 1]] = True
    left = there.copy()
    while left.any():  # the finest grid has every pixel, so this ends
        counts = [max(1, round(size / pitch)) for size in frame.size]
        across, up = (min(n, most) for n, most in zip(counts, frame.pixels, strict=True))
        for index, line in enumerate(_spread(up, frame.shape[0])):
            pixels = _spread(across, frame.shape[1])
            for pixel in pixels[:: -1 if index % 2 else 1]:
                nearest = _nearest(there, line, pixel)
                if left[nearest]:
                    left[nearest] = False
                    yield from there_are[nearest]
        pitch /= 2


def _spread(n: int, length: int) -> list[int]:
    """Return n pixels evenly spread over a length, none at the edge."""
    return [(2 * i + 1) * length // (2 * n) for i in range(n)]


def _nearest(there: NDArray[np.bool_], line: int, pixel: int) -> tuple[int, int]:
    """Return the nearest pixel that is a candidate, looking in growing squares; there is one."""
    reach = 0
    while True:
        first_line, first_pixel = max(line - reach, 0), max(pixel - reach, 0)
        square = there[first_line : line + reach + 1, first_pixel : pixel + reach + 1]
        found = np.argwhere(square) + np.array([first_line, first_pixel])
        if len(found):
            apart = np.hypot(found[:, 0] - line, found[:, 1] - pixel)
            best = int(np.argmin(apart))
            if apart[best] <= reach:
                return int(found[best, 0]), int(found[best, 1])
            reach = math.ceil(apart[best])  # one in a corner may be beaten from outside an edge
        else:
            reach = max(1, 2 * reach)
