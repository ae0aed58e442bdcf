"""Creep of a piezo: after a step it goes on, by the same amount in every decade of time."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray

RELAXORS = 10
PER_DECADE = 2  # so the creep ends 5 decades after its onset


@dataclass(frozen=True, slots=True, eq=False)
class Creep:
    """Relaxors spaced evenly in the logarithm of time that follow the command, each in its own.

    After a step u0 the extension is u0 [1 + gamma log10(t / t0)]: the i-th relaxor follows with the
    time t0 10^(i/2), i = 1 to 10, and counts gamma / 2. With these times no constant is left over.

    Attributes:
        times: Relaxation times [s], shape (k,).
        share: How much each relaxor adds, gamma / 2.

    Source:
        S. Vieira, IBM J. Res. Dev. 30, 553 (1986), for the law; H. Jung and D.-G. Gweon,
        Rev. Sci. Instrum. 71, 1896 (2000).
    """

    times: FloatArray
    share: float

    @classmethod
    def of(cls, creep: float, onset: float) -> Self:
        """Choose relaxors.

        Args:
            creep: Share of a step that is added per decade.
            onset: Time t0 after a step when the position is right [s].
        """
        times = onset * 10.0 ** (np.arange(1, RELAXORS + 1) / PER_DECADE)
        return cls(times, creep / PER_DECADE)

    def rest(self, state: FloatArray, command: FloatArray | float, dwell: float) -> FloatArray:
        """Return the relaxors after a time at a command; exact, however long.

        Args:
            state: Before [m], shape (k,), or (n, k) for n axes.
            command: Where the scanner was told to be [m]; for n axes of shape (n, 1).
            dwell: For how long [s].
        """
        return np.asarray(command + (state - command) * np.exp(-dwell / self.times))

    def ramp(
        self,
        state: FloatArray,
        start: FloatArray | float,
        end: FloatArray | float,
        duration: float,
    ) -> FloatArray:
        """Return the relaxors after a steady motion of the command; exact, however long.

        Args:
            state: Before [m], as in `rest`.
            start: Command at the beginning [m].
            end: And at the end [m].
            duration: Of the motion [s].
        """
        if duration <= 0:
            return state
        behind = (end - start) / duration * self.times  # by how much each lags in the long run
        left = state - start + behind
        return np.asarray(end - behind + left * np.exp(-duration / self.times))

    def added(self, state: FloatArray) -> FloatArray:
        """Return what the relaxors of each axis add to its extension [m]."""
        return np.asarray(self.share * state.sum(axis=-1))

    def response(self, commands: FloatArray, dt: float) -> FloatArray:
        """Return the relaxors along a path that starts where they are.

        Args:
            commands: Relative to the start, so the first is zero; straight in between, shape (n,).
            dt: Time between two commands [s].

        Returns:
            Shape (k, n); the first column is zero.
        """
        from scipy.signal import lfilter

        responses = np.empty((len(self.times), len(commands)))
        for i, time in enumerate(self.times.tolist()):
            decay = np.exp(-dt / time)
            behind = time / dt * -np.expm1(-dt / time)  # of a ramp of one per step, after one step
            responses[i] = lfilter([1 - behind, behind - decay], [1.0, -decay], commands)
        return responses
