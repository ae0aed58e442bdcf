"""The instrument server: an instrument in a process of its own, and who may use it."""

from .lease import Due, Lease, Terms

__all__ = ["Due", "Lease", "Terms"]
