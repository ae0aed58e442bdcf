"""The agents plane: who decides where to measure next; arrays in, proposals out."""

from .candidates import Candidates
from .explorer import Explorer
from .make import make
from .protocol import (
    Agent,
    AgentSettings,
    Fit,
    Model,
    Observation,
    Preferring,
    Proposal,
    Scalar,
    Scalarizer,
    Steerable,
    Watch,
)
from .scalarizers import (
    coercive_bias,
    imprint,
    integral,
    loop_area,
    loop_area_raw,
    loop_opening,
    peak,
)
from .settings import (
    DeepKernelSettings,
    GaussianProcessSettings,
    GridSettings,
    RandomSettings,
    RankingSettings,
)

# fmt: off
__all__ = [
    "Agent", "AgentSettings", "Candidates", "DeepKernelSettings", "Explorer", "Fit",
    "GaussianProcessSettings", "GridSettings", "Model", "Observation", "Preferring", "Proposal",
    "RandomSettings", "RankingSettings", "Scalar", "Scalarizer", "Steerable", "Watch",
    "coercive_bias", "imprint", "integral", "loop_area", "loop_area_raw", "loop_opening", "make",
    "peak",
]
