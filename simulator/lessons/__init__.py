"""Lessons: samples with a hidden truth for students, and the truth for whoever grades."""

from .bandits import Bandits
from .deep_kernel import DeepKernel
from .drift_and_creep import DriftAndCreep
from .feedback import Feedback
from .first_scan import FirstScan
from .fixed_policy import FixedPolicy
from .human_in_the_loop import HumanInTheLoop
from .scalarizers import Scalarizers

__all__ = [
    "Bandits",
    "DeepKernel",
    "DriftAndCreep",
    "Feedback",
    "FirstScan",
    "FixedPolicy",
    "HumanInTheLoop",
    "Scalarizers",
]
