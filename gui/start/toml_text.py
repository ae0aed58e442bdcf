"""TOML text: a value is changed where it stands, and the comments around it stay."""

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Table

from spm_auto.errors import RecipeError
from spm_auto.settings import parse_toml

Path = tuple[str | int, ...]  # keys and indices, from the outermost table inwards
_WIDE = 100  # characters of an array on one line


def at(table: Any, path: Path) -> Any:
    """Return what stands at a path; KeyError or IndexError where nothing does."""
    for key in path:
        table = table[key]
    return table


def replaced(text: str, path: Path, value: Any) -> str:
    """Return a text with another value at a path.

    Args:
        text: Valid TOML.
        path: Where; its last key need not be there yet.
        value: Text, number, list or table.

    Raises:
        RecipeError: Only the text itself can be changed there.
    """

    def change(table: Any, of: Callable[[Any], Any]) -> None:
        at(table, path[:-1])[path[-1]] = of(value)

    return _changed(text, change, _item_at(path))


def removed(text: str, path: Path) -> str:
    """Return a text without what stands at a path.

    Raises:
        RecipeError: Only the text itself can be changed there.
    """

    def change(table: Any, _: Callable[[Any], Any]) -> None:
        del at(table, path[:-1])[path[-1]]

    return _changed(text, change, _as_item)


def inserted(text: str, path: Path, value: Any) -> str:
    """Return a text with one more element in a list.

    Args:
        text: Valid TOML.
        path: Where it shall be; its last part is an index. A list that is not there begins with it.
        value: The element.

    Raises:
        RecipeError: Only the text itself can be changed there.
    """
    place, index = path[:-1], path[-1]
    if place[-1] not in at(parse_toml(text, "the text"), place[:-1]):
        return replaced(text, place, [value])

    def change(table: Any, of: Callable[[Any], Any]) -> None:
        at(table, place).insert(index, of(value))

    return _changed(text, change, _element_of(place))


def moved(text: str, path: Path, index: int) -> str:
    """Return a text with an element of a list elsewhere in it.

    Args:
        text: Valid TOML.
        path: The element.
        index: Where it shall be.

    Raises:
        RecipeError: Only the text itself can be changed there.
    """

    def change(table: Any, _: Callable[[Any], Any]) -> None:
        elements = at(table, path[:-1])
        element = elements[path[-1]]
        del elements[path[-1]]
        elements.insert(index, element)

    return _changed(text, change, _as_item)


def _changed(
    text: str,
    change: Callable[[Any, Callable[[Any], Any]], None],
    item: Callable[[Any, Any], Any],
) -> str:
    """Change a text; what it says then is held against the same change of its values."""
    wanted = parse_toml(text, "the text")
    change(wanted, copy.deepcopy)
    try:
        document = tomlkit.parse(text)
        change(document, lambda value: item(document, value))
        said = tomlkit.dumps(document)
        is_right = tomllib.loads(said) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError, NotImplementedError, ValueError) as error:
        raise RecipeError(f"this can only be changed in the text: {error}") from error
    if not is_right:
        raise RecipeError("this can only be changed in the text, where it is written another way")
    return said


def _item_at(path: Path) -> Callable[[Any, Any], Any]:
    """Write a value as tables are written where it shall stand."""

    def item(document: Any, value: Any) -> Any:
        owner = at(document, path[:-1])
        is_list = isinstance(value, list) and value and isinstance(value[0], dict)
        if is_list and isinstance(owner, tomlkit.TOMLDocument):
            return _as_tables(value)
        before = owner.get(path[-1]) if isinstance(owner, dict) else None
        return _as_table(value) if isinstance(before, Table) else _as_item(value)

    return lambda document, value: item(document, value)


def _element_of(path: Path) -> Callable[[Any, Any], Any]:
    """Write an element as those beside it are written."""

    def item(document: Any, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(at(document, path), AoT):
            return _as_table(value)
        return _as_item(value)

    return item


def _as_item(value: Any, _: Any = None) -> Any:
    """Write a value within a line: tables as { key = value }."""
    if isinstance(value, dict):
        table: InlineTable = tomlkit.inline_table()
        for key, inner in value.items():
            table[key] = _as_item(inner)
        return table
    if isinstance(value, list):
        array: Array = tomlkit.array()
        for inner in value:
            array.append(_as_item(inner))
        return array.multiline(len(array.as_string()) > _WIDE)
    return value


def _as_table(value: dict[str, Any]) -> Table:
    """Write a table with a heading."""
    table = tomlkit.table()
    for key, inner in value.items():
        table[key] = _as_item(inner)
    table.add(tomlkit.nl())
    return table


def _as_tables(values: list[dict[str, Any]]) -> AoT:
    tables = tomlkit.aot()
    for value in values:
        tables.append(_as_table(value))
    return tables
