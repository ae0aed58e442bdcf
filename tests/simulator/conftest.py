"""What the simulator's tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def beps() -> Path:
    """Give the measured map of a PbTiO3 film, where it is there."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    file = Path(os.environ.get("SPM_AUTO_DATA", beside)) / "BEPS_PTO_50x50.h5"
    if not file.is_file():
        pytest.skip(f"no measured map at {file}; SPM_AUTO_DATA names the folder that holds it")
    return file
