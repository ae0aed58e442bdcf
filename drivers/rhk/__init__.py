"""RHK R9: an STM over text commands on TCP, whose data come as files (.sm4)."""

from .driver import RhkMicroscope
from .settings import ImageChannelSettings, RhkSettings, SpectrumChannelSettings, SweepSettings

__all__ = [
    "ImageChannelSettings",
    "RhkMicroscope",
    "RhkSettings",
    "SpectrumChannelSettings",
    "SweepSettings",
]
