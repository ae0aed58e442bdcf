"""P6 taste: which site of a film would a human like best, who cannot say by which number?"""

import math
from collections.abc import Mapping

import numpy as np

from spm_auto.instrument import FloatArray
from spm_auto.tasks import Better, Choices, Detail, Episode, Human, Measured, Shown, Task

from ..randomness import RandomStreams
from .stage import Stage
from .switching import SITES, film_choices, taken, true_switching

DOUBT = 0.15  # deviation of a human's judgement of one loop, in deviations of all sites


class Taste(Task):
    """Find the site that a human likes best, with 40 loops on 28 x 28 sites of 1 um.

    He looks at loops: how wide they are, and how far they are shifted, to the left or to the right.
    What he likes is a weighted sum of the two, with weights of a seed; he cannot say which. Of two
    loops he can say which is the better one, with errors.

    The reward is what one would have written down in his place: the width. After each act he
    compares the newest loop with the one that he liked best so far; this decides what is handed in,
    whoever plays. Players that listen hear of it, and may ask him one question more each time.

    Args:
        sites: Along each side.
    """

    id = "P6"
    name = "taste"
    question = "Which site would a human like best, who cannot say by which number?"
    unit = "V"
    budget = 52.0
    acts = 40
    unreleased = (
        "seeds differ too much in how far the best site stands out: a gap of 1.6 on training"
    )

    def __init__(self, sites: int = SITES) -> None:
        self._sites = sites
        self._values: dict[int, FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "TasteEpisode":
        stage, choices = film_choices(seed, level, self._sites)
        if seed not in self._values:
            self._values[seed] = true_switching(stage.truth.film, choices.points[:, :2])
        streams = RandomStreams(seed)
        angle = float(streams.stream("taste").uniform(0, 2 * math.pi))
        values = self._values[seed]
        judge = Judge(
            np.array([math.cos(angle), math.sin(angle)]),
            np.nanmean(values, axis=0),
            np.nanstd(values, axis=0),
            streams.stream("judgement"),
        )
        return TasteEpisode(self, choices, stage, judge, values)


class Judge(Human):
    """Likes loops by width and shift, and errs.

    Args:
        weights: What a deviation of the width, and one of the shift, are worth to him, shape (2,).
        usual: Width and shift of the usual loop [V], shape (2,).
        spread: Their deviations from site to site [V], shape (2,).
        rng: Of his errors.
    """

    def __init__(
        self,
        weights: FloatArray,
        usual: FloatArray,
        spread: FloatArray,
        rng: np.random.Generator,
    ) -> None:
        self._weights = weights
        self._usual = usual
        self._spread = spread
        self._rng = rng
        self._said: list[Better] = []
        self.best: int | None = None
        self.answers = 0

    def likes(self, values: FloatArray) -> FloatArray:
        """Return how much he would like loops if he did not err.

        Args:
            values: Width and shift of each [V], shape (..., 2).
        """
        return np.asarray((values - self._usual) / self._spread @ self._weights)

    def look(self, shown: Shown) -> list[Better]:  # noqa: ARG002  he has looked already
        """Return what he said since the last time."""
        said, self._said = self._said, []
        return said

    def compare(self, shown: Shown, one: int, other: int) -> Better | None:
        """Return which of two loops he finds better; None if one of them failed."""
        values = [self._seen(shown, each) for each in (one, other)]
        if any(value is None for value in values):
            return None
        self.answers += 1
        liked = self.likes(np.array(values)) + DOUBT * self._rng.standard_normal(2)
        return Better(one, other) if liked[0] > liked[1] else Better(other, one)

    def see_newest(self, shown: Shown) -> None:
        """Compare the newest loop with the best so far."""
        newest = shown.chosen[-1]
        if self._seen(shown, newest) is None:
            return
        if self.best is None:
            self.best = newest
            return
        answer = self.compare(shown, newest, self.best)
        if answer is not None:
            self._said.append(answer)
            self.best = answer.better

    def _seen(self, shown: Shown, choice: int) -> tuple[float, float] | None:
        act = shown.chosen.index(choice)
        if not math.isfinite(shown.rewards[act]):
            return None
        return shown.rewards[act], shown.details[act].others[0][0]


class TasteEpisode(Episode):
    """One film, and one human.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        judge: The human.
        values: True width and shift of each site [V], NaN where it does not switch, shape (n, 2).
    """

    scalarizers = ("width", "shift")

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, judge: Judge, values: FloatArray
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._judge = judge
        self.human = judge
        liked = judge.likes(values)
        self._liked = np.where(np.isfinite(liked), liked, np.nanmin(liked))

    def act(self, index: int, averages: int = 1) -> float:
        """Do one of the choices, and have the human look at it; see `Episode.act`."""
        reward = super().act(index, averages)
        self._judge.see_newest(self.shown)
        return reward

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        _, found = taken(self._stage, x, y)
        if found is None:
            return math.nan, math.nan
        self._detail = Detail(others=((found.shift, math.nan),))
        return found.width, math.nan

    @property
    def answer(self) -> int | None:
        """The choice that the human liked best when he compared each with the best before."""
        return self._judge.best

    def regret(self) -> float:
        """Return what he would like less in the answer than in the best, 1 for the median."""
        if self.answer is None:
            return 1.0
        best, middle = float(self._liked.max()), float(np.median(self._liked))
        return (best - float(self._liked[self.answer])) / (best - middle)

    def oracle(self) -> int | None:
        """Measure the site that he will like best."""
        if self.chosen and self.answer is not None:
            return None
        return int(np.argmax(np.where(self._free, self._liked, -np.inf)))

    def metrics(self) -> Mapping[str, float]:
        """Return how often he answered, and how much he likes the best of what was measured."""
        measured = [i for i, r in zip(self.chosen, self.rewards, strict=True) if math.isfinite(r)]
        most = float(self._liked[measured].max()) if measured else math.nan
        return {"answers": float(self._judge.answers), "liking of the best measured": most}
