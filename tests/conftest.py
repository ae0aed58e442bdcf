"""What all tests share: few threads, deterministic property tests, no window on a screen."""

import os

# two cores are shared by numerics that each want all of them: one thread each is faster
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "agg")

import subprocess  # noqa: E402  (the environment comes first)
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# the same examples in every run, and no verdict that depends on how busy the machine is
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.load_profile("suite")


@pytest.fixture
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop fits of models early, where what is proved does not depend on how good they are."""
    from spm_auto.agents import surrogate

    monkeypatch.setattr(surrogate, "FIRST_ITERATIONS", 2)
    monkeypatch.setattr(surrogate, "NEXT_ITERATIONS", 1)


# where the process that writes a run file is what is proved; all others save 0.4 s for each run
IN_A_CHILD = ("tests/data/", "tests/torture/", "tests/chaos/", "tests/server/")


@pytest.fixture(scope="session", autouse=True)
def _run_files_are_written_in_this_process() -> Iterator[None]:
    from spm_auto.data import open_run
    from spm_auto.data.run_file import consolidation
    from spm_auto.data.run_file.writing import write
    from spm_auto.errors import DataError

    in_child = consolidation._in_child

    def here(journal: Path, part: Path) -> "subprocess.CompletedProcess[str]":
        if os.environ.get("PYTEST_CURRENT_TEST", "").startswith(IN_A_CHILD):
            return in_child(journal, part)
        try:
            write(open_run(journal), part)
        except (DataError, OSError, RuntimeError) as error:  # as the child does
            return subprocess.CompletedProcess([], 1, "", " ".join(str(error).split()))
        return subprocess.CompletedProcess([], 0, "", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consolidation, "_in_child", here)
        yield
