"""The official packages of Nanosurf drive our Studio."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from running import run_client

from spm_auto.clock import InstantClock
from spm_auto.instrument import ScanFrame
from spm_auto.simulator.servers.nanosurf import NanosurfEmulatorSettings
from tests.drivers.marked import MarkedMicroscope, height

pytestmark = pytest.mark.clients
NAME = "nanosurf_client"


def wrapper_folder() -> Path | None:
    """Return where the client keeps what it knows of the tree."""
    home = Path(os.environ.get("SPM_AUTO_CLIENTS", "")) / NAME
    found = sorted(home.glob("**/site-packages/nanosurf/studio/wrapper"))
    return found[0] if found else None


def corners() -> list[float]:
    """Return the height at the first and the last pixel of the client's image."""
    frame = ScanFrame((1e-8, -2e-8), (2e-7, 1e-7), (24, 16), math.radians(30))
    first = height(*frame.line_positions(0))
    last = height(*frame.line_positions(15))
    return [float(np.ravel(first)[0]), float(np.ravel(last)[-1])]


@pytest.mark.parametrize("file_version", [1, 2])
def test_the_official_package_drives_our_studio(file_version: int) -> None:
    clock = InstantClock()
    folder = wrapper_folder()
    settings = NanosurfEmulatorSettings.model_validate(
        {"kind": "nanosurf", "file_version": file_version}
        | ({"wrapper_folder": str(folder)} if folder else {})
    )
    emulator = settings.start(MarkedMicroscope(clock), clock)
    try:
        calls = run_client(NAME, {**emulator.address, "corners": corners()})
    finally:
        emulator.close()
    wrong = [f"{call.name}: {call.why}" for call in calls if not call.right]
    assert not wrong, "\n".join(wrong)
    assert len(calls) >= 50
