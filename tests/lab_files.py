"""Lab files that tests write."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_lab(path: Path, instrument: Mapping[str, Any], more: str = "") -> Path:
    """Write a lab file with an instrument, and what else is given as TOML; returns its path."""
    path.write_text(
        f'schema_version = 1\nlaboratory = "wired"\ninstrument = {_toml(instrument)}\n{more}',
        "utf-8",
    )
    return path


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
