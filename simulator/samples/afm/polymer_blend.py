"""PolymerBlendSettings: soft domains in a stiffer matrix, as blends separate."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Length

from ...checks import positive, within
from ...randomness import RandomStreams
from ..fields import wave_numbers
from .materials import Fields, Material
from .sample import AfmSample
from .settings import AfmSampleSettings, PositiveLength

BAND = 0.35  # relative width of the band of wavelengths in which a blend separates

POLYSTYRENE = Material.model_validate({"modulus": "2.5 GPa", "viscosity": "30 Pa s"})
POLYETHYLENE = Material.model_validate(
    {"modulus": "0.2 GPa", "viscosity": "40 Pa s", "potential": "-0.15 V"}
)


class PolymerBlendSettings(AfmSampleSettings):
    """Domains of polyethylene of low density in polystyrene.

    The height rises over the soft domains in a dome; materials and their borders are sharp on the
    scale of a tip, as those of immiscible polymers are.

    Attributes:
        matrix: What surrounds the domains.
        domains: What they are made of.
        share: Of the area that they take.
        wavelength: Mean distance of domains [m].
        interface: Half-width of the border between the two [m].
        rise: Height of the middle of large domains over the matrix [m].
        dome: Distance from the border over which the height rises [m].
    """

    kind: Literal["polymer_blend"] = "polymer_blend"
    matrix: Material = Field(default=POLYSTYRENE)
    domains: Material = Field(default=POLYETHYLENE)
    share: Annotated[float, within(0.01, 0.99, "1")] = 0.3
    wavelength: PositiveLength = 450e-9
    interface: PositiveLength = 5e-9
    rise: Length = 12e-9
    dome: Annotated[Length, positive("m")] = 40e-9

    def build(self, streams: RandomStreams) -> AfmSample:
        """Let the blend separate."""
        depth = self._depth(streams)
        inside = 0.5 * (1 + np.tanh(depth / self.interface))
        rise = self.rise * -np.expm1(-np.maximum(depth, 0.0) / self.dome)
        texture = self.texture(streams)
        fields = Fields.of(self.matrix, self.rough(streams) + rise)
        fields = replace(fields, modulus=fields.modulus * texture)
        return AfmSample("polymer blend", self.size, fields.mixed(self.domains, inside, texture))

    def _depth(self, streams: RandomStreams) -> FloatArray:
        """Return how far inside a domain each cell lies [m], negative in the matrix."""
        from scipy.ndimage import distance_transform_edt

        k = wave_numbers(self.cells, self.cell) * self.wavelength / (2 * np.pi)
        white = streams.stream("domains").standard_normal((self.cells, self.cells))
        band = np.exp(-(((k - 1) / BAND) ** 2) / 2)
        band[0, 0] = 0.0
        field = np.fft.irfft2(np.fft.rfft2(white) * band, s=(self.cells, self.cells))
        is_inside = field > np.quantile(field, 1 - self.share)
        wide = np.pad(is_inside, self.cells // 2, mode="wrap")
        depth = distance_transform_edt(wide) - distance_transform_edt(~wide)
        half = self.cells // 2
        middle = np.s_[half : half + self.cells]
        return np.asarray(depth[middle, middle] * self.cell)
