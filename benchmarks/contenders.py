"""Contenders: all agents that are compared, ours by plugin name and the peers by theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from peer_agent import PeerSettings
from peers import PEERS, is_installed
from tasks import Task

from spm_auto.agents import Agent, AgentSettings
from spm_auto.instrument import FloatArray
from spm_auto.plugins import load


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent in the benchmarks.

    Attributes:
        name: What it is called in a table.
        kind: Name of its plugin, or of a peer.
        settings: What a recipe would set.
        is_slow: Whether fewer seeds must do.
    """

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_slow: bool = False

    @property
    def is_peer(self) -> bool:
        """Whether somebody else made it."""
        return self.kind in PEERS

    @property
    def is_there(self) -> bool:
        """Whether its package is installed; our own always are."""
        return not self.is_peer or is_installed(self.kind)

    def ready(self, images: FloatArray | None) -> AgentSettings:
        """Return its settings, checked; a peer's patches are cut from the images."""
        if self.is_peer:
            return PeerSettings(kind=self.kind, images=images, **self.settings)
        cls: type[AgentSettings] = load("agents", self.kind)
        return cls.model_validate({"kind": self.kind, **self.settings})

    def build(self, task: Task, rng: np.random.Generator) -> Agent:
        """Make the agent as a recipe would."""
        return self.ready(task.images).build(task.candidates, rng)


RANDOM = Contender("random", "random")
GRID = Contender("grid", "grid")
SOBOL = Contender("Sobol", "sobol")
RANKING = Contender("ranking", "ranking")
PROCESS = Contender("gp", "gp")
DEEP_KERNEL = Contender("deep_kernel", "deep_kernel")
BOTORCH = Contender("BoTorch, PCA of patches", "botorch")
GPAX = Contender("GPax viDKL", "gpax", is_slow=True)
ATOMAI = Contender("AtomAI dklGPR", "atomai", is_slow=True)

LEARNING_NOTHING = (RANDOM, GRID, SOBOL, RANKING)
OURS = (PROCESS, DEEP_KERNEL)
