"""Techniques: what turns the answers of a sample into the channels of a microscope."""

from .protocol import Imaging, LinePair, Technique, TechniqueSettings

__all__ = ["Imaging", "LinePair", "Technique", "TechniqueSettings"]
