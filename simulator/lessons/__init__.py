"""Lessons: samples with a hidden truth for students, and the truth for whoever grades."""

from .first_scan import FirstScan

__all__ = ["FirstScan"]
