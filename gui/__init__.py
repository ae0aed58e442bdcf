"""The window: what an operator sees; it tails the journal of a run and never touches an instrument.

Qt is imported when a window is opened, not before: see `open_window`.
"""

from .door import open_window

__all__ = ["open_window"]
