"""Schema: what a JSON schema allows at a place, and how typed text becomes such a value."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spm_auto.errors import RecipeError
from spm_auto.units import format as format_quantity

ABSENT: Any = object()  # in place of a value that is not given
_DEEP = 12  # tables within one another of an example
_KIND = "kind"
_QUANTITY = "a quantity in "


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand at a place.

    Attributes:
        schemas: The alternatives, without null.
        help: What it is, for people.
        default: What holds where nothing is given; `ABSENT` without one.
        is_required: Whether something must be given.
    """

    schemas: tuple[Mapping[str, Any], ...]
    help: str = ""
    default: Any = ABSENT
    is_required: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen: words, and kinds of tables."""
        found: list[str] = []
        for schema in self.schemas:
            found += [str(each) for each in schema.get("enum", ())]
            if schema.get("type") == "boolean":
                found += ["true", "false"]
            kind = kind_of(schema)
            if kind:
                found.append(kind)
        return tuple(dict.fromkeys(found))

    @property
    def is_only_chosen(self) -> bool:
        """Whether nothing else than the choices is allowed."""
        return all(
            "enum" in schema or schema.get("type") == "boolean" or kind_of(schema)
            for schema in self.schemas
        )

    @property
    def is_fixed(self) -> bool:
        """Whether only one value is allowed."""
        return len(self.schemas) == 1 and "const" in self.schemas[0]

    @property
    def unit(self) -> str:
        """SI unit of a quantity; empty for what is none."""
        for schema in self.schemas:
            said = schema.get("description", "")
            if said.startswith(_QUANTITY):
                return str(said.removeprefix(_QUANTITY))
        return ""

    @property
    def hint(self) -> str:
        """What is right here: unit, range and default, in a few words."""
        unit = self.unit
        parts = [f"in {unit}"] if unit and unit != "1" else []
        for schema in self.schemas:
            low, high = schema.get("minimum"), schema.get("maximum")
            above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
            ends = (
                (low, "from {:g}"), (above, "above {:g}"), (high, "to {:g}"), (below, "below {:g}"),
            )  # fmt: skip
            parts.append(" ".join(words.format(end) for end, words in ends if end is not None))
        if self.default is not ABSENT and self.default is not None and not self.is_fixed:
            parts.append(f"else {self.usual}" if self.usual else "")
        return ", ".join(filter(None, parts))

    @property
    def usual(self) -> str:
        """What holds where nothing is given, as it would be written."""
        unit = self.unit
        if unit and isinstance(self.default, int | float):
            return format_quantity(float(self.default), unit)
        if unit and isinstance(self.default, list | tuple):
            return ", ".join(format_quantity(float(each), unit) for each in self.default)
        return written(self.default)

    def fitting(self, value: Any) -> Mapping[str, Any] | None:
        """Return the alternative that a value is of; None where it is of none."""
        for schema in self.schemas:
            if _is_of(schema, value):
                return schema
        return None


class Schema:
    """A JSON schema with the plugins in it, as `spm_auto.settings.json_schema` makes it.

    Args:
        root: The schema.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions = root.get("$defs", {})
        self.root = Place((root,), root.get("description", ""))

    def fields(self, table: Mapping[str, Any]) -> dict[str, Place]:
        """Return what may stand in a table, by key; what is required comes first."""
        required = table.get("required", ())
        helps = _attributes(table.get("description", ""))
        properties = sorted(
            table.get("properties", {}).items(), key=lambda each: _order(each[0], required)
        )
        return {
            name: Place(
                tuple(self._alternatives(schema)),
                helps.get(name, schema.get("description", "")),
                _default(schema),
                name in required,
            )
            for name, schema in properties
        }

    def element(self, array: Mapping[str, Any], index: int) -> Place:
        """Return what may stand in a list at an index."""
        fixed = array.get("prefixItems", ())
        schema = fixed[index] if index < len(fixed) else array.get("items", {})
        return Place(tuple(self._alternatives(schema)), is_required=True)

    def is_of_tables(self, array: Mapping[str, Any]) -> bool:
        """Whether the elements of a list are tables."""
        return any(each.get("type") == "object" for each in self.element(array, 0).schemas)

    def example(self, schema: Mapping[str, Any], depth: int = _DEEP) -> Any:
        """Return a value that a schema asks for, with what is required and no more."""
        for key in ("const", "default"):
            if schema.get(key) is not None and not isinstance(schema[key], dict | list):
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                if not depth:
                    raise RecipeError("tables too deep for an example: write it in the text")
                return {
                    name: self.example(place.schemas[0], depth - 1)
                    for name, place in self.fields(schema).items()
                    if place.is_required or name == _KIND
                }
            case "array":
                count = max(schema.get("minItems", 0), len(schema.get("prefixItems", ())))
                places = (self.element(schema, index) for index in range(count))
                return [self.example(place.schemas[0], depth - 1) for place in places]
            case "integer" | "number" as kind:
                return _least(schema, kind)
            case "boolean":
                return False
            case _:
                return (schema.get("examples") or ["a title"])[0]

    def value(self, place: Place, typed: str) -> Any:
        """Turn typed text into a value; `ABSENT` for none.

        What fits nothing stays text: whoever checks the recipe says what is wrong with it.

        Args:
            place: What may stand there.
            typed: As it stands in the field.
        """
        typed = typed.strip()
        if not typed:
            return ABSENT
        if re.fullmatch(r'"[^"]*"', typed):  # as it would stand in the text
            typed = typed[1:-1]
        for schema in place.schemas:
            if kind_of(schema) == typed:
                return self.example(schema)
        if any(typed in map(str, schema.get("enum", ())) for schema in place.schemas):
            return typed
        is_list = typed.startswith("[") or "," in typed
        likely = {"object": typed.startswith("{"), "array": is_list}
        for schema in sorted(place.schemas, key=lambda s: not likely.get(s.get("type", ""), False)):
            read = self._read(schema, typed)
            if read is not ABSENT:
                return read
        return typed

    def _read(self, schema: Mapping[str, Any], typed: str) -> Any:
        match schema.get("type"):
            case "integer" | "number":
                value = _toml(typed)
                is_number = isinstance(value, int | float) and not isinstance(value, bool)
                return value if is_number else ABSENT
            case "boolean":
                return typed == "true" if typed in ("true", "false") else ABSENT
            case "array":
                return self._list(schema, typed)
            case "object":
                value = _toml(typed)
                return value if isinstance(value, dict) else ABSENT
            case "string":
                return ABSENT if "enum" in schema else typed
            case _:
                return ABSENT

    def _list(self, schema: Mapping[str, Any], typed: str) -> Any:
        """Read "0 nm, 5 nm", or a list as TOML writes it."""
        value = _toml(typed) if typed.startswith("[") else ABSENT
        if isinstance(value, list):
            return value
        parts = _parts(typed)
        is_nested = any(each.get("type") == "array" for each in self.element(schema, 0).schemas)
        if len(parts) == 1 and typed.startswith("[") and typed.endswith("]"):
            inner = typed[1:-1].strip()
            if not is_nested or inner.startswith("["):
                parts = _parts(inner)
        return [self.value(self.element(schema, i), part) for i, part in enumerate(parts)]

    def _alternatives(self, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            return self._alternatives(self._definitions[name])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return [each for inner in schema[key] for each in self._alternatives(inner)]
        return [] if schema.get("type") == "null" else [schema]


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the kind that a table must name; empty where it need not."""
    kind = schema.get("properties", {}).get(_KIND, {}).get("const", "")
    return kind if isinstance(kind, str) else ""


def about_kind(schema: Mapping[str, Any]) -> str:
    """Return the first paragraph of what a table is about."""
    first = str(schema.get("description", "")).split("\n\n")[0]
    return " ".join(first.split())


def written(value: Any) -> str:
    """Write a value as it stands in a field."""
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        inner = [
            f"[{written(each)}]" if isinstance(each, list | tuple) else written(each)
            for each in value
        ]
        return ", ".join(inner)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_quoted(each)}" for key, each in value.items()) + " }"
    return str(value)


def _quoted(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_quoted, value))}]" if isinstance(value, list) else written(value)


def _default(schema: Mapping[str, Any]) -> Any:
    return schema.get("default", schema.get("const", ABSENT))


def _order(name: str, required: Any) -> int:
    """Sort a table: its kind, what is required, then the rest; each as it is declared."""
    return 0 if name == _KIND else 1 if name in required else 2


def _least(schema: Mapping[str, Any], kind: str) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    least = low + 1 if "exclusiveMinimum" in schema or (kind == "integer" and low == 0) else low
    return int(least) if kind == "integer" else float(least)


def _is_of(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is of a schema by its type, not whether it is good."""
    if "const" in schema:
        return bool(value == schema["const"])
    match value:
        case bool():
            return schema.get("type") == "boolean"
        case int() | float():
            return schema.get("type") in ("integer", "number")
        case str():
            return schema.get("type") == "string"
        case list():
            return schema.get("type") == "array"
        case dict():
            kind = kind_of(schema)
            return schema.get("type") == "object" and (not kind or value.get(_KIND) == kind)
        case _:
            return False


def _toml(typed: str) -> Any:
    try:
        return tomllib.loads(f"value = {typed}")["value"]
    except tomllib.TOMLDecodeError:
        return ABSENT


def _parts(typed: str) -> list[str]:
    """Split a list at its commas, those within brackets left alone."""
    parts, depth = [""], 0
    for letter in typed:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _attributes(description: str) -> dict[str, str]:
    """Return what a docstring says of each attribute."""
    _, _, part = description.partition("Attributes:")
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", part, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
