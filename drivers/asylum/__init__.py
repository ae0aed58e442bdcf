"""Asylum Research: Igor Pro, told by command files in a folder or through ZeroMQ-XOP."""

from .igor import Igor
from .microscope import AsylumMicroscope
from .settings import AsylumSettings

__all__ = ["AsylumMicroscope", "AsylumSettings", "Igor"]
