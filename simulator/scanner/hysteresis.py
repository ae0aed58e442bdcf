"""Hysteresis of a piezo: the sum of play operators of Prandtl and Ishlinskii."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray

from ..compiled import compiled
from .kernels import follow

WIDEST = 0.9  # threshold of the widest operator in units of half the range
PER_DECADE = 4  # operators for each decade of amplitude


@dataclass(frozen=True, slots=True, eq=False)
class PlayOperators:
    """A linear part and operators with play: each follows only once pushed beyond its threshold.

    The extension is H(u) = c u + sum_i w_i y_i with y_i = max(u - r_i, min(u + r_i, y_i before)).
    Minor loops close, a larger excursion wipes out the memory of smaller ones, and repeating a
    motion repeats the path. The thresholds r_i are spaced evenly on a logarithmic scale and w_i
    goes as a power of r_i, so that loops of every size are open.

    Attributes:
        thresholds: Half the play of each operator [m], shape (k,).
        weights: How much each counts, shape (k,).
        linear: What follows without play.

    Source:
        K. Kuhnen, Eur. J. Control 9, 407 (2003).
    """

    thresholds: FloatArray
    weights: FloatArray
    linear: float

    @classmethod
    def of(
        cls,
        opening: float,
        exponent: float,
        operators: int,
        half_range: float,
        calibrated_size: float,
    ) -> Self:
        """Choose weights for an opening of the loop.

        A triangle of amplitude A opens by sum w_i min(r_i, A - r_i) / A over the operators with
        r_i < A, as a share of the way; its slope is c + sum w_i (1 - r_i / A).

        Args:
            opening: Between up and down in the middle of the full range, as a share of it.
            exponent: The opening of a smaller loop falls as its size to this power.
            operators: How many.
            half_range: Largest command [m].
            calibrated_size: Size of the loop that is as large as its command, as a share of the
                full range.

        Raises:
            ValueError: So wide a loop cannot be made while the linear part stays positive.
        """
        shares = WIDEST * 10.0 ** (-np.arange(operators)[::-1] / PER_DECADE)
        weights = shares**exponent
        weights = weights * (opening / _opening(shares, weights, 1.0))
        linear = 1 - _follows(shares, weights, calibrated_size)
        if linear <= 0:
            raise ValueError(
                f"a hysteresis of {opening:g} of the range leaves nothing that follows at once; "
                f"{opening / (1 - linear):.2g} would be the most"
            )
        return cls(shares * half_range, weights, linear)

    def opening(self, amplitude: float) -> float:
        """Return how far apart up and down are in the middle of a loop, as a share of its size."""
        slope = self.linear + _follows(self.thresholds, self.weights, amplitude)
        return _opening(self.thresholds, self.weights, amplitude) / slope

    def rest(self, command: float = 0.0) -> FloatArray:
        """Return the state of operators that never moved from a command [m], shape (k,)."""
        return np.full(len(self.thresholds), command)

    def value(self, state: FloatArray, command: FloatArray | float) -> FloatArray:
        """Return the extension at a command that the state belongs to [m].

        Args:
            state: Shape (k,), or (m, k) for m axes [m].
            command: Of each axis [m].
        """
        return np.asarray(self.linear * command + state @ self.weights)

    def step(self, state: FloatArray, command: FloatArray | float) -> FloatArray:
        """Return the state after a motion in one direction to a command [m].

        Args:
            state: Before [m], shape (k,), or (m, k) for m axes.
            command: Where to [m]; for m axes of shape (m, 1).
        """
        pushed_down = np.minimum(command + self.thresholds, state)
        return np.asarray(np.maximum(command - self.thresholds, pushed_down))

    def follow(self, state: FloatArray, commands: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Follow a sequence of commands.

        Args:
            state: Before the first command [m], shape (k,), or (m, k) for m axes.
            commands: In order [m], shape (n,), or (m, n).

        Returns:
            The extensions [m], of the commands' shape, and the state after the last command.
        """
        extensions, after = np.empty_like(commands), state.copy()
        compiled(follow)(
            np.atleast_2d(commands), self.thresholds, self.weights, self.linear,
            np.atleast_2d(after), np.atleast_2d(extensions),
        )  # fmt: skip
        return extensions, after


def _opening(thresholds: FloatArray, weights: FloatArray, amplitude: float) -> float:
    play = np.clip(np.minimum(thresholds, amplitude - thresholds), 0.0, None)
    return float(np.sum(weights * play) / amplitude)


def _follows(thresholds: FloatArray, weights: FloatArray, amplitude: float) -> float:
    return float(np.sum(weights * np.clip(1 - thresholds / amplitude, 0.0, None)))
