"""Aging of a film: the frozen fields that make one site differ from the next."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from ...randomness import RandomStreams
from ..fields import gaussian_field, self_affine_field
from .grains import Grains
from .growth import Domains

if TYPE_CHECKING:
    from .settings import FilmSettings

WALL_POLARIZATION = 0.5  # a cell that is polarised less than this belongs to a wall


@dataclass(frozen=True, slots=True, eq=False)
class LocalProperties:
    """What is frozen into the film, of shape (cells, cells) or with that at its end, row 0 lowest.

    Attributes:
        barrier: Height of the double well, 1 in the perfect film; below 0 where the polarisation
            lies and there is no double well.
        built_in: Built-in field.
        pinning: Field needed to move a wall.
        response: Piezoelectric response of a fully polarised site [m/V].
        height: Of the surface [m].
        lying: Polarisation in the plane along x and y, shape (2, cells, cells).
        tilt: Sine of the angle between polar axis and normal, along x and y, likewise.
        contact_stiffness: Of tip and surface [N/m].
        contact_transmission: How well a contact passes on a vibration, 0 on average, of variance 1.
        contact_turn: How much a contact turns the phase of a vibration, likewise.
        contact_share: Share of the bias that reaches the film; 1 in the middle of its spread.
        contact_potential: Adds to the bias [V].
        defects: Cell coordinates (row, column) of the clusters, shape (n, 2).
        defect_signs: Sign of each cluster's field, shape (n,).
    """

    barrier: FloatArray
    built_in: FloatArray
    pinning: FloatArray
    response: FloatArray
    height: FloatArray
    lying: FloatArray
    tilt: FloatArray
    contact_stiffness: FloatArray
    contact_transmission: FloatArray
    contact_turn: FloatArray
    contact_share: FloatArray
    contact_potential: FloatArray
    defects: FloatArray
    defect_signs: FloatArray

    def __post_init__(self) -> None:
        for name in self.__slots__:
            getattr(self, name).setflags(write=False)


def age(
    settings: "FilmSettings",
    domains: Domains,
    streams: RandomStreams,
    grains: Grains | None = None,
) -> LocalProperties:
    """Freeze the fields that a film acquires after its domains have formed.

    Walls lower the barrier around them, domains leave a built-in field of their own sign, clusters
    of defects add built-in fields and pin the walls; response and height vary independently.

    Args:
        settings: Of the film.
        domains: That the film ages with.
        streams: Where the disorder comes from.
        grains: Of the film, if it has any.
    """
    s, polarization = settings, domains.standing
    clusters, signs = _defects(s, streams)
    charge = sum(
        (sign * cluster for sign, cluster in zip(signs, _blobs(s, clusters), strict=True)), 0.0
    )
    presence = sum(_blobs(s, clusters), np.zeros((s.cells, s.cells)))
    softened = s.wall_softening * np.exp(
        -((distance_to_wall(polarization, s.cell) / s.wall_softening_length) ** 2)
    )
    barrier = (
        (1 + s.barrier_spread * _field(s, "barrier", s.aging_length, streams))
        * (1 - softened)
        * np.exp(s.site_spread * _field(s, "barrier of sites", s.site_length, streams))
    )
    built_in = (
        s.built_in_field
        + s.built_in_spread * _field(s, "built-in field", s.aging_length, streams)
        + s.built_in_spread * _field(s, "uneven built-in field", s.uneven_length, streams)
        + s.memory * _smeared(polarization, s.memory_length / s.cell)
        + s.defect_field * charge
    )
    pinning = (
        s.pinning
        * np.exp(s.pinning_spread * _field(s, "pinning", s.aging_length, streams))
        * np.exp(s.site_spread * _field(s, "pinning of sites", s.site_length, streams))
        * (1 + s.defect_pinning * presence)
    )
    response = s.response * np.exp(
        s.response_spread * _field(s, "response", s.response_length, streams)
        + s.response_unevenness * _field(s, "uneven response", s.response_uneven_length, streams)
    )
    rough = self_affine_field(s.cells, s.cell, s.roughness_length, streams.stream("height"))
    height = s.roughness * rough
    stiff = _field(s, "contact stiffness", s.contact_stiffness_length, streams)
    share = _field(s, "contact share", s.contact_length, streams)
    potential = _field(s, "contact potential", s.contact_length, streams)
    lying = tilt = np.zeros((2, *polarization.shape))
    if grains is not None:
        barrier, pinning = barrier * grains.barrier, pinning * grains.pinning
        response, height, tilt = response * grains.response, height + grains.height, grains.tilt
    if domains.lying is not None:
        lying = domains.lying
        flat = (lying**2).sum(axis=0)
        # what a lying polarisation leaves of the well along the normal, from the energy of variants
        barrier = barrier - (1 + 2 * s.lamellae.anisotropy) * flat
        height = height - s.lamellae.relief * (flat - flat.mean())
    return LocalProperties(
        barrier=barrier,
        built_in=built_in,
        pinning=pinning,
        response=response,
        height=height,
        lying=lying,
        tilt=tilt,
        contact_stiffness=s.contact_stiffness * np.exp(s.contact_stiffness_spread * stiff),
        contact_transmission=_field(
            s, "contact transmission", s.contact_transmission_length, streams
        ),
        contact_turn=_field(s, "contact turn", s.contact_transmission_length, streams),
        contact_share=np.exp(s.contact_share_spread * share),
        contact_potential=s.contact_potential_spread * potential,
        defects=clusters,
        defect_signs=signs,
    )


def walls(polarization: FloatArray) -> NDArray[np.bool_]:
    """Return which cells belong to a wall between domains."""
    return np.asarray(np.abs(polarization) < WALL_POLARIZATION)


def distance_to_wall(polarization: FloatArray, cell: float) -> FloatArray:
    """Return how far each cell is from the nearest wall [m]; infinite where there is none.

    Args:
        polarization: Of the periodic film, shape (cells, cells).
        cell: Side of one cell [m].
    """
    from scipy.ndimage import distance_transform_edt

    wall = walls(polarization)
    if not wall.any():
        return np.full(wall.shape, np.inf)
    rows, columns = wall.shape
    around = np.tile(wall, (3, 3))
    distance = distance_transform_edt(~around)[rows : 2 * rows, columns : 2 * columns]
    return np.asarray(distance * cell)


def _field(
    settings: "FilmSettings", name: str, length: float, streams: RandomStreams
) -> FloatArray:
    return gaussian_field(settings.cells, settings.cell, length, streams.stream(name))


def _defects(settings: "FilmSettings", streams: RandomStreams) -> tuple[FloatArray, FloatArray]:
    rng = streams.stream("defects")
    places = rng.uniform(0, settings.cells, (settings.defects, 2))
    return places, rng.choice([-1.0, 1.0], settings.defects)


def _blobs(settings: "FilmSettings", places: FloatArray) -> list[FloatArray]:
    """Return a Gaussian of height 1 on the periodic grid for each place."""
    s = settings
    index = np.arange(s.cells)
    blobs = []
    for place in places:
        away = np.abs(index[np.newaxis, :] - place[:, np.newaxis])  # along rows, along columns
        near = np.minimum(away, s.cells - away) * s.cell
        row, column = np.exp(-((near / s.defect_radius) ** 2) / 2)
        blobs.append(np.outer(row, column))
    return blobs


def _smeared(polarization: FloatArray, cells: float) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(polarization, cells, mode="wrap"))
