"""Fixtures that the tests of agents share."""

import pytest
import torch
from agents_samples import make_overview

from spm_auto.agents import Candidates
from spm_auto.instrument import ScanImage

torch.set_num_threads(1)  # two cores are shared; what is tested does not depend on it


@pytest.fixture
def overview() -> ScanImage:
    return make_overview()


@pytest.fixture
def candidates(overview: ScanImage) -> Candidates:
    return Candidates.of(overview)
