"""Plugins: instruments, samples, agents and so on, found by name as entry points."""

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import PluginError

KINDS = (
    *("instruments", "emulators", "samples", "techniques"),
    *("agents", "scalarizers", "steps", "laws", "tasks", "windows", "lessons"),
)


def names(kind: str) -> tuple[str, ...]:
    """Return the names of all plugins of a kind, sorted.

    Args:
        kind: One of `KINDS`.
    """
    return tuple(sorted(_entries(kind)))


def load(kind: str, name: str) -> Any:
    """Import the plugin of this name.

    Raises:
        PluginError: There is none of this name, or its import fails.
    """
    entries = _entries(kind)
    if name not in entries:
        raise PluginError(
            f"there is no {kind.removesuffix('s')} {name!r}{suggest(name, entries)} "
            f"(known: {', '.join(sorted(entries)) or 'none; is spm_auto installed?'})"
        )
    try:
        return entries[name].load()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"{kind.removesuffix('s')} {name!r} ({entries[name].value}) cannot be imported: {error}"
        ) from error


def describe(kind: str) -> dict[str, str]:
    """Return name and home of every plugin of a kind, without importing any."""
    return {name: entry.value for name, entry in sorted(_entries(kind).items())}


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'pixels'?" when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@cache
def _entries(kind: str) -> dict[str, EntryPoint]:
    if kind not in KINDS:
        raise PluginError(f"there is no kind of plugin {kind!r} (known: {', '.join(KINDS)})")
    return {entry.name: entry for entry in entry_points(group=f"spm_auto.{kind}")}
