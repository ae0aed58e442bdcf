"""What came of a run, as a file: the same to the byte wherever and however often it is made."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from ..data import write_whole
from ..errors import DataError
from .spec import Model, RunSpec

SPEC_NAME = "spec.json"
RESULT_NAME = "result.json"
ATTEMPTS_NAME = "attempts.jsonl"
RUNS = "runs"
MANIFEST_NAME = "campaign.json"

_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class Result(Model):
    """What came of a run; nothing in it depends on the machine, the time of day or the attempt.

    Attributes:
        key: Of its spec.
        spec: What was to be done.
        finish: "completed", or how else it ended; "failed" is an end that would come again.
        message: Why, in one line; empty when it completed.
        figures: What is compared, by name; infinity stands for never.
        curves: What can be drawn, by name, such as "time" [s] and "regret" after each act.
        versions: Of spm_auto and of all that decides what a run does.
    """

    key: str
    spec: RunSpec
    finish: str
    message: str = ""
    figures: dict[str, float] = Field(default_factory=dict)
    curves: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)


def write_result(folder: Path, result: Result) -> None:
    """Put the result of a run into its folder, as a whole; that it is there says it is finished.

    Raises:
        DataError: It cannot be written.
    """
    text = json.dumps(_written(result.model_dump(mode="python")), indent=1, sort_keys=True)
    write_whole(folder / RESULT_NAME, (text + "\n").encode())


def read_result(folder: Path) -> Result | None:
    """Return the result of a run; None while it has none.

    Raises:
        DataError: What is there is no result.
    """
    path = folder / RESULT_NAME
    try:
        table = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a result: {error}") from error
    try:
        return Result.model_validate(_read(table))
    except (ValueError, KeyError, AttributeError, TypeError) as error:  # what pydantic says, too
        raise DataError(f"{path} is no result of a run: {error}") from error


def _written(value: Any) -> Any:
    """Return a value as JSON has it: what is not finite becomes a word."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_written(item) for item in value]
    return value


def _read(table: dict[str, Any]) -> dict[str, Any]:
    def number(value: object) -> object:
        return _NOT_FINITE.get(value, value) if isinstance(value, str) else value

    figures = {name: number(value) for name, value in table["figures"].items()}
    curves = {name: tuple(map(number, values)) for name, values in table["curves"].items()}
    spec = dict(table["spec"])
    if "overrides" in spec:
        spec["overrides"] = tuple(spec["overrides"])
    return {**table, "spec": spec, "figures": figures, "curves": curves}
