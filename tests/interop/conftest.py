r"""What the tests of other programs share: the folder that ``make_files.py`` filled.

They run in an environment of their own, without spm_auto:

    .venv/bin/python tests/interop/make_files.py OUT
    SPM_AUTO_INTEROP=OUT OTHER/bin/python -m pytest -m interop --confcutdir tests/interop \
      tests/interop
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "interop: other programs open our files; see conftest.py")


@pytest.fixture(scope="session")
def made() -> Path:
    """Return the folder with the files that other programs are to open."""
    if "SPM_AUTO_INTEROP" not in os.environ:
        pytest.skip("SPM_AUTO_INTEROP names no folder of make_files.py")
    return Path(os.environ["SPM_AUTO_INTEROP"])


@pytest.fixture(scope="session")
def expected(made: Path) -> dict[str, Any]:
    """Return what must be read from them, in plain numbers."""
    content: dict[str, Any] = json.loads((made / "expected.json").read_text("utf-8"))
    return content
