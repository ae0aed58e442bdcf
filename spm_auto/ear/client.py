"""RunClient: how a person's program speaks to a run that another process carries out."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq

from ..agents import Steering
from ..data import Verdict
from ..errors import ConnectionLost, NoReply, OutOfStep, RecipeError
from ..instrument import Instruction
from ..server import Identity, dial
from ..workflow import INSTRUCTIONS, Ask, Question, instructions_to_text
from .look import About, Look, read_about, read_look
from .place import Place, read_place
from .wire import LARGEST_ANSWER, MOST_BY_HAND, Call, Word, pack_call, read_reply, steering_table

OPENING = 3.0  # [s] for a connection to stand
DEADLINE = 5.0  # [s] for an answer
STOPPING = 60.0  # [s] for the answer that a run is stopped, which may have to ask the instrument


@dataclass(frozen=True, slots=True)
class RunView:
    """How a run stands.

    Attributes:
        title: What it is about.
        state: Where it stands, a `spm_auto.workflow.RunState`.
        is_held: Whether somebody wants it to wait.
        approval: How often a human wants to be asked; None as the recipe has it.
        question: What is asked; None for nothing.
        waiting: What humans want that is not written down yet, in words.
        process: Number of its process.
        finished: How it ended; empty while it goes on.
    """

    title: str
    state: str
    is_held: bool
    approval: int | None
    question: Question | None
    waiting: tuple[str, ...]
    process: int
    finished: str = ""


class RunClient:
    """Speaks to a run; for one thread. Each call has a deadline, and says who and why.

    Args:
        place: Where the run listens.
        folder: Its folder, for messages.
        who: Who speaks.

    Raises:
        ConnectionLost: Nobody is there any more.
    """

    def __init__(self, place: Place, folder: Path, who: str) -> None:
        self._folder, self._who = folder, who
        self._numbers = itertools.count(1)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        own = Identity("human", place.caller, place.secret)
        try:
            self._socket = dial(self._context, place.address, own, place.public, OPENING)
        except ConnectionLost as error:
            self._context.destroy(linger=0)
            raise ConnectionLost(
                f"{folder}: nobody listens any more: the run's process {place.process} has died; "
                f"`spm-auto resume {folder}` goes on with it"
            ) from error
        self._socket.set(zmq.MAXMSGSIZE, LARGEST_ANSWER)

    @classmethod
    def connect(cls, folder: Path | str, who: str) -> Self:
        """Connect to the run of a folder.

        Args:
            folder: The run's folder.
            who: Who speaks, for the record.

        Raises:
            AccessError: No run listens there, or others may read its key.
            ConnectionLost: Its process has died.
        """
        return cls(read_place(Path(folder)), Path(folder), who)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the run goes on. Safe to call twice."""
        self._context.destroy(linger=0)

    def state(self) -> RunView:
        """Return how the run stands.

        Raises:
            NoReply: It did not answer in time; as all methods do.
            ConnectionLost: It is not there any more; as all methods do.
        """
        said = self._ask(Word.STATE)
        try:
            asked = said["question"]
            return RunView(
                title=str(said["title"]),
                state=str(said["state"]),
                is_held=bool(said["is_held"]),
                approval=said["approval"],
                question=None if asked is None else _question(asked),
                waiting=tuple(map(str, said["waiting"])),
                process=int(said["process"]),
                finished=str(said["finished"] or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OutOfStep(f"the run told of a state that is none: {error}") from error

    def question(self) -> Question | None:
        """Return what the run asks, and waits for; None for nothing."""
        return self.state().question

    def pause(self, why: str = "") -> None:
        """Have it wait before the next instruction or line."""
        self._ask(Word.PAUSE, why)

    def resume(self, why: str = "") -> None:
        """Have it go on."""
        self._ask(Word.RESUME, why)

    def cancel(self, why: str = "") -> None:
        """Have it end at once, in order."""
        self._ask(Word.CANCEL, why, within=STOPPING)

    def emergency_stop(self, why: str = "", hard: bool = False) -> None:
        """Have the tip withdrawn, and the run ended.

        Args:
            why: Why, in words.
            hard: Whether to take the alternate path for the tip at once, where there is one.

        Raises:
            NotConfirmed: The instrument does not say that it is up.
        """
        self._ask(Word.EMERGENCY_STOP, why, {"hard": True} if hard else None, within=STOPPING)

    def look(self, within: float = DEADLINE) -> Look:
        """Return how the instrument is, as it is read back now.

        Args:
            within: How long the answer may take [s].

        Raises:
            InstrumentError: It cannot be read.
        """
        return read_look(self._ask(Word.LOOK, within=within))

    def about(self) -> About:
        """Return what the instrument has, and what is allowed."""
        return read_about(self._ask(Word.ABOUT))

    def perform(
        self, instructions: Sequence[Instruction], why: str = "", number: int | None = None
    ) -> None:
        """Have instructions carried out by hand, where the run asks for them.

        What comes of them is in the journal: they are checked as any others, and what is refused
        is recorded.

        Args:
            instructions: Which ones, one after another.
            why: Why, in words.
            number: Which question is meant; None for the one that is being asked.

        Raises:
            SpmError: The run does not ask for them, or they are none.
        """
        text = instructions_to_text(instructions)
        if len(text) > MOST_BY_HAND:
            raise RecipeError(
                f"{len(instructions)} instructions are {len(text) / 1e3:.4g} kB, at most "
                f"{MOST_BY_HAND / 1e3:.4g} kB are given by hand at once"
            )
        self._ask(Word.PERFORM, why, {INSTRUCTIONS: text, "number": number})

    def finish(self, why: str = "") -> None:
        """Say that nothing more is to be done by hand: the run goes on with its next step.

        Raises:
            SpmError: The run does not wait for it.
        """
        self._ask(Word.FINISH, why)

    def interrupt(self, why: str = "") -> None:
        """End what was begun by hand; the run asks again.

        Raises:
            SpmError: Nothing is being done by hand just now.
        """
        self._ask(Word.INTERRUPT, why)

    def steer(self, steering: Steering, why: str = "") -> None:
        """Have something done before the agent chooses again.

        Raises:
            SpmError: The run is over, or it can never be done.
        """
        self._ask(Word.STEER, why, steering_table(steering))

    def answer(
        self,
        verdict: Verdict,
        why: str = "",
        values: Mapping[str, Any] | None = None,
        number: int | None = None,
    ) -> str:
        """Answer what the run asks, and return what that was.

        Args:
            verdict: The answer.
            why: Why, in words.
            values: Where edited, what it shall be instead, by name.
            number: Which question is meant; None for the one that is being asked.

        Raises:
            SpmError: Nothing is asked, something else is by now, or the answer does not fit.
        """
        value = {"verdict": str(verdict), "values": dict(values or {}), "number": number}
        return str(self._ask(Word.ANSWER, why, value))

    def annotate(self, text: str, why: str = "") -> None:
        """Have something written down."""
        self._ask(Word.ANNOTATE, why, {"text": text})

    def set_approval(self, every: int, why: str = "") -> None:
        """Have a human asked about every so many-th proposal; 0 for none."""
        self._ask(Word.SET_APPROVAL, why, {"every": every})

    def _ask(
        self,
        word: Word,
        why: str = "",
        value: Mapping[str, Any] | None = None,
        within: float = DEADLINE,
    ) -> Any:
        number = next(self._numbers)
        call = pack_call(Call(number, word, self._who, why, value or {}))
        try:
            self._socket.send(call, zmq.NOBLOCK)
            while True:
                if not self._socket.poll(int(1000 * within)):
                    raise NoReply(
                        f"{self._folder}: the run did not answer {word.value!r} within {within:g} s"
                    )
                reply = read_reply(self._socket.recv_multipart())
                if reply.number in (number, -1):  # else one that came too late
                    return reply.result()
        except zmq.ZMQError as error:
            raise ConnectionLost(f"{self._folder}: the run is not there any more") from error


def _question(asked: Mapping[str, Any]) -> Question:
    values = {str(name): value for name, value in dict(asked["values"]).items()}
    ask = Ask(str(asked["kind"]), str(asked["question"]), values)
    return Question(int(asked["number"]), ask)
