"""Marking: points for answers that have no single right value, such as a place that is good."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from spm_auto.instrument import FloatArray
from spm_auto.lessons import Answer, Mark, Question

Place = tuple[float, float]


def shared(name: str, question: Question, share: float, said: str) -> Mark:
    """Give a share of a question's points.

    Args:
        name: Of the question.
        question: It.
        share: From 0 to 1.
        said: Why, without giving the truth away.
    """
    return Mark(name, question.points * share, question.points, said)


def numbers(answer: Answer) -> tuple[float, ...]:
    """Return an answer's numbers.

    Raises:
        TypeError: It is a word.
    """
    if isinstance(answer, str):
        raise TypeError(f"{answer!r} is a word, not a number")
    return answer if isinstance(answer, tuple) else (answer,)


def pair(answer: Answer) -> Place:
    """Return an answer of two numbers: a place."""
    x, y = numbers(answer)
    return x, y


def places(answer: Answer) -> list[Place]:
    """Return an answer of x, y, x, y, ... as places [m]."""
    flat = numbers(answer)
    return list(zip(flat[::2], flat[1::2], strict=True))


def step(value: float, full: float, half: float) -> float:
    """Return 1 for a value up to `full`, 1/2 up to `half`, else 0; also for one that is NaN.

    Args:
        value: How far off something is.
        full: Up to where it counts in full.
        half: Up to where half of it counts.
    """
    if value <= full:
        return 1.0
    return 0.5 if value <= half else 0.0


def each(name: str, question: Question, off: Iterable[float], full: float, half: float) -> Mark:
    """Mark several numbers one by one.

    Args:
        name: Of the question.
        question: It.
        off: How far off each of them is.
        full: See `step`.
        half: See `step`.
    """
    steps = [step(value, full, half) for value in off]
    right = sum(share == 1.0 for share in steps)
    near = sum(share == 0.5 for share in steps)
    said = f"{right} of {len(steps)} right" + (f", {near} near" if near else "")
    return shared(name, question, sum(steps) / len(steps), said)


def ranked(
    name: str, question: Question, value: float, usual: FloatArray, full: float, half: float
) -> Mark:
    """Mark a place by how many others it beats.

    Args:
        name: Of the question.
        question: It.
        value: What the place is truly worth; NaN for nothing.
        usual: What places all over the sample are worth, NaN where nothing.
        full: Share of places that it has to beat for all points.
        half: And for half of them.
    """
    known = usual[np.isfinite(usual)]
    beaten = float(np.mean(known < value)) if math.isfinite(value) else 0.0
    share = step(1 - beaten, 1 - full, 1 - half)
    words = {1.0: "among the best", 0.5: "good, but there are better ones", 0.0: "not good"}
    return shared(name, question, share, f"a place that is {words[share]}")


def shortest(points: Sequence[Place]) -> float:
    """Return the length of the shortest open path through points, up to about a dozen [m].

    Source:
        M. Held and R. M. Karp, J. Soc. Indust. Appl. Math. 10, 196 (1962).
    """
    n = len(points)
    apart = np.hypot(*(np.subtract.outer(np.array(points)[:, k], np.array(points)[:, k])
                       for k in (0, 1)))  # fmt: skip
    best = np.full((1 << n, n), np.inf)
    best[1 << np.arange(n), np.arange(n)] = 0.0
    for visited in range(1, 1 << n):
        ends = np.flatnonzero(np.isfinite(best[visited]))
        for new in range(n):
            if visited >> new & 1 or not len(ends):
                continue
            length = float(np.min(best[visited, ends] + apart[ends, new]))
            after = visited | 1 << new
            best[after, new] = min(best[after, new], length)
    return float(best[-1].min())
