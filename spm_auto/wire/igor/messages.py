"""Messages of ZeroMQ-XOP: calls of functions as JSON, and what they return.

Source:
    The documentation of ZeroMQ-XOP by the Allen Institute, message version 1.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from .calls import Call, Value

PORT = 5555
LARGEST_REQUEST = 1024  # bytes
_ODD = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        identity: Of the request that it answers.
        error: 0 when the function was called.
        message: What was wrong.
        value: What it returned; None for nothing.
    """

    identity: str
    error: int = 0
    message: str = ""
    value: Value | None = None


def request(call: Call, identity: str) -> bytes:
    """Return the message that calls a function.

    Raises:
        ValueError: It is longer than the other end takes.
    """
    params = [value if isinstance(value, str) else _number(value) for value in call.params]
    function = {"name": call.name, **({"params": params} if params else {})}
    message = {"version": 1, "messageID": identity, "CallFunction": function}
    data = json.dumps(message, separators=(",", ":")).encode()
    if len(data) > LARGEST_REQUEST:
        raise ValueError(f"a message has at most {LARGEST_REQUEST} bytes, {call.name} {len(data)}")
    return data


def parse_request(data: bytes) -> tuple[Call, str]:
    """Read a request; returns the call and the identity of the message.

    Raises:
        ValueError: It is none.
    """
    message = _object(data)
    function = message.get("CallFunction")
    if message.get("version") != 1 or not isinstance(function, dict):
        raise ValueError("a request has the version 1 and a CallFunction")
    name, params = function.get("name"), function.get("params", [])
    if not isinstance(name, str) or not isinstance(params, list):
        raise ValueError("a CallFunction has a name and params")
    values = tuple(value if isinstance(value, str) else float(value) for value in params)
    return Call(name, values), str(message.get("messageID", ""))


def reply(answer: Reply) -> bytes:
    """Return the message that answers a call."""
    error: dict[str, Any] = {"value": answer.error}
    if answer.error:
        error["msg"] = answer.message
    message: dict[str, Any] = {"errorCode": error}
    if answer.identity:
        message["messageID"] = answer.identity
    if not answer.error:
        is_text = isinstance(answer.value, str)
        value = answer.value if is_text else _number(0.0 if answer.value is None else answer.value)
        message["result"] = {"type": "string" if is_text else "variable", "value": value}
    return json.dumps(message).encode()


def parse_reply(data: bytes) -> Reply:
    """Read a reply; numbers that JSON cannot hold come as text.

    Raises:
        ValueError: It is none, or returns what is neither a number nor a text.
    """
    message = _object(data)
    error, identity = message.get("errorCode"), message.get("messageID", "")
    if not isinstance(error, dict) or not isinstance(error.get("value"), int):
        raise ValueError("a reply has an errorCode with a value")
    if error["value"]:
        return Reply(str(identity), error["value"], str(error.get("msg", "")))
    result = message.get("result", {})
    kind, value = result.get("type"), result.get("value")
    if kind == "variable":
        value = _ODD[value.lower()] if isinstance(value, str) else float(value)
    elif kind == "string" and isinstance(value, str):
        pass
    elif result:
        raise ValueError(f"the result is a {kind}; only numbers and texts are read")
    return Reply(str(identity), value=value)


def _object(data: bytes) -> dict[str, Any]:
    message = json.loads(data.decode("utf-8"))
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message


def _number(value: Value) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)
