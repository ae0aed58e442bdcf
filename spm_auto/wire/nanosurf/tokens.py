"""The words of a small part of Lua: names, numbers, texts, and a few signs."""

import re
from dataclasses import dataclass
from typing import Literal

NUMBER = r"0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WORD = re.compile(
    rf"""\s*(?:
        (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>{NUMBER})
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | \[(?P<level>=*)\[(?P<long>.*?)\](?P=level)\]
      | (?P<sign>\.\.\.|[-{{}}()\[\],;=./])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+)\}|z\s*|(\d{1,3})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

Kind = Literal["name", "number", "text", "sign", "end"]


class LuaError(ValueError):
    """A text is not the small part of Lua that is understood here."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a script.

    Attributes:
        kind: What it is.
        text: The word; of a text what it says.
        at: Where it begins.
    """

    kind: Kind
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Return the words of a script, and an end.

    Raises:
        LuaError: A sign is not known, or a text does not end.
    """
    found: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        if match is None:
            raise LuaError(f"unexpected symbol near {text[at : at + 20].strip()!r}")
        kind, word = _word(match)
        found.append(Token(kind, word, match.start()))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def _word(match: re.Match[str]) -> tuple[Kind, str]:
    if match["name"] is not None:
        return "name", match["name"]
    if match["number"] is not None:
        return "number", match["number"]
    if match["text"] is not None:
        return "text", _ESCAPE.sub(_unescaped, match["text"][1:-1])
    if match["long"] is not None:
        return "text", match["long"].removeprefix("\n")
    return "sign", match["sign"]


def _unescaped(match: re.Match[str]) -> str:
    hexadecimal, point, decimal, single = match.groups()
    try:
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        if point:
            return chr(int(point, 16))
        if decimal:
            return chr(int(decimal))
    except (ValueError, OverflowError) as error:
        raise LuaError(f"no such character: {match[0]}") from error
    return _SIMPLE.get(single, single) if single else ""
