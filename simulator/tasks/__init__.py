"""Tasks on simulated microscopes: what an agent is asked, and what is true."""

from .loop_area import LoopArea

__all__ = ["LoopArea"]
