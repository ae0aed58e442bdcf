"""A pool of processes on this machine, in which a worker may die without harm to the others."""

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

from ..errors import CampaignError
from .attempts import DROPPED, MOST_LOSSES, note, why_lost
from .executors import ONE_THREAD, Outcome, Work, given_up

_LEAVE = 5.0  # [s] for which a worker may take its leave


class LocalPool:
    """A pool of processes on this machine.

    A worker that dies takes nothing with it but its attempt at one run: another takes its place,
    and the run is done again, up to `MOST_LOSSES` times.

    Args:
        workers: How many; as many as there are cores without it.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1

    @property
    def workers(self) -> int:
        """How many runs it does at once."""
        return self._workers

    def map(self, folders: Sequence[Path], work: Work) -> Generator[Outcome]:
        """Do the runs of these folders."""
        waiting, deaths = deque(folders), Counter[Path]()
        left, barren = len(waiting), 0  # barren: workers in a row that died as they started
        hands: list[_Hand] = []
        try:
            while left:
                while len(hands) < min(self._workers, left):
                    hands.append(_Hand(work))
                for hand in hands:
                    if hand.is_idle and waiting:
                        hand.give(waiting.popleft())
                heard = wait([hand.connection for hand in hands])
                for hand in [each for each in hands if each.connection in heard]:
                    folder, outcome = hand.folder, hand.hear()
                    if hand.is_alive:
                        barren = 0
                    else:
                        hands.remove(hand)
                        if folder is None:
                            barren += 1
                            _check(barren, hand)
                            continue
                        deaths[folder] += 1
                        if deaths[folder] < MOST_LOSSES:
                            waiting.append(folder)
                            continue
                        outcome = given_up(folder, why_lost(folder) or hand.end)
                    if outcome is not None:
                        left -= 1
                        yield outcome
        finally:
            for hand in hands:
                hand.dismiss()
            for hand in hands:
                hand.part()


def _check(barren: int, hand: "_Hand") -> None:
    if barren >= MOST_LOSSES:
        raise CampaignError(
            f"{barren} workers in a row died as they started ({hand.end}); what they said stands "
            f"above"
        )


class _Hand:
    """A worker: a process that is told a folder at a time.

    Attributes:
        connection: To it.
        folder: Of the run that it does; None while it has none.
        is_alive: False once it was found dead.
    """

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.folder: Path | None = None
        self.is_alive = True
        self._is_ready = False
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with _environment(ONE_THREAD):  # numpy reads it as it is imported
            self._process.start()
        theirs.close()  # so that its death is heard

    @property
    def is_idle(self) -> bool:
        """Whether it waits for something to do."""
        return self._is_ready and self.folder is None

    @property
    def end(self) -> str:
        """How its process ended, in words."""
        code = self._process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def give(self, folder: Path) -> None:
        """Tell it what to do."""
        self.folder = folder
        with suppress(OSError):  # it has died, which is heard
            self.connection.send(folder)

    def hear(self) -> Outcome | None:
        """Hear what it says: that it is ready (None), how a run went, or nothing any more."""
        try:
            said: Outcome | None = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(_LEAVE)
            self.is_alive = False
            return None
        self._is_ready, self.folder = True, None
        return said

    def dismiss(self) -> None:
        """Let it go: at once when it waits, else by ending it in the middle of its run."""
        with suppress(OSError):
            if self.folder is None:
                self.connection.send(None)
            else:
                self._process.terminate()

    def part(self) -> None:
        """Wait until it is gone, and note that its run was dropped."""
        self._process.join(_LEAVE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        if self.folder is not None:
            with suppress(OSError):
                note(self.folder, DROPPED, why="the campaign was left")


def _serve(connection: Connection, work: Work) -> None:
    """Do one run after the other, in a process of its own, until there is nobody to tell more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever gives the orders
    with suppress(EOFError, OSError):  # which may have died
        connection.send(None)
        while (folder := connection.recv()) is not None:
            connection.send(work(folder))


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set what is not set in the environment, for a while."""
    added = [name for name in wanted if name not in os.environ]
    os.environ.update({name: wanted[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
