"""The ear of a run: humans step into a running process through a socket, and see how it stands."""

from .client import RunClient, RunView
from .ear import Ear
from .place import FILE_NAME, Place, read_place

__all__ = ["FILE_NAME", "Ear", "Place", "RunClient", "RunView", "read_place"]
