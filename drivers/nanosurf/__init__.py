"""Nanosurf: microscopes under Nanosurf Studio, through its script interface."""

from .settings import CycleSettings, NanosurfSettings, RampSettings, SignalSettings

__all__ = ["CycleSettings", "NanosurfSettings", "RampSettings", "SignalSettings"]
