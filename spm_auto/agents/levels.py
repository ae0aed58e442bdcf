"""Levels: what an agent may choose besides the place, such as the bias."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..instrument import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What can be done at every place; one level that says nothing where only the place is chosen.

    Attributes:
        bias: Amplitude of the bias window or of the pulse, NaN where it is not chosen [V],
            shape (m,).
        duration: Length of the pulse, NaN where it is not chosen [s], shape (m,).
        inputs: How far levels are apart, as a model sees it: columns of about unit size,
            shape (m, q); q is 0 where nothing is chosen.
    """

    bias: FloatArray
    duration: FloatArray
    inputs: FloatArray

    def __post_init__(self) -> None:
        m = len(self.bias)
        if m == 0 or self.duration.shape != (m,) or self.inputs.shape[:1] != (m,):
            raise ValueError(
                f"levels have biases of shape {self.bias.shape}, durations of shape "
                f"{self.duration.shape} and inputs of shape {self.inputs.shape}"
            )

    def __len__(self) -> int:
        return len(self.bias)

    @classmethod
    def of(cls, biases: Sequence[float] = (), durations: Sequence[float] = ()) -> Self:
        """Make the levels of all biases times all durations; empty ones are not chosen.

        A bias is seen in units of the largest one, a duration by its logarithm.

        Raises:
            ValueError: One is not finite, is given twice, or a duration is not positive.
        """
        for name, values in (("bias", biases), ("duration", durations)):
            if not all(map(math.isfinite, values)) or len(set(values)) != len(values):
                raise ValueError(f"each {name} must be a finite number of its own, got {values}")
        if any(value <= 0 for value in durations):
            raise ValueError(f"each duration must be positive, got {durations}")
        bias, duration = (
            each.ravel()
            for each in np.meshgrid(biases or [math.nan], durations or [math.nan], indexing="ij")
        )
        columns = []
        if len(biases) > 1:
            columns.append(bias / np.max(np.abs(bias)))
        if len(durations) > 1:
            decades = np.log10(duration)
            columns.append((decades - decades.mean()) / np.ptp(decades) * 2)
        inputs = np.column_stack(columns) if columns else np.empty((len(bias), 0))
        return cls(bias, duration, inputs)
