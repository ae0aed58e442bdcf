"""examine: let an instrument take the exam, and say how each instruction did."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .protocol import Instrument


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instrument that takes the exam.

    Attributes:
        name: For the table.
        open: Opens it, fresh, once for each question; closed afterwards.
        questions: What it can be asked: attributes of `InstrumentContract`.
    """

    name: str
    open: Callable[[], Instrument]
    questions: Mapping[str, Any] = field(default_factory=dict)


CANDIDATE = pytest.StashKey[Candidate]()


@dataclass(slots=True)
class Marks:
    """How a candidate did, by instruction.

    Attributes:
        asked: Questions about each instruction.
        right: Those of them that it passed.
        faults: What failed: the question, and the first line of why.
        lacks: Optional instructions that it declares not to have; that it refuses them is asked.
    """

    asked: dict[str, int] = field(default_factory=dict)
    right: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    lacks: tuple[str, ...] = ()


def examine(candidate: Candidate) -> Marks:
    """Let a candidate take the exam; each question has a fresh instrument.

    Raises:
        InstrumentError: It cannot even be opened.
    """
    instrument = candidate.open()
    try:
        has = {kind.__name__ for kind in instrument.capabilities.instructions}
    finally:
        instrument.close()
    optional = {
        "AcquireForceCurve": "acquire_force_curve",
        "ConditionTip": "condition_tip",
        "SetFeedback": "set_feedback",
        "MoveStage": "move_stage",
    }
    lacks = tuple(name for kind, name in optional.items() if kind not in has)
    clerk = _Clerk(candidate, Marks(lacks=lacks))
    exam = Path(__file__).with_name("exam.py")
    apart = ["-p", "no:cacheprovider", "-p", "no:terminal"]
    pytest.main([str(exam), "-c", os.devnull, "--rootdir", str(exam.parent), *apart], [clerk])
    return clerk.marks


class _Clerk:
    """Hands the candidate in and writes the marks down: a plugin of pytest."""

    def __init__(self, candidate: Candidate, marks: Marks) -> None:
        self._candidate = candidate
        self._topics: dict[str, tuple[str, ...]] = {}
        self.marks = marks

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CANDIDATE] = self._candidate

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._topics[item.nodeid] = getattr(getattr(item, "function", None), "examines", ())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        is_over = report.when == "call" or (report.when == "setup" and not report.passed)
        if not is_over and not report.failed:
            return
        for topic in self._topics[report.nodeid]:
            if is_over:
                self.marks.asked[topic] = self.marks.asked.get(topic, 0) + 1
                self.marks.right[topic] = self.marks.right.get(topic, 0) + report.passed
        if not report.passed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = str(crash.message if crash else report.longrepr).splitlines()
            self.marks.faults.append((report.nodeid.split("::")[-1], reason[0] if reason else ""))
