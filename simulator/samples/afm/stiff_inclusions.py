"""StiffInclusionsSettings: hard grains in a polymer, among spots that only look like them."""

import math
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Length

from ...checks import not_negative, positive
from ...randomness import RandomStreams
from .materials import Fields, Material
from .sample import AfmSample, Spot
from .settings import AfmSampleSettings, Spread
from .surface import middles

ATTEMPTS = 200  # to find a free place for a spot
GAP = 1.2  # distance of two spots, in units of the sum of their radii
FLATNESS = (0.2, 0.5)  # height of a spot, in units of its radius

EPOXY = Material.model_validate({"modulus": "2.5 GPa", "viscosity": "150 Pa s"})
GLASS = Material.model_validate(
    {"modulus": "70 GPa", "adhesion": "85 mJ/m2", "viscosity": "5 Pa s", "potential": "0.1 V"}
)
STICKY = Material.model_validate(
    {"modulus": "1 GPa", "adhesion": "110 mJ/m2", "viscosity": "5 Pa s", "potential": "0.1 V"}
)


class StiffInclusionsSettings(AfmSampleSettings):
    """Inclusions of a hard material that stand out of a polymer matrix, and decoys.

    The decoys are soft and sticky: of the same size and height, with about the pull-off and the
    phase of the inclusions. Only what resists an indentation tells them apart.

    Attributes:
        matrix: What surrounds the spots.
        inclusions: What the inclusions are made of.
        decoys: What the decoys are made of.
        count: Of the inclusions.
        decoy_count: Of the decoys.
        radius: Median radius of the spots [m].
        radius_spread: Its spread, of the logarithm.
        stiffness_spread: Spread of the modulus from spot to spot, of the logarithm.
    """

    kind: Literal["stiff_inclusions"] = "stiff_inclusions"
    matrix: Material = Field(default=EPOXY)
    inclusions: Material = Field(default=GLASS)
    decoys: Material = Field(default=STICKY)
    count: int = Field(default=38, ge=0, le=1000)
    decoy_count: int = Field(default=16, ge=0, le=1000)
    radius: Annotated[Length, positive("m")] = 55e-9
    radius_spread: Spread = 0.35
    stiffness_spread: Spread = 0.3
    roughness: Annotated[Length, not_negative("m")] = 1.5e-9

    def build(self, streams: RandomStreams) -> AfmSample:
        """Place the spots and make the sample.

        Raises:
            ValueError: There is no room for so many spots.
        """
        spots = self._placed(streams)
        texture = self.texture(streams)
        fields = Fields.of(self.matrix, self.rough(streams))
        fields = replace(fields, modulus=fields.modulus * texture)
        for material, is_stiff in ((self.inclusions, True), (self.decoys, False)):
            share, factor, rise = self._drawn(
                [s for s in spots if s.is_stiff == is_stiff], material
            )
            fields = fields.mixed(material, share, factor * texture)
            fields = replace(fields, height=fields.height + rise)
        return AfmSample("stiff inclusions", self.size, fields, spots)

    def _placed(self, streams: RandomStreams) -> tuple[Spot, ...]:
        rng = streams.stream("spots")
        spots: list[Spot] = []
        for number in range(self.count + self.decoy_count):
            is_stiff = number < self.count
            radius = self.radius * math.exp(self.radius_spread * rng.standard_normal())
            flatness = float(rng.uniform(*FLATNESS))
            strength = math.exp(self.stiffness_spread * rng.standard_normal())
            material = self.inclusions if is_stiff else self.decoys
            for x, y in rng.uniform(-0.5, 0.5, (ATTEMPTS, 2)).tolist():
                spot = Spot(
                    x=x * self.size,
                    y=y * self.size,
                    radius=radius,
                    height=flatness * radius,
                    modulus=strength * material.modulus,
                    is_stiff=is_stiff,
                )
                if all(self._apart(spot, other) for other in spots):
                    spots.append(spot)
                    break
            else:
                raise ValueError(
                    f"there is no room for spot {number + 1} of {self.count + self.decoy_count}; "
                    f"fewer or smaller ones have it"
                )
        return tuple(spots)

    def _apart(self, spot: Spot, other: Spot) -> bool:
        ways = (abs(a - b) for a, b in ((spot.x, other.x), (spot.y, other.y)))
        distance = math.hypot(*(min(way, self.size - way) for way in ways))
        return distance > GAP * (spot.radius + other.radius)

    def _drawn(
        self, spots: list[Spot], material: Material
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return share and modulus factor of a material, and the height of its spots [m]."""
        shape = self.cells, self.cells
        share, factor, rise = np.zeros(shape), np.ones(shape), np.zeros(shape)
        along = middles(self.size, self.cells)
        for spot in spots:
            right, up = (
                (along - middle + self.size / 2) % self.size - self.size / 2
                for middle in (spot.x, spot.y)
            )
            distance = np.hypot(right[np.newaxis, :], up[:, np.newaxis])
            inside = np.minimum(np.maximum((spot.radius - distance) / self.cell + 0.5, 0.0), 1.0)
            share = np.maximum(share, inside)
            factor[inside > 0] = spot.modulus / material.modulus
            rise = np.maximum(rise, spot.height * (1 - (distance / spot.radius) ** 2))
        return share, factor, rise
