"""Grains: the texture of a polycrystalline film, each grain with its own axis and strength."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict

from spm_auto.instrument import FloatArray
from spm_auto.units import Angle, Length

from ...checks import not_negative, positive, share
from ...randomness import RandomStreams


class GrainSettings(BaseModel):
    """How different the grains of a film are.

    Attributes:
        amount: Of everything below, together; 0 for a film without grains.
        size: Mean distance of two grains' middles [m].
        response_spread: Spread of the response from grain to grain, of the logarithm.
        tilt: Spread of the angle between a grain's polar axis and the normal [rad].
        barrier_spread: Spread of the barrier to switching from grain to grain.
        preference: Spread of the field at which a grain's domains formed.
        rim: Loss of response at a boundary, as a share.
        rim_width: Over which it is lost [m].
        rim_pinning: How much stronger walls are pinned at a boundary, as a share.
        relief: How far the middle of a grain stands above its rim [m].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[float, share()] = 0.0
    size: Annotated[Length, positive("m")] = 180e-9
    response_spread: Annotated[float, not_negative("1")] = 0.5
    tilt: Annotated[Angle, not_negative("rad")] = math.radians(25)
    barrier_spread: Annotated[float, not_negative("1")] = 0.06
    preference: Annotated[float, not_negative("1")] = 0.15
    rim: Annotated[float, share()] = 0.85
    rim_width: Annotated[Length, positive("m")] = 14e-9
    rim_pinning: Annotated[float, not_negative("1")] = 0.5
    relief: Annotated[Length, not_negative("m")] = 4e-9

    def build(self, cells: int, size: float, streams: RandomStreams) -> "Grains":
        """Lay grains over a periodic film of some size [m]."""
        from scipy.spatial import cKDTree

        count = max(2, round((size / self.size) ** 2))
        middles = streams.stream("grains").uniform(0, size, (count, 2))
        along = (np.arange(cells) + 0.5) * size / cells
        places = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1)
        tree = cKDTree(middles, boxsize=np.full(2, size))
        distance, grain = (np.asarray(found) for found in tree.query(places, k=2))
        index = grain[..., 0]
        inside = (distance[..., 1] - distance[..., 0]) / 2
        rim = np.exp(-((inside / self.rim_width) ** 2))
        normal, angle = streams.stream("grain axes").standard_normal((2, count))
        azimuth = 2 * np.pi * streams.stream("grain azimuths").random(count)
        strength, barrier, preference = streams.stream("grain strengths").standard_normal(
            (3, count)
        )
        tilt = self.amount * self.tilt * np.hypot(normal, angle) / math.sqrt(2)
        response = np.exp(self.amount * self.response_spread * strength) * np.cos(tilt)
        sideways = np.sin(tilt) * np.stack([np.cos(azimuth), np.sin(azimuth)])
        dome = 1 - np.exp(-inside / (self.size / 6))
        return Grains(
            index=index,
            response=response[index] * (1 - self.amount * self.rim * rim),
            tilt=np.asarray(sideways[:, index]),
            barrier=(1 + self.amount * self.barrier_spread * barrier)[index],
            pinning=1 + self.amount * self.rim_pinning * rim,
            preference=self.amount * self.preference * preference[index],
            height=self.amount * self.relief * (dome - dome.mean()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Grains:
    """The grains of one film; arrays of shape (cells, cells).

    Attributes:
        index: Which grain a cell belongs to.
        response: Factor of the response.
        tilt: Sine of the axis' tilt, as a vector along x and y, shape (2, cells, cells).
        barrier: Factor of the barrier.
        pinning: Factor of the pinning.
        preference: Field at which the domains formed, in addition.
        height: Of the surface, in addition [m].
    """

    index: FloatArray
    response: FloatArray
    tilt: FloatArray
    barrier: FloatArray
    pinning: FloatArray
    preference: FloatArray
    height: FloatArray
