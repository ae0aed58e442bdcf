"""Growth of a film: domains form out of noise in frozen disorder, before anything ages."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.instrument import FloatArray

from ...randomness import RandomStreams
from ..fields import gaussian_field
from .grains import Grains
from .relaxation import FilmEnergy, relax
from .variants import VariantEnergy

if TYPE_CHECKING:
    from .settings import FilmSettings

WALL_LENGTH = 1.0  # gradient length in cells: the wall is as thin as the grid can carry, see docs
FIRST_NOISE = 0.1  # standard deviation of the polarisation that the relaxation starts from


@dataclass(frozen=True, slots=True, eq=False)
class Domains:
    """The polarisation of a film that has just grown, in units of the spontaneous one.

    Attributes:
        standing: Along the normal, shape (cells, cells); the tip can switch it.
        lying: Along x and y, shape (2, cells, cells), frozen; None where nothing lies.
    """

    standing: FloatArray
    lying: FloatArray | None = None


def grow(settings: "FilmSettings", streams: RandomStreams, grains: Grains | None = None) -> Domains:
    """Let the domains of a film form.

    Args:
        settings: Of the film.
        streams: Where the disorder comes from.
        grains: Of the film, if it has any.
    """
    s = settings

    def disorder(name: str, length: float) -> FloatArray:
        return gaussian_field(s.cells, s.cell, length, streams.stream(name))

    field = (
        s.growth_field
        + s.growth_disorder * disorder("growth disorder", s.growth_disorder_length)
        + s.growth_unevenness * disorder("growth unevenness", s.growth_unevenness_length)
    )
    if grains is not None:
        field = field + grains.preference
    if s.lamellae.amount:
        return _grow_lamellae(s, field, streams)
    energy = FilmEnergy(s.cells, s.cell, WALL_LENGTH * s.cell, s.depolarization, s.thickness)
    noise = streams.stream("first noise").standard_normal((s.cells, s.cells))
    return Domains(relax(energy, FIRST_NOISE * noise, field, s.relaxation_steps))


def _grow_lamellae(settings: "FilmSettings", field: FloatArray, streams: RandomStreams) -> Domains:
    s, lamellae = settings, settings.lamellae
    energy = VariantEnergy(
        cells=s.cells,
        cell=s.cell,
        thickness=s.thickness,
        depolarization=s.depolarization,
        anisotropy=lamellae.anisotropy,
        compatibility=lamellae.compatibility,
        clamping=lamellae.clamping,
        lying=lamellae.amount,
        charge=lamellae.charge,
        angle=lamellae.angle,
    )
    placed = lamellae.place(s.cells, s.cell, streams)
    first, second, standing = energy.relax(placed, field, lamellae.steps)
    cos, sin = math.cos(lamellae.angle), math.sin(lamellae.angle)
    return Domains(standing, np.stack([cos * first - sin * second, sin * first + cos * second]))
