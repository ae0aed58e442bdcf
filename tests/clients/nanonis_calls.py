"""What the scripts of Nanonis clients share: one call is made, judged and told."""

import json
import math
from collections.abc import Callable
from typing import Any


def say(call: str, right: bool, why: str = "") -> None:
    """Tell what came of a call."""
    print(json.dumps({"call": call, "right": bool(right), "why": why[:300]}), flush=True)  # noqa: T201


def judge(call: str, made: Callable[[], Any], right: Callable[[Any], bool], bug: str = "") -> Any:
    """Make a call and tell whether its value is right; `bug` says what the client is known for."""
    try:
        value = made()
    except Exception as error:  # noqa: BLE001  other people's code raises what it likes
        say(call, False, bug or f"{type(error).__name__}: {error}")
        return None
    try:
        good = bool(right(value))
    except Exception as error:  # noqa: BLE001
        say(call, False, bug or f"{type(error).__name__}: {error} at {value!r}")
        return value
    say(call, good, "" if good else bug or f"got {value!r}")
    return value


def near(*expected: float) -> Callable[[Any], bool]:
    """Return whether numbers agree as float32 do."""

    def right(value: Any) -> bool:
        got = list(value) if isinstance(value, (list, tuple)) else [value]
        return len(got) == len(expected) and all(
            math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-30)
            for a, b in zip(got, expected, strict=True)
        )

    return right
