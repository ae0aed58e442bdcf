"""The tip of a contact-mode probe: the field that it makes and the area that it sees."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict

from spm_auto.instrument import FloatArray
from spm_auto.units import Length

from .checks import positive

SEEN = 0.75  # standard deviation of the area seen, in radii: half-width at half maximum 0.88 R


class TipSettings(BaseModel):
    """A conducting tip on a ferroelectric surface.

    Attributes:
        radius: Of the apex [m]: depth of the effective point charge and scale of the area seen.
        field: Field in the film right below the apex at 1 V, in units of the film's [1/V].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    radius: Annotated[Length, positive("m")] = 25e-9
    field: Annotated[float, positive("1/V")] = 0.21

    @property
    def seen(self) -> float:
        """Standard deviation of the Gaussian area that the tip averages over [m]."""
        return SEEN * self.radius

    def field_at(self, squared_distance: FloatArray) -> FloatArray:
        """Return the field at 1 V [1/V] at distances from the apex along the surface.

        The surface field of a point charge at depth R: E (1 + r^2 / R^2)^(-3/2).

        Args:
            squared_distance: r^2 [m^2], any shape.
        """
        return np.asarray(self.field * (1 + squared_distance / self.radius**2) ** -1.5)
