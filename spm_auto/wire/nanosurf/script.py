"""Scripts: the few forms of Lua in which Studio is asked, read by a small parser and written.

Understood are values, tables, paths that begin at ``root``, calls of them, assignments to them and
``return``. Nothing is executed here, and nothing else is understood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from .tokens import LuaError, Token, tokens

DEEPEST = 64  # tables in tables
_INFINITE = {"inf": float("inf"), "nan": float("nan"), "huge": float("inf")}


@final
class Function:
    """A function in a tree: it can be called where the tree is, and is nothing elsewhere."""

    def __repr__(self) -> str:
        return "FUNCTION"


FUNCTION: Final = Function()


@dataclass(frozen=True, slots=True)
class Path:
    """A place in the tree.

    Attributes:
        parts: Names and indices from ``root`` on.
    """

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        first, *others = self.parts
        return f"{first}" + "".join(f".{p}" if isinstance(p, str) else f"[{p}]" for p in others)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the tree with what it is given."""

    path: Path
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what has no name, in order, and what has one."""

    items: tuple["Expression", ...] = ()
    named: tuple[tuple[str | int, "Expression"], ...] = ()


Expression = None | bool | int | float | str | Function | Path | Call | Table


@dataclass(frozen=True, slots=True)
class Assign:
    """Giving a place of the tree a value."""

    path: Path
    value: Expression


@dataclass(frozen=True, slots=True)
class Return:
    """Answering with values."""

    values: tuple[Expression, ...]


Statement = Assign | Call | Return


def read_script(text: str) -> tuple[Statement, ...]:
    """Read a script.

    Raises:
        LuaError: It is not of the forms that are understood; the message is like Lua's own.
    """
    return _Parser(tokens(text)).script()


def read_expression(text: str) -> Expression:
    """Read one expression.

    Raises:
        LuaError: It is none, or something follows it.
    """
    parser = _Parser(tokens(text))
    value = parser.expression()
    parser.end()
    return value


def write_call(path: str, arguments: Sequence[str] = ()) -> str:
    """Return a call as text, its arguments being text already."""
    return f"{path}({','.join(arguments)})"


class _Parser:
    """Reads words from left to right."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    def script(self) -> tuple[Statement, ...]:
        """Read statements to the end."""
        found: list[Statement] = []
        while self._here.kind != "end":
            if self._takes(";"):
                continue
            found.append(self._statement())
            if isinstance(found[-1], Return):
                self._takes(";")
                self.end()
        return tuple(found)

    def end(self) -> None:
        """Refuse anything that follows."""
        if self._here.kind != "end":
            raise self._unexpected("<eof>")

    def expression(self) -> Expression:
        """Read one value, table, path or call."""
        word = self._here
        if word.kind in ("number", "text"):
            self._at += 1
            return word.text if word.kind == "text" else self._quotient(_number(word.text))
        if self._takes("-"):
            value = self.expression()
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise LuaError("attempt to perform arithmetic on what is no number")
            return -value
        if word.text == "{" and word.kind == "sign":
            return self._table()
        if word.kind == "name":
            return self._named()
        raise self._unexpected("a value")

    def _quotient(self, value: int | float) -> int | float:
        if not self._takes("/"):
            return value
        if self._here.kind != "number":
            raise self._unexpected("a number")
        below = _number(self._here.text)
        self._at += 1
        if below:
            return value / below
        return float("inf") if value else float("nan")

    def _named(self) -> Expression:
        word = self._here.text
        if word in ("nil", "true", "false"):
            self._at += 1
            return {"nil": None, "true": True, "false": False}[word]
        if word in ("inf", "nan"):
            self._at += 1
            if self._takes("("):  # nan(ind), as Windows writes it
                self._at += 1
                self._needs(")")
            return _INFINITE[word]
        if word == "function":
            return self._function()
        path = self._path()
        if path.parts == ("math", "huge"):
            return _INFINITE["huge"]
        if path.parts[0] != "root":
            raise LuaError(f"attempt to index a nil value (global '{path.parts[0]}')")
        return Call(path, self._arguments()) if self._here.text == "(" else path

    def _statement(self) -> Statement:
        if self._here.text == "return" and self._here.kind == "name":
            self._at += 1
            if self._is_at_end():
                return Return(())
            values = [self.expression()]
            while self._takes(","):
                values.append(self.expression())
            return Return(tuple(values))
        value = self.expression()
        if isinstance(value, Call):
            return value
        if isinstance(value, Path) and self._takes("="):
            return Assign(value, self.expression())
        raise self._unexpected("=")

    def _is_at_end(self) -> bool:
        return self._here.kind == "end" or self._here.text == ";"

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self._takes("."):
                parts.append(self._name())
            elif self._takes("["):
                parts.append(self._key())
            else:
                return Path(tuple(parts))

    def _key(self) -> str | int:
        key = self.expression()
        self._needs("]")
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise LuaError("a key must be a text or a whole number")
        return key

    def _arguments(self) -> tuple[Expression, ...]:
        self._needs("(")
        found: list[Expression] = []
        while not self._takes(")"):
            if found:
                self._needs(",")
            found.append(self.expression())
        return tuple(found)

    def _table(self) -> Table:
        self._needs("{")
        self._depth += 1
        if self._depth > DEEPEST:
            raise LuaError(f"chunk has more than {DEEPEST} tables in one another")
        items: list[Expression] = []
        named: list[tuple[str | int, Expression]] = []
        while not self._takes("}"):
            if (items or named) and not (self._takes(",") or self._takes(";")):
                raise self._unexpected("}")
            if self._takes("}"):
                break
            self._entry(items, named)
        self._depth -= 1
        return Table(tuple(items), tuple(named))

    def _entry(self, items: list[Expression], named: list[tuple[str | int, Expression]]) -> None:
        following = self._words[self._at + 1] if self._here.kind != "end" else self._here
        if self._takes("["):
            key = self._key()
            self._needs("=")
            named.append((key, self.expression()))
        elif self._here.kind == "name" and following.text == "=" and following.kind == "sign":
            name = self._name()
            self._needs("=")
            named.append((name, self.expression()))
        else:
            items.append(self.expression())

    def _function(self) -> Function:
        self._at += 1
        self._needs("(")
        while not self._takes(")"):
            self._at += 1
            if self._here.kind == "end":
                raise self._unexpected(")")
        if self._name() != "end":
            raise LuaError("a function with a body is not understood")
        return FUNCTION

    def _name(self) -> str:
        if self._here.kind != "name":
            raise self._unexpected("<name>")
        self._at += 1
        return self._words[self._at - 1].text

    def _takes(self, sign: str) -> bool:
        is_it = self._here.kind == "sign" and self._here.text == sign
        self._at += is_it
        return is_it

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._unexpected(sign)

    @property
    def _here(self) -> Token:
        return self._words[min(self._at, len(self._words) - 1)]

    def _unexpected(self, expected: str) -> LuaError:
        near = self._here.text or "<eof>"
        return LuaError(f"'{expected}' expected near '{near}'")


def _number(text: str) -> int | float:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    return float(text) if set(text) & set(".eE") else int(text)
