"""Tasks on simulated microscopes: what an agent is asked, and what is true."""

from .choose_bias import ChooseBias
from .defect_map import DefectMap
from .drift_track import DriftTrack
from .gap_hunt import GapHunt
from .long_way import LongWay
from .loop_area import LoopArea
from .multi_fidelity import MultiFidelity
from .probe_time import ProbeTime
from .recorded_map import RecordedMap
from .setpoint import Setpoint
from .shiba import Shiba
from .sparse_map import SparseMap
from .stiff_inclusions import StiffInclusions
from .tip_estimate import TipEstimate
from .tip_prep import TipPrep
from .wall_law import WallLaw
from .write_pattern import WritePattern

__all__ = [
    "ChooseBias",
    "DefectMap",
    "DriftTrack",
    "GapHunt",
    "LongWay",
    "LoopArea",
    "MultiFidelity",
    "ProbeTime",
    "RecordedMap",
    "Setpoint",
    "Shiba",
    "SparseMap",
    "StiffInclusions",
    "TipEstimate",
    "TipPrep",
    "WallLaw",
    "WritePattern",
]
