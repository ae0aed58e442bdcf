"""State: the plain values that an agent saved, checked as they are read again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AgentError


def entry(state: Mapping[str, Any], name: str) -> Any:
    """Return a value of a state.

    Raises:
        AgentError: There is none of that name.
    """
    if name not in state:
        raise AgentError(f"the agent's state has no {name!r}, only {', '.join(state) or 'nothing'}")
    return state[name]


def check(state: Mapping[str, Any], name: str, own: str | int) -> None:
    """Refuse a state in which a value is not what the agent itself has.

    Raises:
        AgentError: It is another one.
    """
    saved = entry(state, name)
    if type(saved) is not type(own) or saved != own:
        raise AgentError(
            f"the agent's state was saved with {name} = {saved!r:.80}, this agent has {own!r}"
        )


def entries(state: Mapping[str, Any], name: str, number: int) -> list[Mapping[str, Any]]:
    """Return a list of states within a state.

    Raises:
        AgentError: It is no such list, or has not as many entries.
    """
    saved = entry(state, name)
    if not isinstance(saved, list | tuple) or not all(isinstance(each, Mapping) for each in saved):
        raise AgentError(f"{name} in the agent's state are no list of states, but {saved!r:.80}")
    if len(saved) != number:
        raise AgentError(f"the agent's state holds {len(saved)} {name}, this agent has {number}")
    return list(saved)


def numbers(
    state: Mapping[str, Any],
    name: str,
    shape: tuple[int, ...],
    kind: type[np.floating[Any]] = np.float64,
    is_complete: bool = True,
) -> NDArray[Any]:
    """Return a copy of an array of a state, which may be read-only.

    Args:
        state: The state.
        name: Of the array.
        shape: What it must have; -1 stands for any number.
        kind: Of its numbers.
        is_complete: Whether none may be missing.

    Raises:
        AgentError: It is no such array, or a number is not finite.
    """
    saved = np.asarray(entry(state, name))
    fits = saved.ndim == len(shape) and all(
        n in (-1, m) for n, m in zip(shape, saved.shape, strict=True)
    )
    if not fits or saved.dtype != np.dtype(kind):
        wanted = " x ".join("n" if n < 0 else str(n) for n in shape)
        raise AgentError(
            f"{name} in the agent's state are {saved.dtype} of shape {saved.shape}, this agent "
            f"needs {np.dtype(kind)}, {wanted}"
        )
    if is_complete and not np.isfinite(saved).all():
        raise AgentError(f"{name} in the agent's state are not all finite")
    return np.array(saved, dtype=kind)
