"""An act may average several measurements, and the way to it may take time: agents are told."""

import numpy as np
import pytest

from spm_auto.clock import InstantClock
from spm_auto.errors import TaskError
from spm_auto.play import candidates, play
from spm_auto.simulator.tasks.search import SearchEpisode
from spm_auto.tasks import Choices, Measured, Task


class Wells(Task):
    """Five wells; an average takes a second more."""

    id, name, question, unit = "T2", "wells", "Which well?", "1"
    budget, acts, most_averages = 40.0, 4, 8

    def _begin(self, seed: int, level: int) -> "WellsEpisode":
        points = np.column_stack([np.arange(5.0), np.zeros(5)])
        choices = Choices.of(points, list("abcde"), seconds=3.0, again=1.0, per_metre=2.0)
        return WellsEpisode(self, choices)


class WellsEpisode(SearchEpisode):
    def __init__(self, task: Task, choices: Choices) -> None:
        self.clock = InstantClock()
        super().__init__(task, choices, self.clock, np.arange(5.0))

    def _act(self, index: int) -> Measured:
        return self._average(index, 1)

    def _average(self, index: int, averages: int) -> Measured:
        self.clock.wait(2.0 + averages)
        return float(index), 1 / averages**0.5


def test_an_agent_is_told_what_averages_and_ways_take() -> None:
    costs = candidates(Wells().begin(0).choices).costs
    assert costs is not None
    places = np.column_stack([np.arange(5.0), np.zeros(5)])
    one, four = (costs.seconds(places, (0.0, 0.0), n)[:, 0] for n in (1, 4))
    assert one == pytest.approx([3.0, 5.0, 7.0, 9.0, 11.0])
    assert four - one == pytest.approx(3.0 * np.ones(5))


def test_more_averages_than_a_task_allows_are_refused() -> None:
    with pytest.raises(TaskError, match="'wells' averages 1 to 8 measurements, got 9"):
        Wells().begin(0).act(0, averages=9)


def test_the_averages_that_an_agent_asks_for_are_taken() -> None:
    score = play(Wells(), "gp", seed=0, initial=2, averages=8)
    assert 10.0 in np.diff((0.0, *score.times))
