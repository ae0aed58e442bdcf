"""The conductance of a superconductor's gap: Dynes' density of states, broadened by temperature.

With g(z) = z / sqrt(z^2 - D^2) the density is Re g(E - iG). It has no pole below the real axis, so
that its mean over the derivative of the Fermi function is a sum over the poles of that, the
Matsubara energies z_n = V - i(G + (2n + 1) pi kT): 2 pi kT Re[i sum g'(z_n)] and a rest. The sum is
the midpoint rule of an integral; so what is beyond its last term is nearly g itself, taken there.
The current is the same with the primitive of g in place of g.
"""

import math
from typing import Literal

import numpy as np

from spm_auto.instrument import FloatArray

TERMS = 12  # of the sum
COSINES = 8  # moments of a period of the modulation

Quantity = Literal["conductance", "current"]


def gapped(
    bias: FloatArray,
    gap: float,
    lifetime: float,
    thermal: float,
    quantity: Quantity = "conductance",
    modulation: float = 0.0,
) -> FloatArray:
    """Return the conductance, 1 far outside of the gap, or its integral over the bias [V].

    Args:
        bias: Tip-sample voltage [V], shape (n,).
        gap: Half the width of the gap [V], that is, over e.
        lifetime: Broadening by the lifetime of the quasiparticles, G over e [V].
        thermal: kT over e [V].
        quantity: Which of the two.
        modulation: Amplitude with which a lock-in shakes the bias [V].

    Source:
        R. C. Dynes, V. Narayanamurti, J. P. Garno, Phys. Rev. Lett. 41, 1509 (1978).
    """
    if modulation:
        # the first harmonic of the current is the conductance averaged with this weight
        cosine = np.cos(np.pi * (np.arange(COSINES) + 0.5) / COSINES)
        weight = 2 * (1 - cosine**2) / COSINES
        shaken = bias[:, np.newaxis] + modulation * cosine
        if quantity == "current":
            weight = np.full(COSINES, 1 / COSINES)
        flat = gapped(shaken.ravel(), gap, lifetime, thermal, quantity)
        return np.asarray(flat.reshape(shaken.shape) @ weight)
    step = 2 * math.pi * thermal
    z = bias - 1j * (lifetime + step * (np.arange(TERMS + 1)[:, np.newaxis] + 0.5))
    z[-1] += 1j * step / 2  # the rest begins half a step after the last term
    root = np.sqrt(z - gap) * np.sqrt(z + gap)
    inner, rest = root[:-1], root[-1]
    if quantity == "current":
        return np.asarray(np.real(rest + 1j * step * np.sum(z[:-1] / inner, axis=0)))
    return np.asarray(np.real(z[-1] / rest - 1j * step * gap**2 * np.sum(inner**-3, axis=0)))
