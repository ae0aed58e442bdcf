"""make: the script's door to the agents, from an overview image to an explorer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from pydantic import ValidationError

from .. import plugins
from ..errors import AgentError
from ..instrument import ScanImage
from .candidates import Candidates
from .costs import Costs
from .explorer import Explorer
from .protocol import AgentSettings, Scalarizer, Watch


def make(
    kind: str,
    overview: ScanImage,
    *,
    scalarizer: str | Scalarizer | Sequence[str | Scalarizer] = "loop_area",
    seed: int = 0,
    watch: Watch | None = None,
    channels: tuple[str, ...] = (),
    biases: tuple[float, ...] = (),
    stride: int = 1,
    margin: int = 0,
    durations: tuple[float, ...] = (),
    spacing: float = 0.0,
    backward: bool = False,
    costs: Costs | None = None,
    **settings: Any,
) -> Explorer:
    """Make an agent that explores an overview image.

    Args:
        kind: Name of the agent, such as ``random``, ``grid``, ``gp`` or ``deep_kernel``.
        overview: The image that it chooses on.
        scalarizer: What a spectrum is worth: a name, or a function of a `Spectrum`; two or three of
            these for an agent that looks for compromises.
        seed: Root of the agent's randomness.
        watch: Who records what the agent does; without one the run that took the overview.
        channels: Channels that the agent sees; empty for all.
        biases: Amplitudes of the bias window that it may choose from [V]; empty when that is fixed.
        stride: Take every ``stride``-th pixel and line.
        margin: Pixels left out along each edge.
        durations: Lengths of a pulse that it may choose from [s]; empty when that is fixed.
        spacing: Least distance of two measured positions [m].
        backward: Whether it sees the backward lines, too.
        costs: How long a measurement takes; without them it counts no seconds.
        settings: What a recipe could say of this agent, such as ``acquisition``.

    Raises:
        PluginError: There is no such agent or scalarizer.
        AgentError: A setting does not exist or has a wrong value, there is nothing to choose, or
            the agent cannot use as many scalarizers.
    """
    chosen = _settings(kind, settings)
    several: list[str | Scalarizer] = []
    if isinstance(scalarizer, Sequence) and not isinstance(scalarizer, str):
        several += scalarizer
    else:
        several.append(scalarizer)
    names = [_name(each) for each in several]
    try:
        chosen.check_scalarizers(names)
        candidates = Candidates.of(
            overview,
            tuple(channels),
            tuple(biases),
            stride,
            margin,
            tuple(durations),
            spacing,
            backward,
        )
        candidates = replace(candidates, costs=costs)
    except ValueError as error:
        raise AgentError(str(error)) from error
    agent = chosen.build(candidates, np.random.default_rng(seed))
    functions = {name: _function(each) for name, each in zip(names, several, strict=True)}
    first = functions.pop(names[0])
    return Explorer(agent, first, watch or getattr(overview, "watch", None), functions, names[0])


def _name(scalarizer: str | Scalarizer) -> str:
    if isinstance(scalarizer, str):
        return scalarizer
    return getattr(scalarizer, "__name__", type(scalarizer).__name__)


def _function(scalarizer: str | Scalarizer) -> Scalarizer:
    if isinstance(scalarizer, str):
        return cast(Scalarizer, plugins.load("scalarizers", scalarizer))
    return scalarizer


def _settings(kind: str, settings: dict[str, Any]) -> AgentSettings:
    """Check the settings; the first thing wrong with them becomes one clear line."""
    cls: type[AgentSettings] = plugins.load("agents", kind)
    known = [name for name in cls.model_fields if name != "kind"]
    for name in settings:
        if name not in known:
            raise AgentError(
                f"agent {kind!r} has no setting {name!r}{plugins.suggest(name, known)} "
                f"(known: {', '.join(known) or 'none'})"
            )
    try:
        return cls(kind=kind, **settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "settings"
        raise AgentError(f"agent {kind!r}: {place} = {first['input']!r}: {first['msg']}") from error
