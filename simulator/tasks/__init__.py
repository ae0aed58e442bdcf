"""Tasks on simulated microscopes: what an agent is asked, and what is true."""

from .choose_bias import ChooseBias
from .defect_map import DefectMap
from .distinct import Distinct
from .drift_track import DriftTrack
from .ease_symmetry import EaseSymmetry
from .gap_hunt import GapHunt
from .library import Library
from .long_way import LongWay
from .loop_area import LoopArea
from .multi_fidelity import MultiFidelity
from .probe_time import ProbeTime
from .recorded_map import RecordedMap
from .release import Release
from .right_channel import RightChannel
from .setpoint import Setpoint
from .shiba import Shiba
from .sparse_map import SparseMap
from .stiff_inclusions import StiffInclusions
from .switch_stats import SwitchStats
from .taste import Taste
from .tip_estimate import TipEstimate
from .tip_prep import TipPrep
from .wall_law import WallLaw
from .write_pattern import WritePattern

__all__ = [
    "ChooseBias",
    "DefectMap",
    "Distinct",
    "DriftTrack",
    "EaseSymmetry",
    "GapHunt",
    "Library",
    "LongWay",
    "LoopArea",
    "MultiFidelity",
    "ProbeTime",
    "RecordedMap",
    "Release",
    "RightChannel",
    "Setpoint",
    "Shiba",
    "SparseMap",
    "StiffInclusions",
    "SwitchStats",
    "Taste",
    "TipEstimate",
    "TipPrep",
    "WallLaw",
    "WritePattern",
]
