"""Hearing: all lines to the ear of one run: how it and its instrument are, what is wished."""

import time
from collections.abc import Callable
from pathlib import Path

from spm_auto.ear import FILE_NAME, About, Look, RunView

from .link import Connect, Job, Line, Talker, Watching, may_be_there
from .orders import Outcome
from .wishes import (
    Annotate,
    Finish,
    Interrupt,
    Judge,
    Pause,
    Perform,
    Resume,
    SetApproval,
    Steer,
    Stop,
    Wish,
)

EVERY = 0.2  # [s] between two questions how it stands, and how its instrument is
ABOUT_EVERY = 5.0  # [s] between two questions what it has, and what is allowed
STALE = 2.5  # [s] after which nothing that was heard counts any more
_PATIENCE = 0.3  # [s] for all threads to end


class Hearing:
    """Hears and speaks to one run. Nothing here waits; each line has a thread of its own.

    What stops something has lines of its own, so that it waits for no other wish.

    Args:
        folder: Of the run.
        who: Who speaks.
        connect: Connects to its ear.
        told: Called with what came of a wish, from another thread.
    """

    def __init__(
        self, folder: Path, who: str, connect: Connect, told: Callable[[Outcome], None]
    ) -> None:
        self._folder = folder

        def call() -> Talker:
            return connect(folder, who)

        def say(wish: Wish, fault: str) -> None:
            told(Outcome(wish, fault))

        self._state = Watching(call, lambda talker: talker.state(), EVERY, "state")
        self._look = Watching(call, lambda talker: talker.look(), EVERY, "look")
        # not once: what is allowed moves with the sample, and with whoever goes on with the run
        self._about = Watching(call, lambda talker: talker.about(), ABOUT_EVERY, "about")
        self._wishes = Line[Wish](call, say, "wishes")
        self._interrupt = Line[Wish](call, say, "interrupt")
        self._stop = Line[Wish](call, say, "stop")

    @property
    def view(self) -> RunView | None:
        """How the run says that it stands; None while it cannot be spoken to."""
        news = self._state.news
        return news.value if time.monotonic() - news.at < STALE else None

    @property
    def look(self) -> Look | None:
        """How its instrument is; None while nobody can tell."""
        news = self._look.news
        return news.value if time.monotonic() - news.at < STALE else None

    @property
    def about(self) -> About | None:
        """What its instrument has, and what is allowed."""
        return self._about.news.value

    @property
    def is_gone(self) -> bool:
        """Whether nobody listens; who does and may not be spoken to, is there."""
        news = self._state.news
        return news.is_gone or (news.is_absent and not may_be_there(self._folder / FILE_NAME))

    @property
    def fault(self) -> str:
        """Why the run cannot be spoken to; empty where it can, or nobody has tried yet."""
        news = self._state.news
        if news.value is not None and self.view is None:
            return f"the run has not answered for {time.monotonic() - news.at:.0f} s"
        return news.fault

    def wish(self, wish: Wish, asked: int | None = None) -> None:
        """Say what a human wants, who sees a question of that number."""
        match wish:
            case Stop():
                line = self._stop
            case Interrupt():
                line = self._interrupt
            case _:
                line = self._wishes
        line.say(wish, job(wish, asked))

    def close(self) -> None:
        """Hang up; the run goes on. What waits for an answer ends by itself, later."""
        lines = (self._state, self._look, self._about, self._wishes, self._interrupt, self._stop)
        for each in lines:
            each.close()
        end = time.monotonic() + _PATIENCE
        for each in lines:
            each.join(max(0.0, end - time.monotonic()))


def job(wish: Wish, asked: int | None = None) -> Job:
    """Return what says a wish to a run.

    Args:
        wish: The wish.
        asked: The question that whoever wishes sees: what comes late must not answer the next one.
    """
    match wish:
        case Perform(instructions=instructions, why=why):
            return lambda talker: talker.perform(instructions, why, asked)
        case Interrupt(why=why):
            return lambda talker: talker.interrupt(why)
        case Finish(why=why):
            return lambda talker: talker.finish(why)
        case Pause(why=why):
            return lambda talker: talker.pause(why)
        case Resume(why=why):
            return lambda talker: talker.resume(why)
        case Stop(why=why):
            return lambda talker: talker.cancel(why)
        case Steer(steering=steering, why=why):
            return lambda talker: talker.steer(steering, why)
        case Judge(verdict=verdict, number=number, values=values, why=why):
            return lambda talker: talker.answer(verdict, why, values, number)
        case SetApproval(every=every, why=why):
            return lambda talker: talker.set_approval(every, why)
        case Annotate(text=text):
            return lambda talker: talker.annotate(text)
