"""RandomStreams: one seed for a simulation, an independent stream for each source of chance."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True, slots=True)
class RandomStreams:
    """Hands out generators by name, so that no source of chance can shift another.

    A stream depends on the seed, its name and its index alone: never on how many were drawn before.
    A new noise source, or a reading taken in between, leaves every other one as it was.

    Attributes:
        seed: Root of all streams, not negative.
    """

    seed: int

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"a seed must not be negative, got {self.seed}")

    def stream(self, name: str, *index: int) -> np.random.Generator:
        """Return the stream of this name from its beginning.

        Args:
            name: What is random, such as "built-in field".
            index: Which event, for what is drawn anew each time: the number of the action.
        """
        key = (crc32(name.encode()), *index)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
