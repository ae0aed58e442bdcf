"""LamellaSettings: a domains that lie in a film in bundles of parallel lamellae."""

import math
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Angle, Length

from ...checks import not_negative, positive, share
from ...randomness import RandomStreams
from ..fields import gaussian_field

FIRST_NOISE = 0.05  # standard deviation of each component around what is placed


class LamellaSettings(BaseModel):
    """Lamellae whose polarisation lies in the plane, between domains that stand.

    They are placed, straight and with tips like needles, as they grow from the substrate; then the
    film relaxes for a while, which bends, joins and breaks some and makes walls of them.

    Attributes:
        amount: Share of the film that lies at first; 0 for a film without lamellae.
        period: Mean distance between two of them [m].
        unevenness: Spread of that distance, as a share.
        length: Over which a lamella stays straight [m].
        bundle: Size of the bundles in which all are parallel [m].
        angle: Of the first crystal axis, from x [rad]; lamellae run along both axes.
        patch: Size of the regions in which standing domains point the same way [m].
        bias: How much more often they point up, in standard deviations.
        anisotropy: Cost of a polarisation between the axes.
        compatibility: Stiffness of the lattice against lamellae that bend.
        clamping: Stiffness of the substrate against another share of lying domains.
        charge: Cost of charge inside the film; small, as walls to standing domains have none.
        steps: Steps of the relaxation.
        relief: How much lower the surface is over a lamella [m].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[float, share()] = 0.0
    period: Annotated[Length, positive("m")] = 110e-9
    unevenness: Annotated[float, positive("1")] = 0.25
    length: Annotated[Length, positive("m")] = 700e-9
    bundle: Annotated[Length, positive("m")] = 350e-9
    angle: Annotated[Angle, not_negative("rad")] = math.pi / 4
    patch: Annotated[Length, positive("m")] = 200e-9
    bias: float = 0.9
    anisotropy: Annotated[float, positive("1")] = 1.5
    compatibility: Annotated[float, not_negative("1")] = 6.0
    clamping: Annotated[float, not_negative("1")] = 1.5
    charge: Annotated[float, not_negative("1")] = 0.2
    steps: int = Field(default=25, ge=0, le=10_000)
    relief: Annotated[Length, not_negative("m")] = 0.5e-9

    def place(self, cells: int, cell: float, streams: RandomStreams) -> FloatArray:
        """Place lamellae in a film that stands.

        The standing domains point up or down in patches; polarisation goes on from them into the
        lamellae head to tail.

        Args:
            cells: Cells along each side of the periodic grid.
            cell: Side of one cell [m].
            streams: Where chance comes from.

        Returns:
            Components along both crystal axes and the normal, shape [3, row, column].
        """
        first_bundle = gaussian_field(cells, cell, self.bundle, streams.stream("bundles")) > 0
        patches = gaussian_field(cells, cell, self.patch, streams.stream("standing patches"))
        sign = np.where(patches + self.bias > 0, 1.0, -1.0)
        lying = np.stack(
            [
                self._stripes(cells, cell, self.angle, streams.stream("first lamellae")),
                self._stripes(
                    cells, cell, self.angle + np.pi / 2, streams.stream("second lamellae")
                ),
            ]
        ) & np.stack([first_bundle, ~first_bundle])
        noise = streams.stream("first noise").standard_normal((3, cells, cells))
        polarization = FIRST_NOISE * noise
        polarization[:2] += sign * lying
        polarization[2] += sign * ~lying.any(axis=0)
        return polarization

    def _stripes(
        self, cells: int, cell: float, angle: float, rng: np.random.Generator
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return where lamellae lie that follow each other in a direction [rad]."""
        ky = 2 * np.pi * np.fft.fftfreq(cells, cell)[:, np.newaxis]
        kx = 2 * np.pi * np.fft.rfftfreq(cells, cell)[np.newaxis, :]
        across = np.abs(math.cos(angle) * kx + math.sin(angle) * ky)
        along = math.cos(angle) * ky - math.sin(angle) * kx
        middle = 2 * np.pi / self.period
        transfer = np.exp(
            -(((across - middle) / (self.unevenness * middle)) ** 2) / 2
            - (along * self.length) ** 2 / 8
        )
        white = np.fft.rfft2(rng.standard_normal((cells, cells)))
        wave = np.fft.irfft2(white * transfer, s=(cells, cells))
        return np.asarray(wave > np.quantile(wave, 1 - self.amount))
