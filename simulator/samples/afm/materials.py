"""Material: what a homogeneous body is for an AFM; Fields: the same from place to place."""

from dataclasses import dataclass, fields
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from spm_auto.instrument import FloatArray
from spm_auto.units import Bias, Conductivity, Modulus, SurfaceEnergy, Viscosity

from ...checks import not_negative, positive


class Material(BaseModel):
    """A homogeneous material.

    Attributes:
        modulus: Plane-strain modulus E / (1 - nu^2) [Pa]: the reduced modulus under a rigid tip.
        adhesion: Work of adhesion with the tip [J/m^2].
        viscosity: Of the contact: its drag is viscosity x contact radius x velocity [Pa s].
        potential: Contact potential against the tip [V].
        conductivity: At small bias [S/m].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    modulus: Annotated[Modulus, positive("Pa")]
    adhesion: Annotated[SurfaceEnergy, not_negative("J/m2")] = 60e-3
    viscosity: Annotated[Viscosity, not_negative("Pa s")] = 0.0
    potential: Bias = 0.0
    conductivity: Annotated[Conductivity, not_negative("S/m")] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """A sample from place to place; all of shape (cells, cells), row 0 at the lower edge.

    Attributes:
        height: Of the surface [m].
        modulus: Plane-strain modulus [Pa].
        adhesion: Work of adhesion [J/m^2].
        viscosity: Of the contact [Pa s].
        potential: Contact potential [V].
        conductivity: At small bias [S/m].
    """

    height: FloatArray
    modulus: FloatArray
    adhesion: FloatArray
    viscosity: FloatArray
    potential: FloatArray
    conductivity: FloatArray

    def __post_init__(self) -> None:
        shape = self.height.shape
        for field in fields(self):
            if getattr(self, field.name).shape != shape:
                raise ValueError(f"{field.name} must be of the height's shape {shape}")

    @classmethod
    def of(cls, material: Material, height: FloatArray) -> Self:
        """Return the fields of a homogeneous body with a surface."""
        whole = {
            name: np.full_like(height, getattr(material, name)) for name in Material.model_fields
        }
        return cls(height=height, **whole)

    def mixed(self, material: Material, share: FloatArray, factor: FloatArray) -> "Fields":
        """Return the fields with another material in them.

        What is positive is mixed by its logarithm, as between materials that differ by decades.

        Args:
            material: The other one.
            share: Of it in each cell, 0 to 1, shape (cells, cells).
            factor: Its modulus in units of its usual one, shape (cells, cells).
        """

        def between(field: FloatArray, other: FloatArray | float) -> FloatArray:
            mixed = np.exp((1 - share) * _log(field) + share * _log(other))
            return np.where(share == 0, field, np.where(share == 1, other, mixed))

        return Fields(
            height=self.height,
            modulus=between(self.modulus, material.modulus * factor),
            adhesion=(1 - share) * self.adhesion + share * material.adhesion,
            viscosity=(1 - share) * self.viscosity + share * material.viscosity,
            potential=(1 - share) * self.potential + share * material.potential,
            conductivity=(1 - share) * self.conductivity + share * material.conductivity,
        )


def _log(values: FloatArray | float) -> FloatArray:
    return np.asarray(np.log(values))
