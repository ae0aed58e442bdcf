"""AfmSampleSettings: what all samples of the AFM have in common."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Length

from ...checks import not_negative, positive, within
from ...randomness import RandomStreams
from ..fields import gaussian_field, self_affine_field
from ..protocol import SampleSettings

PositiveLength = Annotated[Length, positive("m")]
Spread = Annotated[float, not_negative("1")]


class AfmSampleSettings(SampleSettings):
    """A square piece of surface that goes on periodically.

    Attributes:
        size: Its side, centred on (0, 0) [m].
        cells: Of the fields along each side.
        roughness: Standard deviation of the height, features not counted [m].
        roughness_length: Where the roughness levels off [m].
        modulus_spread: Spread of the modulus from place to place, of the logarithm.
        modulus_length: Its correlation length [m].
    """

    family: ClassVar[str] = "afm"
    technique: ClassVar[str] = "afm"

    size: Annotated[Length, within(1e-9, 100e-6, "m")] = 3e-6
    cells: int = Field(default=512, ge=64, le=2048)
    roughness: Annotated[Length, not_negative("m")] = 1e-9
    roughness_length: PositiveLength = 60e-9
    modulus_spread: Spread = 0.1
    modulus_length: PositiveLength = 40e-9

    @property
    def cell(self) -> float:
        """Side of one cell [m]."""
        return self.size / self.cells

    def rough(self, streams: RandomStreams) -> FloatArray:
        """Draw the height of the surface without its features [m], shape (cells, cells)."""
        field = self_affine_field(
            self.cells, self.cell, self.roughness_length, streams.stream("height")
        )
        return np.asarray(self.roughness * field)

    def texture(self, streams: RandomStreams) -> FloatArray:
        """Draw by what factor the modulus differs from place to place, shape (cells, cells)."""
        field = gaussian_field(
            self.cells, self.cell, self.modulus_length, streams.stream("modulus")
        )
        return np.asarray(np.exp(self.modulus_spread * field))
