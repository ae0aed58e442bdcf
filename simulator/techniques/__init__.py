"""Techniques: what turns the answers of a sample into the channels of a microscope."""

from .protocol import Contact, Imaging, LinePair, Technique, TechniqueSettings

__all__ = ["Contact", "Imaging", "LinePair", "Technique", "TechniqueSettings"]
