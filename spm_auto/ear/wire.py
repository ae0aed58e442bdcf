"""What goes over the wire between a run and who steps into it: version, words, plain values.

A message is one frame of msgpack. Only plain values can be made of it; nothing is imported, called
or evaluated by what it says.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, get_args

import msgpack
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from .. import plugins
from ..agents import Rescalarize, Steering
from ..data import WHAT_GARBAGE_RAISES
from ..errors import OutOfStep, RecipeError, SpmError, retell, tell

VERSION = 1
LARGEST = 2**18  # [bytes] of a message to a run
LARGEST_ANSWER = 2**20  # [bytes] of one to a human
MOST_WORDS = 10_000  # characters of what a human says
MOST_BY_HAND = LARGEST - 2**15  # characters of what shall be done by hand
_MOST_NAME = 200  # characters of a name
_MOST_DEPTH = 8


class Word(StrEnum):
    """What can be said to a run; there is nothing else."""

    STATE = "state"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    EMERGENCY_STOP = "emergency_stop"
    STEER = "steer"
    ANSWER = "answer"
    ANNOTATE = "annotate"
    SET_APPROVAL = "set_approval"
    LOOK = "look"
    ABOUT = "about"
    PERFORM = "perform"
    FINISH = "finish"
    INTERRUPT = "interrupt"


ASKING = (Word.STATE, Word.LOOK, Word.ABOUT)  # by which nothing is changed


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody says to a run.

    Attributes:
        number: The answer bears it, too.
        word: What.
        who: Who says it; empty only where nothing is changed.
        why: Why, in words.
        value: With what, by name.
    """

    number: int
    word: Word
    who: str = ""
    why: str = ""
    value: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the run says to it.

    Attributes:
        number: Of the call.
        value: What came of it.
        error: What went wrong, from `errors.tell`; None where nothing did.
    """

    number: int
    value: Any = None
    error: tuple[str, str, Mapping[str, Any]] | None = None

    def result(self) -> Any:
        """Return what came of it, or raise what went wrong.

        Raises:
            SpmError: As it was raised in the run.
        """
        if self.error is not None:
            raise retell(*self.error)
        return self.value


def failed(number: int, error: SpmError) -> Reply:
    """Return the reply that says what went wrong."""
    return Reply(number, error=tell(error))


def pack_call(call: Call) -> bytes:
    """Turn a call into bytes."""
    table = {"v": VERSION, "n": call.number, "word": str(call.word)}
    return _pack({**table, "who": call.who, "why": call.why, "value": call.value})


def read_call(frames: Sequence[bytes]) -> Call:
    """Read a call.

    Raises:
        OutOfStep: It is none, or of another version.
    """
    table = _unpack(frames)
    version, number, word = table.get("v"), table.get("n"), table.get("word")
    if type(version) is not int or version != VERSION:
        raise OutOfStep(f"this run speaks version {VERSION}, the caller {version!r:.40}")
    if type(number) is not int:
        raise OutOfStep("a call needs a number")
    if type(word) is not str or word not in set(Word):
        raise OutOfStep(f"nothing is known of {word!r:.40} (known: {', '.join(Word)})")
    who, why, value = table.get("who"), table.get("why"), table.get("value")
    if type(who) is not str or type(why) is not str or type(value) is not dict:
        raise OutOfStep("a call says who, why and what")
    if not who.strip() and word not in ASKING:
        raise OutOfStep("it must be said who wants it")
    if len(who) > _MOST_NAME or len(why) > MOST_WORDS:
        raise OutOfStep(f"a name has {_MOST_NAME} characters at most, a reason {MOST_WORDS}")
    return Call(number, Word(word), who, why, value)


def pack_reply(reply: Reply) -> bytes:
    """Turn a reply into bytes."""
    error = None if reply.error is None else list(reply.error)
    return _pack({"v": VERSION, "n": reply.number, "value": reply.value, "error": error})


def read_reply(frames: Sequence[bytes]) -> Reply:
    """Read a reply.

    Raises:
        OutOfStep: It is none, or of another version.
    """
    table = _unpack(frames)
    if table.get("v") != VERSION:
        raise OutOfStep(f"the run speaks version {table.get('v')!r:.40}, this program {VERSION}")
    try:
        error = table["error"]
        if error is not None:
            kind, message, values = error
            error = (str(kind), str(message), dict(values))
        return Reply(int(table["n"]), table["value"], error)
    except WHAT_GARBAGE_RAISES as fault:
        raise OutOfStep(f"the run sent something that is no reply: {fault}") from fault


def steering_table(steering: Steering) -> dict[str, Any]:
    """Turn what an agent is asked into a table; what is left open is left out."""
    given = dataclasses.asdict(steering)
    return {"kind": steering.kind, "values": {k: v for k, v in given.items() if _is_given(v)}}


def read_steering(table: Mapping[str, Any]) -> Steering:
    """Make of a table what an agent is asked.

    Raises:
        RecipeError: It is nothing that an agent could do.
        PluginError: There is no such scalarizer.
    """
    kind, values = table.get("kind"), table.get("values")
    known = {cls.kind: cls for cls in get_args(Steering)}
    if type(kind) is not str or kind not in known:
        raise RecipeError(f"there is no intervention {kind!r:.40} (known: {', '.join(known)})")
    if type(values) is not dict:
        raise RecipeError(f"{kind} needs values by name")
    try:
        given = _form(known[kind]).model_validate(values)
        steering: Steering = known[kind](**{name: getattr(given, name) for name in values})
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{kind}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise RecipeError(f"{kind}: {error}") from error
    if isinstance(steering, Rescalarize) and steering.scalarizer not in plugins.names(
        "scalarizers"
    ):
        plugins.load("scalarizers", steering.scalarizer)  # says what there is
    return steering


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as one that can go over the wire; what cannot becomes text."""
    if isinstance(value, Mapping) and depth < _MOST_DEPTH:
        return {str(name): plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple) and depth < _MOST_DEPTH:
        return [plain(each, depth + 1) for each in value]
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), depth)
    if value is None or type(value) in (bool, int, float, str):
        return value
    return str(value)


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _form(kind: type[Any]) -> type[BaseModel]:
    """Return what checks the values of an intervention, field by field."""
    fields: dict[str, Any] = {
        field.name: (field.type, ... if field.default is dataclasses.MISSING else field.default)
        for field in dataclasses.fields(kind)
    }
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(kind.__name__, __config__=config, **fields)


def _pack(table: Mapping[str, Any]) -> bytes:
    try:
        packed: bytes = msgpack.packb(plain(table), unicode_errors="backslashreplace")
    except (ValueError, OverflowError) as error:  # a number of more than 64 bits
        raise OutOfStep(f"this cannot be sent: {error}") from error
    return packed


def _unpack(frames: Sequence[bytes]) -> dict[str, Any]:
    if len(frames) != 1:
        raise OutOfStep("a message is one frame")
    try:
        table = msgpack.unpackb(frames[0], use_list=False)
    except WHAT_GARBAGE_RAISES as error:
        raise OutOfStep(f"the message cannot be read: {type(error).__name__}") from error
    if type(table) is not dict or not all(type(name) is str for name in table):
        raise OutOfStep("the message is no table")
    return table
