"""Links: threads that speak to the ear of a run, so that nothing in the window ever waits."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from spm_auto.agents import Steering
from spm_auto.data import Verdict
from spm_auto.ear import About, Look, RunClient, RunView
from spm_auto.errors import AccessError, ConnectionLost, OutOfStep, SpmError
from spm_auto.instrument import Instruction

AGAIN = 0.5  # [s] between two attempts to reach a run

Heard = TypeVar("Heard")


class Talker(Protocol):
    """What can be said to a run; for one thread. Each call has a deadline. See `RunClient`."""

    def close(self) -> None:
        """Hang up."""

    def state(self) -> RunView:
        """Return how the run stands."""

    def look(self) -> Look:
        """Return how its instrument is."""

    def about(self) -> About:
        """Return what its instrument has, and what is allowed."""

    def perform(
        self, instructions: Sequence[Instruction], why: str = "", number: int | None = None
    ) -> None:
        """Have it carry out instructions by hand."""

    def finish(self, why: str = "") -> None:
        """Say that nothing more is to be done by hand."""

    def interrupt(self, why: str = "") -> None:
        """End what was begun by hand."""

    def pause(self, why: str = "") -> None:
        """Have it wait."""

    def resume(self, why: str = "") -> None:
        """Have it go on."""

    def cancel(self, why: str = "") -> None:
        """Have it end at once, in order."""

    def emergency_stop(self, why: str = "", hard: bool = False) -> None:
        """Have the tip withdrawn."""

    def steer(self, steering: Steering, why: str = "") -> None:
        """Have something done before the agent chooses again."""

    def answer(
        self,
        verdict: Verdict,
        why: str = "",
        values: Mapping[str, Any] | None = None,
        number: int | None = None,
    ) -> str:
        """Answer what it asks."""

    def annotate(self, text: str, why: str = "") -> None:
        """Have something written down."""

    def set_approval(self, every: int, why: str = "") -> None:
        """Have a human asked about every so many-th proposal."""


Connect = Callable[[Path, str], Talker]
Job = Callable[[Talker], object]


def call_run(folder: Path, who: str) -> Talker:
    """Connect to the run of a folder.

    Raises:
        SpmError: No run listens there.
    """
    return RunClient.connect(folder, who)


def may_be_there(path: Path) -> bool:
    """Say whether there is such a file, as far as one may look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def unforeseen() -> Iterator[None]:
    """Turn what nobody foresaw into an `OutOfStep`: no thread may end by it without a word.

    Raises:
        SpmError: Whatever goes wrong within.
    """
    try:
        yield
    except SpmError:
        raise
    except Exception as error:  # whatever it is, the thread must say it and go on
        raise OutOfStep(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class News(Generic[Heard]):
    """What was heard last.

    Attributes:
        value: What; None where nothing is known now.
        fault: Why nothing is known; empty where something is.
        at: When it was heard [s], as `time.monotonic` tells.
        is_gone: Whether nobody is there any more who could tell.
        is_absent: Whether one cannot know of anybody who could.
    """

    value: Heard | None = None
    fault: str = ""
    at: float = 0.0
    is_gone: bool = False
    is_absent: bool = False


class Watching(Generic[Heard]):
    """Asks a run the same thing again and again, in a thread of its own with its own connection.

    It waits for a run that does not listen yet, and comes again where one went away.

    Args:
        connect: Makes a connection.
        ask: Asks.
        every: How long to wait between two questions [s].
        name: Of the thread.
    """

    def __init__(
        self,
        connect: Callable[[], Talker],
        ask: Callable[[Talker], Heard],
        every: float,
        name: str,
    ) -> None:
        self._connect, self._ask, self._every = connect, ask, every
        self._news: News[Heard] = News()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    @property
    def news(self) -> News[Heard]:
        """What was heard last; for any thread."""
        return self._news

    def close(self) -> None:
        """Ask nothing more; does not wait."""
        self._closing.set()

    def join(self, patience: float) -> None:
        """Wait for the end of the thread, so long at most [s]; it ends by itself, too."""
        self._thread.join(patience)

    def _watch(self) -> None:
        talker: Talker | None = None
        while not self._closing.is_set():
            try:
                with unforeseen():
                    if talker is None:
                        talker = self._connect()
                    self._news = News(self._ask(talker), "", time.monotonic())
            except SpmError as error:
                is_absent = isinstance(error, AccessError)
                said = str(error)
                self._news = News(None, said, time.monotonic(), _is_gone(error), is_absent)
                if talker is not None and isinstance(error, ConnectionLost):
                    talker.close()
                    talker = None
            self._closing.wait(AGAIN if self._news.fault else self._every)
        if talker is not None:
            talker.close()


def _is_gone(error: SpmError) -> bool:
    """Whether an error says that nobody is there, and not that somebody is hard to understand."""
    return isinstance(error, ConnectionLost) and not isinstance(error, OutOfStep)


class Line(Generic[Heard]):
    """Says things to a run, one after another in the order given, in a thread of its own.

    Before each it makes sure that the run is there, and connects again where it is not; nothing is
    said twice.

    Args:
        connect: Makes a connection.
        told: Called from that thread with what was to be said and why it was refused; empty where
            it was taken.
        name: Of the thread.
    """

    def __init__(
        self, connect: Callable[[], Talker], told: Callable[[Heard, str], None], name: str
    ) -> None:
        self._connect, self._told = connect, told
        self._jobs: queue.SimpleQueue[tuple[Heard, Job] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def say(self, what: Heard, job: Job) -> None:
        """Have something said; returns at once."""
        self._jobs.put((what, job))

    def close(self) -> None:
        """Say nothing more than what was asked for already; does not wait."""
        self._jobs.put(None)

    def join(self, patience: float) -> None:
        """Wait for the end of the thread, so long at most [s]; it ends by itself, too."""
        self._thread.join(patience)

    def _work(self) -> None:
        talker: Talker | None = None
        while (job := self._jobs.get()) is not None:
            what, say = job
            fault = ""
            try:
                with unforeseen():
                    talker = self._living(talker)
                    say(talker)
            except SpmError as error:
                fault = str(error)
            self._told(what, fault)
        if talker is not None:
            talker.close()

    def _living(self, talker: Talker | None) -> Talker:
        """Return a connection at whose other end somebody is."""
        if talker is not None:
            with contextlib.suppress(SpmError), unforeseen():
                talker.state()
                return talker
            talker.close()
        return self._connect()
