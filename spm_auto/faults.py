"""Faults: what is wrong with a recipe or a lab file, one line each, with path and suggestion."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from . import plugins

_MISSING = "this key is missing"


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Say each fault of a validation in one line: ``steps[0].frame.pixles: unknown key; …``."""
    return [f"{path}: {reason}" if path else reason for path, reason in faults_of(error, model)]


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Return path and reason of each fault; those of a plugin's own table among them.

    Args:
        error: What pydantic found.
        model: What was validated.
    """
    found: list[tuple[str, str]] = []
    for fault in error.errors(include_url=False):
        path = _path(fault, model)
        if fault["type"] == "nested":
            for inner, reason in fault["ctx"]["faults"]:
                found.append((".".join(filter(None, (path, inner))), reason))
        elif fault["type"] != "too_short" or len(fault["input"]) < fault["ctx"]["min_length"]:
            found.append((path, _reason(fault, model)))  # else it only counts the good elements
    return _without_misspelt(found)


def _without_misspelt(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out that a key is missing where it was misspelt: that is one fault."""
    meant = set()
    for path, reason in found:
        guess = re.fullmatch(r"unknown key; did you mean '(\w+)'\?", reason)
        if guess:
            meant.add(".".join(filter(None, (path.rpartition(".")[0], guess[1]))))
    return [(path, why) for path, why in found if why != _MISSING or path not in meant]


def _path(fault: Any, model: type[BaseModel]) -> str:
    """Write the place of a fault as in ``--set``; the tag of a union is no place and left out."""
    text, place = "", fault["loc"]
    for depth, part in enumerate(place):
        is_unknown = fault["type"] == "extra_forbidden" and depth == len(place) - 1
        before = _models_at(model, place[:depth])
        if isinstance(part, int):
            text += f"[{part}]"
        elif is_unknown or (
            not _tagged(before, part) and any(part in owner.model_fields for owner in before)
        ):
            text += f".{part}"
    return text.lstrip(".")


def _reason(fault: Any, model: type[BaseModel]) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            *place, key = fault["loc"]
            owners = _models_at(model, place)
            for owner in owners:
                elsewhere: Mapping[str, str] = getattr(owner, "elsewhere", {})
                if key in elsewhere:
                    return f"unknown key; it belongs into the {elsewhere[str(key)]}"
            known = {name for owner in owners for name in owner.model_fields}
            known.discard(str(key))  # another kind of table in the same place may have it
            return f"unknown key{plugins.suggest(str(key), known)}"
        case "missing":
            return _MISSING
        case "value_error":
            return str(context["error"])
        case "too_short":
            return f"at least {context['min_length']} is needed, got {context['actual_length']}"
        case "too_long":
            return f"at most {context['max_length']} are allowed, got {len(fault['input'])}"
        case "union_tag_not_found":
            models = _models_at(model, fault["loc"])
            tags = ", ".join(kind for owner in models for kind in _kinds_of(owner))
            return f"the key {context['discriminator']} is missing (known: {tags})"
        case "union_tag_invalid":
            kinds = re.findall(r"'([^']*)'", context["expected_tags"])
            suggestion = plugins.suggest(context["tag"], kinds)
            return f"there is no kind {context['tag']!r}{suggestion} (known: {', '.join(kinds)})"
        case "tuple_type" if isinstance(fault["input"], Mapping):
            as_steps = ", or as [[steps]]" if fault["loc"] == ("steps",) else ""
            return f"expected a list, got a table; write [ ] around it{as_steps}"
        case "tuple_type":
            return f"expected a list such as [a, b], got {in_short(fault['input'])}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"expected a table such as {{ key = value }}, got {in_short(fault['input'])}"
        case "int_type" if isinstance(fault["input"], str):
            got = in_short(fault["input"])
            return f"input should be a valid integer, got {got}; write it without quotes"
        case "string_type":
            got = in_short(fault["input"])
            return f"input should be a valid string, got {got}; write it in quotes"
        case _:
            message = fault["msg"][0].lower() + fault["msg"][1:]
            return f"{message}, got {in_short(fault['input'])}"


def in_short(value: Any) -> str:
    """Write a value as in Python, cut where it is too long for a line."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _models_at(model: type[BaseModel], place: Sequence[int | str]) -> list[type[BaseModel]]:
    """Find the models that a table at this place may follow."""
    found = [model]
    for key in place:
        tagged = _tagged(found, key)
        if tagged:
            found = tagged
            continue
        fields = [owner.model_fields[key] for owner in found if key in owner.model_fields]
        if fields:  # an index or another tag stays with the models found so far
            found = [owner for field in fields for owner in _models_in(field.annotation)]
    return found


def _tagged(models: Sequence[type[BaseModel]], tag: int | str) -> list[type[BaseModel]]:
    """Find the one of several models that a tag means: its ``kind`` can be nothing else."""
    if len(models) < 2:
        return []
    return [owner for owner in models if _kinds_of(owner) == (tag,)]


def _kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    """Return what may stand in a model's ``kind``; nothing where that is open."""
    kind = model.model_fields.get("kind")
    return () if kind is None else get_args(kind.annotation)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [owner for part in get_args(annotation) for owner in _models_in(part)]
