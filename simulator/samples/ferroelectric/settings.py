"""FilmSettings: everything about a simulated ferroelectric film that can be chosen."""

import math
from typing import Annotated, Literal

from pydantic import Field

from spm_auto.units import Bias, Length, PiezoCoefficient, Stiffness, format

from ...checks import not_negative, positive, share, within
from ...randomness import RandomStreams
from ...tip import TipSettings
from ..protocol import PiezoSampleSettings
from .film import FerroelectricFilm, patch_reach
from .grains import GrainSettings
from .lamellae import LamellaSettings

Positive = Annotated[float, positive("1")]
Spread = Annotated[float, not_negative("1")]
PositiveLength = Annotated[Length, positive("m")]


class FilmSettings(PiezoSampleSettings):
    """A film with domains that stand up and down, some time after it has grown.

    Fields without a unit are in reduced units: polarisation 1 is the spontaneous one, field 1 is
    2.6 times the intrinsic coercive field. What is physics, what was fitted to a measured film of
    PbTiO3 and what is regularised is told in ``docs/simulator.md``.

    Attributes:
        size: Side of the square film, centred on (0, 0) [m].
        cells: Cells along each side.
        thickness: Of the film; sets the width of the domains together with the screening [m].
        depolarization: Share of the depolarising field that the electrodes leave.
        growth_field: Mean field at which the domains formed: which of both signs is more frequent.
        growth_disorder: Random field at which the domains formed, standard deviation.
        growth_disorder_length: Its correlation length [m].
        growth_unevenness: A second random field of long wavelength, standard deviation.
        growth_unevenness_length: Its correlation length [m].
        relaxation_steps: Steps of the relaxation to domains.
        barrier_spread: Spread of the barrier from place to place.
        wall_softening: How much lower the barrier is at a wall of the aged film.
        wall_softening_length: How far from the wall [m].
        built_in_field: Mean built-in field: the imprint.
        built_in_spread: Its spread, once over the aging length and once over the uneven length.
        aging_length: Correlation length of barrier, built-in field and pinning [m].
        uneven_length: Correlation length of the slow part of the built-in field [m].
        memory: Built-in field that follows the polarisation that the film aged with.
        memory_length: Over which it is smeared out [m].
        pinning: Field that is needed to move a wall at all.
        pinning_spread: Its spread, of the logarithm.
        site_spread: Spread of barrier and pinning from site to site, of the logarithm.
        site_length: Correlation length of what differs from site to site [m].
        defects: How many clusters of charged defects there are.
        defect_field: Built-in field in a cluster, up or down.
        defect_pinning: How much stronger walls are pinned in a cluster, as a share.
        defect_radius: Standard deviation of a cluster [m].
        response: Median piezoelectric response of a fully polarised site [m/V].
        response_spread: Its spread over ``response_length``, of the logarithm.
        response_length: Correlation length [m].
        response_unevenness: Its spread over ``response_uneven_length``, of the logarithm.
        response_uneven_length: Correlation length [m].
        lateral_response: Median sideways response of a fully lying site [m/V].
        stiffness: Stiffness of the polarisation against changes from cell to cell when switched.
        switching: How the tip switches the film: by the phase field of a patch, or by the closed
            form of a disc under the tip, which needs no compiled code.
        creep: Share of the pinning that is lost in each decade of time under bias: walls creep.
        grains: Texture of the film.
        lamellae: Domains that lie.
        roughness: Standard deviation of the height [m].
        roughness_length: Where the roughness levels off [m].
        contact_stiffness: Median stiffness of the contact of tip and film [N/m].
        contact_stiffness_spread: Its spread from place to place, of the logarithm.
        contact_stiffness_length: Correlation length [m].
        contact_transmission_length: Correlation length of how well contacts pass on a
            vibration, and of how they turn its phase [m].
        contact_share_spread: Spread of the share of bias that reaches the film, of the logarithm.
        contact_potential_spread: Spread of the contact potential, which adds to the bias [V].
        contact_length: Correlation length of share and potential: shorter than the tip sees [m].
    """

    size: Annotated[Length, within(1e-9, 100e-6, "m")] = 2e-6
    cells: int = Field(default=256, ge=32, le=2048)
    thickness: PositiveLength = 40e-9
    depolarization: Spread = 0.35
    growth_field: float = 0.014
    growth_disorder: Spread = 0.08
    growth_disorder_length: PositiveLength = 40e-9
    growth_unevenness: Spread = 0.04
    growth_unevenness_length: PositiveLength = 250e-9
    relaxation_steps: int = Field(default=150, ge=1, le=10_000)

    barrier_spread: Spread = 0.11
    wall_softening: Annotated[float, share()] = 0.35
    wall_softening_length: PositiveLength = 35e-9
    built_in_field: float = -0.023
    built_in_spread: Spread = 0.012
    aging_length: PositiveLength = 60e-9
    uneven_length: PositiveLength = 250e-9
    memory: float = 0.01
    memory_length: PositiveLength = 30e-9
    pinning: Positive = 0.14
    pinning_spread: Spread = 0.3
    site_spread: Spread = 0.08
    site_length: PositiveLength = 20e-9
    defects: int = Field(default=40, ge=0, le=100_000)
    defect_field: float = 0.06
    defect_pinning: Spread = 0.6
    defect_radius: PositiveLength = 25e-9

    response: Annotated[PiezoCoefficient, positive("m/V")] = 60e-12
    response_spread: Spread = 0.45
    response_length: PositiveLength = 35e-9
    response_unevenness: Spread = 0.35
    response_uneven_length: PositiveLength = 300e-9
    lateral_response: Annotated[PiezoCoefficient, positive("m/V")] = 40e-12
    stiffness: Annotated[float, positive("1")] = 0.8
    switching: Literal["phase_field", "disc"] = "phase_field"
    creep: Annotated[float, within(0.0, 0.5, "1")] = 0.08

    grains: GrainSettings = Field(default_factory=GrainSettings)
    lamellae: LamellaSettings = Field(default_factory=LamellaSettings)

    roughness: Annotated[Length, not_negative("m")] = 2e-9
    roughness_length: PositiveLength = 60e-9
    contact_stiffness: Annotated[Stiffness, positive("N/m")] = 120.0
    contact_stiffness_spread: Spread = 0.4
    contact_stiffness_length: PositiveLength = 180e-9
    contact_transmission_length: PositiveLength = 45e-9
    contact_share_spread: Spread = 0.05
    contact_potential_spread: Annotated[Bias, not_negative("V")] = 0.4
    contact_length: PositiveLength = 15e-9

    @property
    def cell(self) -> float:
        """Side of one cell [m]."""
        return self.size / self.cells

    def build(self, streams: RandomStreams) -> FerroelectricFilm:
        """Grow the film, age it and let it come to rest."""
        return FerroelectricFilm(self, streams)

    def check(self, tip: TipSettings, bias: float) -> None:
        """Refuse a film smaller than what the tip can switch.

        Raises:
            ValueError: With the size that would do.
        """
        most = bias * math.exp(4 * self.contact_share_spread) + 4 * self.contact_potential_spread
        across = 2 * patch_reach(self, tip, most) + 1
        if across > self.cells:
            raise ValueError(
                f"the film is {format(self.size, 'm')} wide, but a tip of radius "
                f"{format(tip.radius, 'm')} reaches {format(across * self.cell, 'm', 3)} "
                f"at {format(bias, 'V')}"
            )


class FerroelectricFilmSettings(FilmSettings):
    """A uniaxial film: 180-degree domains in a labyrinth."""

    kind: Literal["ferroelectric_film"] = "ferroelectric_film"


class GranularFilmSettings(FilmSettings):
    """A polycrystalline film: grains with tilted axes and dark rims."""

    kind: Literal["granular_film"] = "granular_film"
    grains: GrainSettings = Field(default_factory=lambda: GrainSettings(amount=1.0))


class LamellarFilmSettings(FilmSettings):
    """An a/c film: lamellae that lie, in bundles, between domains that stand."""

    kind: Literal["lamellar_film"] = "lamellar_film"
    thickness: PositiveLength = 60e-9
    depolarization: Spread = 0.15
    growth_field: float = 0.03
    growth_disorder: Spread = 0.05
    response_spread: Spread = 0.15
    lamellae: LamellaSettings = Field(default_factory=lambda: LamellaSettings(amount=0.35))
