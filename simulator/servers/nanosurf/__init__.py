"""An emulated Nanosurf Studio: its script interface over a simulated microscope."""

from .settings import CycleSettings, NanosurfEmulatorSettings, RampSettings

__all__ = ["CycleSettings", "NanosurfEmulatorSettings", "RampSettings"]
