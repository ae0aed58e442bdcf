"""A screen that nobody sees, and where pictures of it are kept."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from screens import Screen

PICTURES = Path(__file__).parent.parent.parent / "docs" / "img"


@pytest.fixture
def screen() -> Iterator[Screen]:
    """Switch on a screen."""
    made = Screen()
    yield made
    made.close()


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures are kept: docs/img with SPM_AUTO_PICTURES set, else nowhere that lasts."""
    return PICTURES if os.environ.get("SPM_AUTO_PICTURES") else tmp_path
