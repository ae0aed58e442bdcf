"""SearchEpisode: an episode that asks for the best choice."""

import numpy as np

from spm_auto.clock import Clock
from spm_auto.instrument import FloatArray
from spm_auto.tasks import Choices, Episode, Task


class SearchEpisode(Episode):
    """Which choice is best, when each has a true value that a measurement only hints at?

    The regret is the simple one, f* - f(answer), in units of what the median choice lacks.

    Args:
        task: Which game.
        choices: What can be done.
        clock: Instrument time.
        values: What each choice is truly worth, NaN where it is worth nothing, shape (n,).
    """

    def __init__(self, task: Task, choices: Choices, clock: Clock, values: FloatArray) -> None:
        super().__init__(task, choices, clock)
        known = np.isfinite(values)
        if np.ptp(values[known]) == 0:
            raise ValueError("all choices are worth the same: there is nothing to search for")
        self._values = np.where(known, values, values[known].min())
        self._best = float(self._values.max())
        self._scale = self._best - float(np.median(self._values))

    def regret(self) -> float:
        """Return the simple regret of the answer; before there is one, that of the median."""
        return 1.0 if self.answer is None else self._regret_of(self.answer)

    def oracle(self) -> int | None:
        """Measure the best choice, and the next best for as long as no measurement succeeds."""
        if self.answer is not None:
            return None
        return int(np.argmax(np.where(self._free, self._values, -np.inf)))

    def _regret_of(self, index: int) -> float:
        return (self._best - float(self._values[index])) / self._scale
