"""Ear: the control socket of a running process, in a thread of its own."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq

from ..data import WHAT_GARBAGE_RAISES, Verdict
from ..errors import InstrumentError, OutOfStep, SpmError
from ..server import CLOSING, Caller, Door, new_identity, receive
from ..workflow import INSTRUCTIONS, Runner, instructions_from_text
from .look import about, about_table, look_at, look_table
from .lookout import Lookout
from .place import Place, remove_place, write_place
from .wire import (
    LARGEST,
    MOST_WORDS,
    Call,
    Reply,
    Word,
    failed,
    pack_reply,
    plain,
    read_call,
    read_steering,
)

_ADDRESS = "tcp://127.0.0.1"
_LAST = 5.0  # [s] for the thread to end
_MOST_EVERY = 1_000_000
_APART = (Word.CANCEL, Word.EMERGENCY_STOP, Word.INTERRUPT)
_log = logging.getLogger(__name__)


class Ear:
    """Listens to whoever has the key in the run's folder, and does to the run what is said.

    What is said is checked as a whole before it is done, and what cannot be done is answered with
    the reason. Stopping waits for nothing else: it has a thread of its own each time. Nobody waits
    for a look at the instrument but who has asked for it.

    Args:
        runner: The run.
        folder: Its folder.
        title: What it is about, for people.

    Raises:
        InstrumentError: There can be no socket.
        AccessError: The file that says where it listens cannot be written.
    """

    def __init__(self, runner: Runner, folder: Path, title: str = "") -> None:
        self._runner, self._folder, self._title = runner, folder, title
        own, caller = new_identity("run"), new_identity("human")
        self._caller = caller.public
        self._door = Door(zmq.ROUTER, _ADDRESS, 0, own, self, LARGEST, _log.debug)
        self._bell, self._new_end = self._door.bell()
        self._end = self._new_end()  # to ring that it is over
        self._stopping: list[threading.Thread] = []
        self._lookout = Lookout(lambda: look_table(look_at(runner)), self._ring)
        self.place = Place(
            self._door.address, own.public, caller.public, caller.secret, os.getpid()
        )
        try:
            write_place(folder, self.place)
        except SpmError:
            self._end.close(linger=0)
            self._bell.close(linger=0)
            self._door.close()
            raise
        self._thread = threading.Thread(target=self._listen, name="ear", daemon=True)
        self._thread.start()
        runner.hear()

    def callback(self, domain: str, key: bytes) -> bool:  # noqa: ARG002 - as zmq.auth calls it
        """Say whether a public key, as Z85, is the one of this run's folder."""
        return key.decode("ascii", "replace") == self._caller

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
        """Hear nothing more, and remove the file; safe to call twice."""
        if self._end.closed:
            return
        remove_place(self._folder, self.place)
        for thread in self._stopping:
            thread.join(_LAST)
        self._lookout.close(_LAST)
        self._end.send(CLOSING)
        self._thread.join(_LAST)
        self._end.close(linger=0)
        self._door.close()

    def _listen(self) -> None:
        socket, poller = self._door.socket, zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(self._bell, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._bell in ready:
                ringing = self._bell.recv_multipart()
                if ringing == [CLOSING]:
                    break
                socket.send_multipart(ringing)
            if socket in ready:
                caller, frames = receive(socket)
                reply = self._hear(caller, frames)
                if reply is not None:
                    socket.send_multipart([caller.route, pack_reply(reply)])
        self._bell.close(linger=0)

    def _hear(self, caller: Caller, frames: list[bytes]) -> Reply | None:
        """Do what was said, and return the reply; None where somebody will ring with it."""
        number = -1
        try:
            call = read_call(frames)
            number = call.number
            if call.word in _APART:
                self._do_apart(caller, call)
                return None
            if call.word is Word.LOOK:
                self._lookout.ask(caller, number)
                return None
            return Reply(number, self._do(call))
        except SpmError as error:
            return failed(number, error)
        except WHAT_GARBAGE_RAISES as error:
            return failed(number, OutOfStep(f"this makes no sense to a run: {error}"))
        except Exception as error:  # noqa: BLE001 - the ear must go on, for whoever withdraws next
            return failed(number, InstrumentError(f"{type(error).__name__}: {error}"))

    def _do(self, call: Call) -> Any:
        runner, value = self._runner, call.value
        match call.word:
            case Word.STATE:
                return self._state()
            case Word.ABOUT:
                return about_table(about(runner))
            case Word.PERFORM:
                instructions = instructions_from_text(_text(value.get(INSTRUCTIONS), LARGEST))
                runner.do_by_hand(instructions, call.who, call.why, _number(value))
            case Word.FINISH:
                runner.end_by_hand(call.who, call.why)
            case Word.PAUSE:
                runner.pause(call.who, call.why)
            case Word.RESUME:
                runner.resume(call.who, call.why)
            case Word.STEER:
                runner.steer(read_steering(value), call.who, call.why)
            case Word.ANSWER:
                return self._answer(call)
            case Word.ANNOTATE:
                runner.annotate(_text(value.get("text")), call.who, call.why)
            case Word.SET_APPROVAL:
                every = value.get("every")
                if type(every) is not int or not 0 <= every <= _MOST_EVERY:
                    raise OutOfStep(f"every is a whole number from 0 to {_MOST_EVERY}")
                runner.set_approval(every, call.who, call.why)
            case _:
                raise OutOfStep(f"{call.word.value!r} is not answered here")
        return None

    def _answer(self, call: Call) -> str:
        verdict, values = call.value.get("verdict"), call.value.get("values", {})
        if type(verdict) is not str or verdict not in set(Verdict):
            raise OutOfStep(f"an answer is one of {', '.join(Verdict)}, not {verdict!r:.40}")
        if type(values) is not dict:
            raise OutOfStep("an answer has values by name")
        number = _number(call.value)
        question = self._runner.answer(Verdict(verdict), call.who, call.why, values, number)
        return question.ask.question

    def _state(self) -> dict[str, Any]:
        runner = self._runner
        question, finished = runner.question, runner.finished
        asked = None
        if question is not None:
            ask = question.ask
            asked = {
                "number": question.number,
                "kind": ask.kind,
                "question": ask.question,
                "values": plain(ask.values),
            }
        return {
            "title": self._title,
            "state": str(runner.state),
            "finished": None if finished is None else str(finished.reason),
            "is_held": runner.is_held,
            "approval": runner.approval,
            "question": asked,
            "waiting": list(runner.waiting),
            "process": os.getpid(),
        }

    def _do_apart(self, caller: Caller, call: Call) -> None:
        """Do what may have to wait for the instrument, in a thread of its own."""

        def do() -> None:
            try:
                self._end_something(call)
                reply = Reply(call.number)
            except SpmError as error:
                reply = failed(call.number, error)
            except Exception as error:  # noqa: BLE001 - whatever a driver raises, who asks is told
                fault = InstrumentError(f"{type(error).__name__}: {error}")
                reply = failed(call.number, fault)
            self._ring(caller, reply)

        thread = threading.Thread(target=do, name=str(call.word), daemon=True)
        self._stopping = [*(t for t in self._stopping if t.is_alive()), thread]
        thread.start()

    def _end_something(self, call: Call) -> None:
        runner = self._runner
        match call.word:
            case Word.EMERGENCY_STOP:
                runner.emergency_stop(call.who, call.why, hard=call.value.get("hard") is True)
            case Word.INTERRUPT:
                runner.interrupt(call.who, call.why)
            case _:
                if runner.finished is not None:
                    raise SpmError(f"the run is over: {runner.finished.reason}")
                runner.cancel(call.who, call.why)

    def _ring(self, caller: Caller, reply: Reply) -> None:
        """Have a reply sent that another thread has made."""
        end = self._new_end()
        end.send_multipart([caller.route, pack_reply(reply)])
        end.close(linger=1000)


def _text(text: object, longest: int = MOST_WORDS) -> str:
    if type(text) is not str or not text.strip():
        raise OutOfStep("a note is a text that says something")
    if len(text) > longest:
        raise OutOfStep(f"a note has {longest} characters at most")
    return text


def _number(value: Mapping[str, Any]) -> int | None:
    number = value.get("number")
    if number is not None and type(number) is not int:
        raise OutOfStep("a question has a whole number")
    return number
