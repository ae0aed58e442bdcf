"""Lessons: samples with a hidden truth for students, and the truth for whoever grades."""

from .drift_and_creep import DriftAndCreep
from .feedback import Feedback
from .first_scan import FirstScan

__all__ = ["DriftAndCreep", "Feedback", "FirstScan"]
