"""Other people's programs, each in an environment of its own, against our emulators."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
RESULTS: "dict[str, list[Call]]" = {}  # of this session, for the table at its end


@dataclass(frozen=True)
class Call:
    """What came of one call: whether the value was right, and why not."""

    name: str
    right: bool
    why: str = ""


def run_client(name: str, address: Mapping[str, Any], limit: float = 120.0) -> list[Call]:
    """Let a client make its calls; killed at the limit [s], what it said until then counts.

    Args:
        name: Of the script ``tests/clients/NAME.py`` and of its environment
            ``$SPM_AUTO_CLIENTS/NAME``.
        address: Of the emulator, handed on as JSON.
        limit: How long it may take.
    """
    home = os.environ.get("SPM_AUTO_CLIENTS", "")
    folder = "Scripts" if os.name == "nt" else "bin"
    python = Path(home) / name / folder / "python"
    if not home or not python.exists():
        pytest.skip(f"no environment of the client {name} in SPM_AUTO_CLIENTS={home!r}")
    command = [str(python), str(HERE / f"{name}.py"), json.dumps(dict(address))]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OUT")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env=environment
        )
        said, errors = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode() if isinstance(error.stdout, bytes) else ""
        errors = f"killed after {limit} s"
    calls = [
        Call(line["call"], line["right"], line.get("why", ""))
        for line in map(json.loads, filter(lambda s: s.startswith("{"), said.splitlines()))
    ]
    assert calls, f"{name} made no call: {errors[-2000:]}"
    RESULTS[name] = calls
    return calls
