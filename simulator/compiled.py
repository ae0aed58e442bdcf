"""compiled: a numerical loop as machine code, made when it is first needed and kept on disk."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the machine code of a function that is written within what numba understands.

    Importing numba takes half a second, so only who runs a loop pays for it.
    """
    from numba import njit

    machine_code: Callable[..., Any]
    try:
        machine_code = njit(cache=True)(function)
    except RuntimeError:  # nowhere to keep the compiled code, as in a read-only installation
        machine_code = njit(function)
    return machine_code


@cache
def has_compiler() -> bool:
    """Return whether loops can be compiled at all: numba is installed."""
    return find_spec("numba") is not None
