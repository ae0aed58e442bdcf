"""The "red panda" tunnelling microscope: a Teensy at a serial line with a public firmware."""

from .microscope import RedPandaMicroscope
from .settings import RedPandaSettings

__all__ = ["RedPandaMicroscope", "RedPandaSettings"]
