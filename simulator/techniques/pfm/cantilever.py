"""CantileverSettings: the lever of a contact-mode probe, and how it vibrates on a surface."""

from functools import lru_cache
from math import cos, cosh, sin, sinh
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from spm_auto.units import Frequency, Stiffness

from ...checks import positive

FREE = 1.8751040687119611  # first root of 1 + cos b cosh b = 0: a lever with a free end
PINNED = 3.9266023120479188  # first root of tan b = tanh b: a lever whose end cannot move
HALVINGS = 50  # of the interval between both, down to rounding


class CantileverSettings(BaseModel):
    """A cantilever whose tip stands on the sample.

    Attributes:
        stiffness: Spring constant [N/m].
        free_resonance: First flexural resonance in air [Hz]. In contact it rises, at most to
            4.385 times this.
        quality: Quality factor of the resonance in contact.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    stiffness: Annotated[Stiffness, positive("N/m")] = 2.8
    free_resonance: Annotated[Frequency, positive("Hz")] = 90e3
    quality: Annotated[float, positive("1")] = 60.0

    def contact_resonance(self, contact_stiffness: float) -> float:
        """Return the first resonance [Hz] on a contact of some stiffness [N/m]."""
        wave = wave_number(contact_stiffness / self.stiffness)
        return self.free_resonance * (wave / FREE) ** 2


def stiffness_ratio(wave: float) -> float:
    """Return contact over lever stiffness k*/k at which a lever vibrates with a wave number.

    k*/k = -(b^3 / 3) (1 + cos b cosh b) / (sin b cosh b - cos b sinh b), b the wave number times
    the length of the lever, between that of a free end and that of a pinned one.

    Source:
        U. Rabe, K. Janser and W. Arnold, Rev. Sci. Instrum. 67, 3281 (1996).
    """
    numerator = 1 + cos(wave) * cosh(wave)
    return -(wave**3) / 3 * numerator / (sin(wave) * cosh(wave) - cos(wave) * sinh(wave))


@lru_cache(maxsize=64)
def wave_number(ratio: float) -> float:
    """Return the wave number times the length of a lever for a stiffness ratio k*/k.

    Raises:
        ValueError: The ratio is negative.
    """
    if ratio < 0:
        raise ValueError(f"a contact stiffness must not be negative, got {ratio:g} of the lever's")
    low, high = FREE, PINNED
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if stiffness_ratio(middle) < ratio:
            low = middle
        else:
            high = middle
    return (low + high) / 2
