"""Task: a question put to a microscope as a game of choices, so that agents can be compared.

What a player sees are the choices and the reward of each act. What is true stays with the episode,
which keeps the score.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from .clock import Clock
from .errors import TaskError
from .instrument import FloatArray, ScanImage

LEVELS = {
    0: "perfect instrument",
    1: "noise",
    2: "noise, drift, creep and hysteresis of the scanner, a real z loop",
    3: "all of these, tip changes and failures of the readout",
}
FIRST_TEST_SEED = 100  # seeds below are for training, those from here on for comparing

Measured = tuple[float, float]  # value and its standard deviation, NaN where that is not known


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What can be chosen in an episode: finitely many acts, each at most once.

    Attributes:
        points: x [m], y [m] and bias [V] of each, NaN where a choice has none, shape (n, 3).
        features: What else tells them apart, as numbers; shape (n, f), f may be 0.
        labels: What each is, for people; n of them.
        seconds: About how much instrument time each takes [s], shape (n,).
        ranking: What one would try first without learning anything, higher first, shape (n,).
        overview: An image that the choices lie on; None where there is none.
        rows: Line and pixel of each on the overview, shape (n, 2); of no meaning without one.
        again: Of these seconds, what each further average at the same place takes [s].
        per_metre: How long the way to it takes besides [s/m]; 0 where that is of no weight.
    """

    points: FloatArray
    features: FloatArray
    labels: Sequence[str]
    seconds: FloatArray
    ranking: FloatArray
    overview: ScanImage | None
    rows: NDArray[np.int64]
    again: float = 0.0
    per_metre: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.points)
        if n == 0:
            raise ValueError("there is nothing to choose from")
        wanted = {"points": (n, 3), "seconds": (n,), "ranking": (n,), "rows": (n, 2)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, needs {shape}")
        if self.features.ndim != 2 or len(self.features) != n or len(self.labels) != n:
            raise ValueError(
                f"{n} choices have features of shape {self.features.shape} "
                f"and {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(
        cls,
        points: FloatArray,
        labels: Sequence[str],
        seconds: float | FloatArray,
        features: FloatArray | None = None,
        ranking: FloatArray | None = None,
        overview: ScanImage | None = None,
        again: float = 0.0,
        per_metre: float = 0.0,
    ) -> Self:
        """Make choices, with what is not given left empty.

        On an overview each choice belongs to the pixel that is nearest to it.

        Args:
            points: x [m], y [m] and bias [V], shape (n, 3), or x and y only, shape (n, 2).
            labels: What each is.
            seconds: Instrument time of each, or of all [s].
            features: Shape (n, f).
            ranking: Shape (n,).
            overview: An image of the sample.
            again: What each further average takes of it [s].
            per_metre: How long the way takes besides [s/m].
        """
        n = len(points)
        if points.shape[1] == 2:
            points = np.column_stack([points, np.full(n, np.nan)])
        rows = np.zeros((n, 2), dtype=np.int64)
        if overview is not None:
            pixels = overview.frame.to_pixel(points[:, 0], points[:, 1])
            last = np.array(overview.frame.shape) - 1
            rows = np.clip(np.rint(np.column_stack(pixels)), 0, last).astype(np.int64)
        return cls(
            points=np.asarray(points, dtype=float),
            features=np.empty((n, 0)) if features is None else np.asarray(features, dtype=float),
            labels=labels,
            seconds=np.broadcast_to(np.asarray(seconds, dtype=float), (n,)).copy(),
            ranking=np.zeros(n) if ranking is None else np.asarray(ranking, dtype=float),
            overview=overview,
            rows=rows,
            again=again,
            per_metre=per_metre,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """What an act gave besides its reward.

    Attributes:
        others: Value and its standard deviation by each further scalarizer of the episode.
        spectrum: What was measured, as one row of numbers, shape (k,); None where it is no
            spectrum, or none that can be compared.
    """

    others: tuple[Measured, ...] = ()
    spectrum: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Avoid:
    """What a human may wish: no more acts in a region.

    Attributes:
        center: Its middle (x, y) [m].
        size: Extent along x and y of a rectangle [m]; or
        radius: of a circle [m].
        why: In words.
    """

    center: tuple[float, float]
    size: tuple[float, float] | None = None
    radius: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Better:
    """What a human may say: one choice that was done is better than another.

    Attributes:
        better: The better one.
        worse: The other one.
    """

    better: int
    worse: int


Wish = Avoid | Better


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What an operator sees of a game, and a simulated human with him.

    Attributes:
        choices: What can be done.
        chosen: What was done, in order.
        rewards: What each act gave, NaN where the measurement failed.
        details: And what else.
    """

    choices: Choices
    chosen: tuple[int, ...]
    rewards: tuple[float, ...]
    details: tuple[Detail, ...]


class Human:
    """A simulated human who looks on. What is true is hidden from him, too."""

    def look(self, shown: Shown) -> Sequence[Wish]:  # noqa: ARG002
        """Return what he wishes now; asked before the first act and after each."""
        return ()

    def compare(self, shown: Shown, one: int, other: int) -> Better | None:  # noqa: ARG002
        """Answer which of two choices that were done is better; None if he cannot tell."""
        return None


class Episode(ABC):
    """One game: acts are carried out on a simulated microscope until its time is spent.

    Args:
        task: Which game.
        choices: What can be done.
        clock: Instrument time; what passed before the episode does not count.

    Attributes:
        task: Which game.
        choices: What can be done: all that a player may see, besides its rewards.
        chosen: What was done, in order.
        rewards: What each act gave, in the task's unit; NaN where the measurement failed.
        noises: Standard deviation of each reward, as far as the measurement tells; else NaN.
        details: What each act gave besides.
        scalarizers: Names of the reward and of what is in `Detail.others`, for players that choose
            by which they go; empty where there is the reward only.
        human: Who looks on, for players that listen to him; None where nobody does.
    """

    scalarizers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, task: "Task", choices: Choices, clock: Clock) -> None:
        self.task = task
        self.choices = choices
        self.chosen: list[int] = []
        self.rewards: list[float] = []
        self.noises: list[float] = []
        self.details: list[Detail] = []
        self.human: Human | None = None
        self._clock = clock
        self._start = clock.now()
        self._free = np.ones(len(choices), dtype=bool)
        self._detail = Detail()

    @property
    def time(self) -> float:
        """Instrument time since the episode began [s]."""
        return self._clock.now() - self._start

    @property
    def is_over(self) -> bool:
        """Whether time, acts or choices are spent."""
        spent = self.time >= self.task.budget or len(self.chosen) >= self.task.acts
        return bool(spent or not self._free.any())

    @property
    def free(self) -> NDArray[np.bool_]:
        """What was not done yet, shape (n,)."""
        return self._free.copy()

    def act(self, index: int, averages: int = 1) -> float:
        """Do one of the choices on the microscope.

        The last act may end after the time is spent.

        Args:
            index: Which.
            averages: How many measurements to average there.

        Returns:
            The reward as measured, in the task's unit; NaN when the measurement failed.

        Raises:
            TaskError: The episode is over, or this is no choice or was done already, or the task
                does not average as many.
        """
        n = len(self.choices)
        if not 1 <= averages <= self.task.most_averages:
            raise TaskError(
                f"task {self.task.name!r} averages 1 to {self.task.most_averages} measurements, "
                f"got {averages}"
            )
        if not 0 <= index < n:
            raise TaskError(f"there is no choice {index}; they are 0 to {n - 1}")
        if not self._free[index]:
            raise TaskError(f"choice {index}, {self.choices.labels[index]}, was done already")
        if self.is_over:
            raise TaskError(
                f"the episode is over after {len(self.chosen)} acts and {self.time:.4g} s "
                f"(budget {self.task.acts} acts, {self.task.budget:g} s)"
            )
        self._free[index] = False
        self._detail = Detail()
        reward, noise = self._act(index) if averages == 1 else self._average(index, averages)
        self.chosen.append(index)
        self.rewards.append(reward if math.isfinite(reward) else math.nan)
        self.noises.append(noise)
        self.details.append(self._detail)
        return self.rewards[-1]

    @property
    def shown(self) -> Shown:
        """What an operator has seen so far."""
        return Shown(self.choices, tuple(self.chosen), tuple(self.rewards), tuple(self.details))

    @property
    def answer(self) -> int | None:
        """What the player would name as best; None before the first success.

        It is the choice of the highest reward less its noise: with many noisy rewards the highest
        one is mostly luck.
        """
        sure = [
            reward - (noise if math.isfinite(noise) else 0.0)
            for reward, noise in zip(self.rewards, self.noises, strict=True)
        ]
        good = [i for i, value in enumerate(sure) if math.isfinite(value)]
        return self.chosen[max(good, key=sure.__getitem__)] if good else None

    @abstractmethod
    def _act(self, index: int) -> Measured:
        """Carry out a choice and return its reward, NaN when the measurement failed, and noise.

        What else it gave is put into `_detail`.
        """

    def _average(self, index: int, averages: int) -> Measured:
        """Carry out a choice with several averages; for tasks that have `most_averages`."""
        raise NotImplementedError(f"{type(self).__name__} cannot average: {averages} at {index}")

    @abstractmethod
    def regret(self) -> float:
        """Return how far the answer is from the truth: 0 for perfect, 1 for knowing nothing.

        It may be above 1 for an answer that is worse than none.
        """

    @abstractmethod
    def oracle(self) -> int | None:
        """Return what one who knows the truth would do next; None to leave it at that."""

    def metrics(self) -> Mapping[str, float]:
        """Return the task's own figures by name, with the unit in the name's brackets."""
        return {}

    def judge(self, prediction: FloatArray) -> Mapping[str, float]:  # noqa: ARG002
        """Return how good a player's prediction of all rewards is, shape (n,); empty if untold."""
        return {}


class Task(ABC):
    """A game that can be played on any seed.

    Attributes:
        id: Its number, such as "P1".
        name: Its name, as the command line knows it.
        question: What is asked, in one sentence.
        unit: Unit of the rewards.
        budget: Instrument time of an episode [s].
        acts: Most acts of an episode.
        most_averages: How many measurements may be averaged in an act, at most.
        oracle_averages: How many one who knows the truth averages.
        level: At which it is compared, at least; below there is too little to know.
        unreleased: Why no comparison should be based on it; empty for a released task.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    question: ClassVar[str]
    unit: ClassVar[str]
    budget: ClassVar[float]
    acts: ClassVar[int]
    most_averages: ClassVar[int] = 1
    oracle_averages: ClassVar[int] = 1
    level: ClassVar[int] = 1
    unreleased: ClassVar[str] = ""

    @property
    def is_released(self) -> bool:
        """Whether knowing the truth pays by more than the scatter from seed to seed."""
        return not self.unreleased

    def begin(self, seed: int, level: int = 1) -> Episode:
        """Mount the sample and get ready for the first act.

        Args:
            seed: Of sample, instrument and noise; below `FIRST_TEST_SEED` for training.
            level: How hard, a key of `LEVELS`.

        Raises:
            TaskError: Seed or level cannot be.
        """
        if level not in LEVELS:
            raise TaskError(f"there is no level {level}; the levels are 0 to {max(LEVELS)}")
        if seed < 0:
            raise TaskError(f"a seed must not be negative, got {seed}")
        return self._begin(seed, level)

    @abstractmethod
    def _begin(self, seed: int, level: int) -> Episode:
        """Begin on a seed and at a level that can be."""
