"""What `spm-auto conformance` lets pytest run: the exam, on a candidate that it was handed."""

from collections.abc import Iterator

import pytest

from .contract import InstrumentContract
from .examined import CANDIDATE
from .protocol import Instrument


class TestInstrument(InstrumentContract):
    """The exam of whichever instrument was handed in."""

    @pytest.fixture
    def fresh(self, request: pytest.FixtureRequest) -> Iterator[Instrument]:
        """Open the candidate, and take from it what it can be asked."""
        candidate = request.config.stash[CANDIDATE]
        for name, value in candidate.questions.items():
            setattr(self, name, value)
        instrument = candidate.open()
        yield instrument
        instrument.close()
