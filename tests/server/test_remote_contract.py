"""An instrument behind a server takes the same exam as every other one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import served

from spm_auto.instrument import Instrument
from spm_auto.instrument.contract import InstrumentContract


class TestRemoteInstrument(InstrumentContract):
    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Iterator[Instrument]:
        with served(tmp_path) as bench:
            yield bench.client(bench.key("alice"), is_autonomous=False)
