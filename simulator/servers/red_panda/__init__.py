"""The "red panda" tunnelling microscope's firmware, over a simulated microscope."""

from .firmware import Firmware
from .head import Head
from .junction import Junction, Scale
from .settings import RedPandaEmulatorSettings, RedPandaServer

__all__ = ["Firmware", "Head", "Junction", "RedPandaEmulatorSettings", "RedPandaServer", "Scale"]
