"""Analysis: what can be said about an image or a spectrum without an agent and without a file."""

from .levelling import level_lines, level_plane

__all__ = ["level_lines", "level_plane"]
