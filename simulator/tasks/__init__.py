"""Tasks on simulated microscopes: what an agent is asked, and what is true."""

from .choose_bias import ChooseBias
from .distinct import Distinct
from .drift_track import DriftTrack
from .ease_symmetry import EaseSymmetry
from .gap_hunt import GapHunt
from .library import Library
from .loop_area import LoopArea
from .multi_fidelity import MultiFidelity
from .release import Release
from .setpoint import Setpoint
from .shiba import Shiba
from .stiff_inclusions import StiffInclusions
from .switch_stats import SwitchStats
from .taste import Taste
from .tip_estimate import TipEstimate
from .tip_prep import TipPrep
from .wall_law import WallLaw
from .write_pattern import WritePattern

__all__ = [
    "ChooseBias",
    "Distinct",
    "DriftTrack",
    "EaseSymmetry",
    "GapHunt",
    "Library",
    "LoopArea",
    "MultiFidelity",
    "Release",
    "Setpoint",
    "Shiba",
    "StiffInclusions",
    "SwitchStats",
    "Taste",
    "TipEstimate",
    "TipPrep",
    "WallLaw",
    "WritePattern",
]
