"""The gallery: what every sample and every artefact of the simulator looks like, as PNG sheets."""

from .draw import draw_gallery, names
from .sheets import Artefact, Look

__all__ = ["Artefact", "Look", "draw_gallery", "names"]
