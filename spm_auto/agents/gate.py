"""Gate: how much a second model may say beside the plain one, by what it has predicted so far."""

from collections.abc import Sequence

import numpy as np

from ..instrument import FloatArray

PRIOR = 5.0  # observations that speak for the plain model before the first one
_STEPS = 40  # of the weight between 0 and 1


class Gate:
    """Weighs two models by how well they have predicted observations before they were told them.

    Its weights are those with which the mixture of both would have predicted best,
    sum_i log((1 - w) p_i + w q_i), where as many observations as `PRIOR` are taken to have been
    predicted by the plain model alone. A single sum of logarithms, by which the better one would
    speak alone, is decided by a few failed spectra; a mixture is rarely worse than both. One model
    alone always speaks.

    Args:
        models: How many there are, 1 or 2; the first is the plain one.

    Source:
        Y. Yao, A. Vehtari, D. Simpson, A. Gelman, Bayesian Anal. 13, 917 (2018), stacking; A. P.
        Dawid, J. R. Stat. Soc. A 147, 278 (1984), prediction before telling.
    """

    def __init__(self, models: int) -> None:
        if models not in (1, 2):
            raise ValueError(f"a gate weighs one or two models, got {models}")
        self._models = models
        self._densities: list[tuple[float, ...]] = []

    def note(self, log_densities: Sequence[float]) -> None:
        """Take in the logarithms of the probability densities that the models gave to a value."""
        self._densities.append(tuple(log_densities))

    def forget(self) -> None:
        """Forget all that was predicted."""
        self._densities.clear()

    @property
    def log_densities(self) -> FloatArray:
        """What was taken in and not forgotten, shape (n, models)."""
        return np.array(self._densities, dtype=float).reshape(-1, self._models)

    @log_densities.setter
    def log_densities(self, log_densities: FloatArray) -> None:
        self._densities = [tuple(each) for each in log_densities.tolist()]

    @property
    def evidence(self) -> FloatArray:
        """Sum of each model's logarithms, shape (models,)."""
        return np.asarray(self.log_densities.sum(axis=0))

    @property
    def weights(self) -> FloatArray:
        """How much each model says, adding up to 1, shape (models,)."""
        if self._models == 1:
            return np.ones(1)
        second = np.linspace(0.0, 1.0, _STEPS + 1)[:-1]  # never all: the prior forbids it
        first = 1.0 - second
        score = PRIOR * np.log(first)
        if self._densities:
            plain, other = np.array(self._densities).T
            with np.errstate(divide="ignore"):
                both = np.logaddexp(plain[:, None] + np.log(first), other[:, None] + np.log(second))
            score = score + both.sum(axis=0)
        best = int(np.argmax(score))
        return np.array([first[best], second[best]])
