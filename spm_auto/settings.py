"""Recipes and lab files as text: read TOML, choose plugins by ``kind``, say what is wrong."""

import copy
import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from . import plugins
from .errors import PluginError, RecipeError
from .faults import explain, faults_of, in_short

LARGEST = 2**20  # bytes of a recipe or lab file
DEEPEST = 50  # tables and lists within one another
_PLUGINS = "plugins"  # in a schema, in place of the settings of a group of plugins


def _is_whole(value: object) -> object:
    if isinstance(value, bool | float):  # for Python these are 1, too
        written = str(value).lower()
        raise ValueError(f"expected the whole number of a version such as 1, got {written}")
    return value


SchemaVersion = Annotated[Literal[1], BeforeValidator(_is_whole)]

Model = TypeVar("Model", bound=BaseModel)


class Plugin:
    """Annotation of a setting that is a table whose ``kind`` names a plugin.

    ``agent: Annotated[AgentSettings, Plugin("agents")]`` reads ``{kind = "gp", initial = 10}``,
    imports the plugin ``gp`` and lets its settings class check the rest of the table.

    Args:
        group: Kind of plugin, one of `plugins.KINDS`.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._is_optional = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        self._is_optional = type(None) in get_args(source)
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {_PLUGINS: self._group}  # for `json_schema`: a step may be made of steps

    def _validate(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if isinstance(value, BaseModel) or (value is None and self._is_optional):
            return value
        if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
            raise ValueError(self._no_kind(value))
        try:
            model = plugins.load(self._group, value["kind"])
        except PluginError as error:
            raise ValueError(str(error)) from error
        try:
            return model.model_validate(value, context=info.context)
        except ValidationError as error:
            raise PydanticCustomError(
                "nested", "wrong settings", {"faults": faults_of(error, model)}
            ) from error

    def _no_kind(self, value: Any) -> str:
        """Say what is wrong with a table that names no plugin."""
        what = self._group.removesuffix("s")
        known = ", ".join(plugins.names(self._group))
        said = f"expected a table with a 'kind' that names the {what} (known: {known})"
        if not isinstance(value, Mapping):
            example = f"; write {{ kind = {value!r} }}" if isinstance(value, str) else ""
            return f"{said}, got {in_short(value)}{example}"
        if "kind" in value:
            return f"{said}, got kind = {in_short(value['kind'])}"
        close = difflib.get_close_matches("kind", [str(key) for key in value], n=1)
        return f"{said}; {close[0]!r} may be meant for it" if close else said


class PluginName:
    """Annotation of a setting that is the name of a plugin, such as ``scalarizer = "loop_area"``.

    Args:
        group: Kind of plugin, one of `plugins.KINDS`.
    """

    def __init__(self, group: str) -> None:
        self._group = group

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(plugins.names(self._group))}

    def _validate(self, name: str) -> str:
        try:
            plugins.load(self._group, name)
        except PluginError as error:
            raise ValueError(str(error)) from error
        return name


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a recipe or a lab file, with the settings of all plugins in it."""
    groups: dict[str, Any] = {}

    def referred(value: Any) -> Any:
        """Let a schema refer to the groups of plugins, and find these."""
        if isinstance(value, list):
            return [referred(item) for item in value]
        if not isinstance(value, dict):
            return value
        group = value.get(_PLUGINS)
        if not isinstance(group, str):
            return {key: referred(item) for key, item in value.items()}
        if group not in groups:
            groups[group] = {}  # before its plugins are asked, which may refer to it
            models = [plugins.load(group, name) for name in plugins.names(group)]
            schemas = [referred(_inline(each.model_json_schema())) for each in models]
            groups[group] |= {"oneOf": schemas}
        return {"$ref": f"#/$defs/{group}"}

    schema = referred(_inline(model.model_json_schema()))
    return {**schema, "$defs": groups}


def read_toml(path: Path, what: str) -> tuple[dict[str, Any], str]:
    """Read a TOML file.

    Args:
        path: The file.
        what: What it is, for the message ("recipe", "lab file").

    Returns:
        The table, and the text as it stood in the file.

    Raises:
        RecipeError: There is no such file, it is too large, or it is no TOML; the message names the
            line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise RecipeError(f"{path}: the {what} is larger than the {LARGEST} bytes allowed")
        text = content.decode("utf-8")
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: there is no such {what}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: the {what} cannot be read: {error}") from error
    return parse_toml(text, str(path)), text


def parse_toml(text: str, place: str) -> dict[str, Any]:
    """Read TOML that stands in a text.

    Args:
        text: The text.
        place: Where it stands, for the message.

    Raises:
        RecipeError: It is no TOML; the message names the line.
    """
    try:
        table = tomllib.loads(text)
        _check_depth(table)
    except RecursionError as error:
        raise RecipeError(f"{place}: not valid TOML: tables or lists too deep") from error
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        raise RecipeError(f"{place}: not valid TOML: {error}") from error
    return table


def _check_depth(table: Any) -> None:
    """Refuse tables in tables beyond any use: what copies them would run out of stack."""
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        inner = [
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        ]
        level = [value for values in inner for value in values]
    if level:
        raise ValueError("tables or lists too deep")


def validate(
    model: type[Model], table: Mapping[str, Any], place: str, folder: Path | None = None
) -> Model:
    """Check a table against a model.

    Args:
        model: The model.
        table: What stood in the file.
        place: Name of the file, for the message.
        folder: Where relative paths start.

    Raises:
        RecipeError: With one line per fault: place, path of the key, what is wrong, what is right.
    """
    try:
        return model.model_validate(_frozen(table), context={"folder": folder})
    except ValidationError as error:
        raise RecipeError(
            "\n".join(f"{place}: {line}" for line in explain(error, model))
        ) from error


def override(table: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a table with the value at a path such as ``steps[1].budget`` replaced.

    Raises:
        RecipeError: The path is malformed, or leads through something that is no table or list.
    """
    keys = re.findall(r"[^.\[\]]+", path)
    if not keys or not re.fullmatch(r"\w+(\.\w+|\[\d+\])*", path):
        raise RecipeError(f"--set {path}: write a path such as steps[1].budget or instrument.file")
    changed = copy.deepcopy(dict(table))
    place: Any = changed
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(place, list):
            if not key.isdecimal() or int(key) >= len(place):
                raise RecipeError(f"--set {path}: there is no element {key}; it has {len(place)}")
            index: Any = int(key)
        elif isinstance(place, dict):
            index = key
            if not last:
                place.setdefault(key, {})
        else:
            raise RecipeError(f"--set {path}: {'.'.join(keys[:depth])} is no table")
        if last:
            place[index] = value
        place = place[index]
    return changed


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Put a model's ``$defs`` where they are referred to, so that it can stand inside another."""
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rsplit("/", 1)[-1]])
            union = "oneOf" in value  # whose discriminator only points to the $defs again
            return {
                key: resolve(item)
                for key, item in value.items()
                if not (union and key == "discriminator")
            }
        return [resolve(item) for item in value] if isinstance(value, list) else value

    return dict(resolve(schema))
