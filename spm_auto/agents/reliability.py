"""Reliability: how probable it is that a candidate gives a spectrum that is any good."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ..instrument import FloatArray
from .covariance import SumOfMaterns

if TYPE_CHECKING:
    from .surrogate import Inputs

EXPECTED = 0.9  # share of good spectra that is expected before the first one
WEIGHT = 1.0  # how many spectra that expectation counts for
REACH = 0.1  # how far a failure speaks for its neighbours, in units of the frame's longer side


class Reliability:
    """Learns from good and failed spectra alike at which positions the next one will be good.

    Failures (resonance out of band, bad contact) come in patches and in places that look alike. The
    probability of a good spectrum is the share of good ones among the spectra so far, each counted
    by how near it is and how alike it looks: a beta-binomial estimate with a kernel's weights.

    Args:
        inputs: All candidates.

    Source:
        The kernel estimate of a probability: A. W. Bowman, A. Azzalini, Applied Smoothing
        Techniques for Data Analysis (1997), section 3.4; its use in the acquisition function:
        M. A. Gelbart, J. Snoek, R. P. Adams, UAI (2014).
    """

    def __init__(self, inputs: "Inputs") -> None:
        d = inputs.descriptors.shape[1]
        terms = [(inputs.position / REACH, 0.5)]
        if d:
            terms.append((inputs.descriptors / math.sqrt(d), 0.5))
        self._kernel = SumOfMaterns(tuple(t for t, _ in terms), tuple(s for _, s in terms))
        self._good = np.full(len(self._kernel), EXPECTED * WEIGHT)
        self._all = np.full(len(self._kernel), WEIGHT)

    def tell(self, site: int, is_good: bool) -> None:
        """Learn whether a spectrum at a position was good."""
        import torch

        alike = self._kernel.between(torch.tensor([site]), slice(None))[0].numpy()
        self._all = self._all + alike
        if is_good:
            self._good = self._good + alike

    @property
    def probability(self) -> FloatArray:
        """Probability of a good spectrum at each position, shape (P,)."""
        return np.asarray(self._good / self._all)
