"""The ear of a run: humans step into a running process through a socket, and see how it stands."""

from .client import RunClient, RunView
from .ear import Ear
from .look import About, Look, look_at
from .place import FILE_NAME, Place, read_place

__all__ = [
    "FILE_NAME",
    "About",
    "Ear",
    "Look",
    "Place",
    "RunClient",
    "RunView",
    "look_at",
    "read_place",
]
