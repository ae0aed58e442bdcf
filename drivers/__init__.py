"""The drivers plane: real microscopes behind the `Instrument` protocol, one folder per family."""

from .microscope import DrivenMicroscope, Reading, Swept, halting
from .settings import DriverSettings

__all__ = ["DrivenMicroscope", "DriverSettings", "Reading", "Swept", "halting"]
