"""`spm-auto steer DIR ...`: what a human does to a run that another process carries out."""

from .app import app

__all__ = ["app"]
