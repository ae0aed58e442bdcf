"""Forensics: one self-contained HTML page that says how well an agent chose, and why it did so."""

from .html import FORENSICS_NAME, write_forensics

__all__ = ["FORENSICS_NAME", "write_forensics"]
