"""Judging: what a human may answer to a question of the run, and what nobody has to be asked."""

import math
from collections.abc import Mapping
from typing import Any

from ..data import Judged, Verdict
from ..errors import SpmError
from .requests import Ask


def judged(
    ask: Ask, verdict: Verdict, who: str, why: str = "", values: Mapping[str, Any] | None = None
) -> Judged:
    """Make an answer to a question.

    Args:
        ask: What was asked.
        verdict: The answer.
        who: Who answers.
        why: Why, in words.
        values: What it shall be instead, by name; of what was proposed only, and finite.

    Raises:
        SpmError: The answer does not fit the question.
    """
    values = dict(values or {})
    if (verdict is Verdict.EDITED) is not bool(values):
        right = "needs values" if verdict is Verdict.EDITED else "has no values"
        raise SpmError(f"the answer {verdict.value!r} {right}")
    for name, value in values.items():
        if name not in ask.values:
            known = ", ".join(ask.values) or "nothing"
            raise SpmError(f"{name!r} cannot be edited here (what can be: {known})")
        if not _fits(value, ask.values[name]):
            raise SpmError(f"{name} cannot be {value!r:.80}; it is {ask.values[name]!r:.80} now")
    return Judged(ask.kind, ask.question, verdict, who, why, values)


def often(every: int) -> str:
    """Say in words about which proposals a human is asked, as `Ask.every` counts them."""
    if every <= 1:
        return "each proposal" if every else "no proposal"
    teens = 10 < every % 100 < 14
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(every % 10, "th")
    return f"every {every}{ending} proposal"


class Approving:
    """Says yes to everything, as a rehearsal does.

    Args:
        who: In whose name.
    """

    def __init__(self, who: str) -> None:
        self._who = who

    def __call__(self, ask: Ask) -> Judged:
        """Say yes."""
        return judged(ask, Verdict.APPROVED, self._who)


def _fits(value: Any, proposed: Any) -> bool:
    """Whether a value could stand in the place of one that was proposed."""
    if isinstance(proposed, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(proposed)
            and all(_fits(*pair) for pair in zip(value, proposed, strict=True))
        )
    if isinstance(proposed, bool | str):
        return type(value) is type(proposed)
    return type(value) in (int, float) and math.isfinite(value)
