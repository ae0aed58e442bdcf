"""The agents plane: who decides where to measure next; arrays in, proposals out."""

from .candidates import Candidates
from .costs import Costs
from .explorer import Explorer
from .inheriting import inherit
from .levels import Levels
from .make import make
from .memory import Memory, Recollection, RememberingWatch
from .protocol import (
    Agent,
    AgentSettings,
    Answer,
    Fit,
    Model,
    Observation,
    Preferring,
    Proposal,
    Resumable,
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
from .scoring import Scored, refusal, scalar_of
from .settings import (
    CuriousSettings,
    DeepKernelSettings,
    GaussianProcessSettings,
    GridSettings,
    ParetoSettings,
    PreferenceSettings,
    RandomSettings,
    RankingSettings,
)
from .steering import (
    AllowRegion,
    ForbidRegion,
    ForcePoint,
    Order,
    Prefer,
    Rescalarize,
    SetExploration,
    Steering,
    SteeringWatch,
    steering_of,
)
from .strategies import RecallingAgent, Space, Strategy, StrategyAgent
from .watchfulness import Concern, Lookout, noise_deviation, z_score

# fmt: off
__all__ = [
    "Agent", "AgentSettings", "AllowRegion", "Answer", "Candidates", "Concern", "Costs",
    "CuriousSettings", "DeepKernelSettings", "Explorer", "Fit", "ForbidRegion", "ForcePoint",
    "GaussianProcessSettings", "GridSettings", "Levels", "Lookout", "Memory", "Model",
    "Observation", "Order", "ParetoSettings", "Prefer", "PreferenceSettings", "Preferring",
    "Proposal", "RandomSettings", "RankingSettings", "RecallingAgent", "Recollection",
    "RememberingWatch", "Rescalarize", "Resumable", "Scalar", "Scalarizer", "Scored",
    "SetExploration", "Space", "Steerable", "Steering", "SteeringWatch", "Strategy",
    "StrategyAgent", "Watch", "coercive_bias", "imprint", "inherit", "integral",
    "loop_area", "loop_area_raw", "loop_opening", "make", "noise_deviation", "peak", "refusal",
    "scalar_of", "steering_of", "z_score",
]
