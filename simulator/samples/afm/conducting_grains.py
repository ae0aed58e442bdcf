"""ConductingGrainsSettings: an oxide film whose grain boundaries carry most of the current."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from spm_auto.instrument import FloatArray
from spm_auto.units import Bias, Length

from ...checks import not_negative, positive, share
from ...forces import Conduction
from ...randomness import RandomStreams
from .materials import Fields, Material
from .sample import AfmSample
from .settings import AfmSampleSettings, PositiveLength, Spread
from .surface import middles

OXIDE = Material.model_validate(
    {"modulus": "150 GPa", "conductivity": "100 uS/m", "potential": "0.3 V"}
)


class ConductingGrainsSettings(AfmSampleSettings):
    """Grains of an oxide; walls between them conduct 10 to 100 times better, each in its own way.

    Attributes:
        grain: What the grains are made of.
        grains: How many of them.
        grain_spread: Spread of their conductivity, of the logarithm.
        least_wall: Conductivity of the worst wall, in units of the grains'.
        best_wall: Of the best one.
        wall: Half-width of a wall [m].
        groove: Depth of the groove over a wall [m].
        groove_width: Its half-width [m].
        potential_spread: Spread of the contact potential from grain to grain [V].
        thickness: Of the film, between tip and electrode [m].
        permittivity: Relative, at optical frequencies.
        trapped: Share of the carriers that come out of traps, at small bias.
    """

    kind: Literal["conducting_grains"] = "conducting_grains"
    grain: Material = Field(default=OXIDE)
    grains: int = Field(default=60, ge=4, le=10_000)
    grain_spread: Spread = 0.3
    least_wall: Annotated[float, positive("1")] = 10.0
    best_wall: Annotated[float, positive("1")] = 100.0
    wall: PositiveLength = 6e-9
    groove: Annotated[Length, not_negative("m")] = 6e-9
    groove_width: PositiveLength = 25e-9
    potential_spread: Annotated[Bias, not_negative("V")] = 0.04
    thickness: PositiveLength = 50e-9
    permittivity: Annotated[float, positive("1")] = 6.5
    trapped: Annotated[float, share()] = 0.2
    size: PositiveLength = 2e-6

    @model_validator(mode="after")
    def _ordered(self) -> "ConductingGrainsSettings":
        if self.least_wall > self.best_wall:
            raise ValueError(
                f"least_wall must not be above best_wall, "
                f"got {self.least_wall:g} and {self.best_wall:g}"
            )
        return self

    def build(self, streams: RandomStreams) -> AfmSample:
        """Let the grains grow until they meet."""
        own, next_to, distance = self._grown(streams)
        rng = streams.stream("grains")
        grain_factor = np.exp(self.grain_spread * rng.standard_normal(self.grains))
        potential = self.potential_spread * rng.standard_normal(self.grains)
        wall_factor = self._walls(own, next_to, streams)
        near = np.exp(-((distance / self.wall) ** 2) / 2)
        height = self.rough(streams)
        height = height - self.groove * np.exp(-((distance / self.groove_width) ** 2) / 2)
        fields = Fields.of(self.grain, height)
        fields = replace(
            fields,
            modulus=fields.modulus * self.texture(streams),
            conductivity=fields.conductivity * grain_factor[own] * wall_factor**near,
            potential=fields.potential + potential[own],
        )
        conduction = Conduction(self.thickness, self.permittivity, self.trapped)
        return AfmSample("conducting grains", self.size, fields, conduction=conduction)

    def _grown(
        self, streams: RandomStreams
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Return each cell's grain, the nearest other one, and the distance to their wall [m]."""
        from scipy.spatial import cKDTree

        seeds = streams.stream("seeds").uniform(0.0, self.size, (self.grains, 2))
        along = middles(self.size, self.cells) + self.size / 2
        y, x = np.meshgrid(along, along, indexing="ij")
        tree = cKDTree(seeds, boxsize=np.full(2, self.size))
        found = tree.query(np.stack([x, y], axis=-1), k=2)
        distance, grain = np.asarray(found[0]), np.asarray(found[1])
        apart = np.abs(seeds[grain[..., 0]] - seeds[grain[..., 1]])
        apart = np.minimum(apart, self.size - apart)
        between = np.hypot(apart[..., 0], apart[..., 1])
        wall = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * between)
        return grain[..., 0], grain[..., 1], wall

    def _walls(
        self, own: NDArray[np.intp], next_to: NDArray[np.intp], streams: RandomStreams
    ) -> FloatArray:
        """Return by what factor the nearest wall of each cell conducts better."""
        drawn = streams.stream("walls").random((self.grains, self.grains))
        low, high = np.minimum(own, next_to), np.maximum(own, next_to)
        return np.asarray(self.least_wall * (self.best_wall / self.least_wall) ** drawn[low, high])
