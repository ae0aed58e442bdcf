"""Adviser: what a simulated human wishes reaches the agent, and is kept."""

from collections.abc import Callable

from ..agents import Agent, ForbidRegion, Order, Prefer, Preferring, Steerable
from ..errors import AgentError
from ..tasks import Avoid, Episode, Human, Wish

ONLOOKER = "simulated human"

Recorder = Callable[[Order], None]


class Adviser:
    """Turns what a human wishes into what an agent understands, and keeps it.

    Args:
        human: Who looks on.
        agent: That listens.
        episode: That both play.
        record: Told each order before it is carried out.
    """

    def __init__(
        self, human: Human, agent: Agent, episode: Episode, record: Recorder | None
    ) -> None:
        self._human = human
        self._agent = agent
        self._episode = episode
        self._record = record
        self.orders: list[Order] = []

    def listen(self) -> None:
        """Have the agent do what the human wishes now, and ask him what the agent wants to know."""
        shown = self._episode.shown
        wishes: list[Wish] = list(self._human.look(shown))
        question = getattr(self._agent, "question", None)
        if question is not None and shown.chosen:
            pair = question()
            answer = self._human.compare(shown, *pair) if pair is not None else None
            wishes += [answer] if answer is not None else []
        for wish in wishes:
            self._carry_out(wish)

    def _carry_out(self, wish: Wish) -> None:
        if isinstance(wish, Avoid):
            region = ForbidRegion(wish.center, wish.size, wish.radius)
            if not isinstance(self._agent, Steerable):
                raise AgentError(
                    f"the agent ({type(self._agent).__name__}) cannot leave out a region"
                )
            self._note(Order(region, ONLOOKER, wish.why))
            x, y = self._episode.choices.points[:, 0], self._episode.choices.points[:, 1]
            self._agent.forbid(region.contains(x, y))
        elif isinstance(self._agent, Preferring):
            self._note(Order(Prefer(wish.better, wish.worse), ONLOOKER))
            self._agent.prefer(wish.better, wish.worse)

    def _note(self, order: Order) -> None:
        if self._record is not None:
            self._record(order)
        self.orders.append(order)
