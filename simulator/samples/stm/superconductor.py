"""A superconductor: a gap that varies, vortices, and adatoms of which some are magnetic."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from spm_auto.instrument import FloatArray
from spm_auto.units import Length, MagneticField, Temperature, format

from ...checks import not_negative, positive
from ...randomness import RandomStreams
from ..fields import gaussian_field
from .densities import FLUX_QUANTUM, dynes, gap_at, lorentzian, vortex_spacing
from .growth import scatter, wandering_steps
from .kernels import Spots
from .landscape import Density, Kind, Lattice
from .protocol import SampleSize, StmSampleSettings
from .surface import Material, StmSurface

ADATOM_HEIGHT, ADATOM_WIDTH = 0.11e-9, 0.28e-9  # [m]
CLOSEST = 4e-9  # [m] between two adatoms
FIELD_CELLS = 256
GAP_ROWS = 64
ENERGY_POINTS = 2401
HIGHEST_ENERGY = 1.0  # [eV]
CORE_REACH = 5.0  # coherence lengths
ROWS = 256
IN_GAP_BROADENING = 0.03  # half-width of an in-gap state, in gaps
BACKGROUND_BROADENING = 0.15  # of what a magnetic adatom leaves of the gap, in gaps


@dataclass(frozen=True, slots=True)
class Substance:
    """A superconductor as a material.

    Attributes:
        constant: Distance of neighbouring atoms [m].
        step_height: [m].
        work_function: [eV].
        gap: At 0 K [eV].
        critical_temperature: [K].
        coherence: Radius of a vortex core [m].
        superlattice: Cells of its charge-density wave; 0 for none.
    """

    constant: float
    step_height: float
    work_function: float
    gap: float
    critical_temperature: float
    coherence: float
    superlattice: float = 0.0


SUBSTANCES = {
    "Pb": Substance(0.350e-9, 0.286e-9, 4.0, 1.35e-3, 7.2, 25e-9),
    "Nb": Substance(0.330e-9, 0.233e-9, 4.3, 1.55e-3, 9.25, 12e-9),
    "NbSe2": Substance(0.344e-9, 0.63e-9, 4.5, 1.1e-3, 7.2, 7.7e-9, 3.0),
}


class SuperconductorSettings(StmSampleSettings):
    """A superconducting surface; magnetic and other adatoms look the same in a topograph.

    Attributes:
        substance: What it is.
        size: Side of the square sample, centred on (0, 0) [m].
        temperature: That it is measured at when nothing else is said [K].
        steps: Steps that cross it.
        corrugation: Of the lattice for a perfect tip at 10 mV and 100 pA [m].
        broadening: Inverse lifetime of the quasiparticles, in gaps.
        gap_spread: Spread of the gap from place to place, of its logarithm.
        gap_length: Correlation length of the gap [m].
        adatoms: How many.
        magnetic: Share of them that are magnetic and bind states in the gap.
        screening: Over which these states die away from their adatom [m].
        fermi_wave_number: Of the rings in these states [rad/m].
        field: Magnetic field [T]; 0 for no vortices.
        vortex_disorder: Random displacement of the vortices, in spacings.
        core_peak: Density of the bound states at the middle of a vortex; 0 for a dirty core.
    """

    kind: Literal["superconductor"] = "superconductor"
    substance: Literal["Pb", "Nb", "NbSe2"] = "NbSe2"
    size: SampleSize = 128e-9
    temperature: Annotated[Temperature, positive("K")] = 1.2
    steps: int = Field(default=0, ge=0, le=3)
    corrugation: Annotated[Length, not_negative("m")] = 40e-12
    broadening: float = Field(default=0.03, gt=0, le=0.5)
    gap_spread: float = Field(default=0.06, ge=0, le=0.5)
    gap_length: Annotated[Length, positive("m")] = 12e-9
    adatoms: int = Field(default=32, ge=0, le=500)
    magnetic: float = Field(default=0.25, ge=0, le=1)
    screening: Annotated[Length, positive("m")] = 4e-9
    fermi_wave_number: Annotated[float, positive("rad/m")] = 2.2e9
    field: Annotated[MagneticField, not_negative("T")] = 0.5
    vortex_disorder: float = Field(default=0.05, ge=0, le=0.3)
    core_peak: float = Field(default=0.8, ge=0, le=3)

    @model_validator(mode="after")
    def _cores_have_room(self) -> Self:
        highest = FLUX_QUANTUM / (2 * math.pi * self.material.coherence**2)
        if self.field > highest:
            raise ValueError(
                f"field must not exceed the upper critical field of {self.substance}, "
                f"{format(highest, 'T', 3)}, got {format(self.field, 'T')}"
            )
        return self

    @property
    def material(self) -> Substance:
        """What it is made of."""
        return SUBSTANCES[self.substance]

    def build(self, streams: RandomStreams) -> "Superconductor":
        """Scatter the adatoms, let the gap vary and let the field in."""
        return Superconductor(self, streams)


class Superconductor(StmSurface):
    """A superconducting surface together with what is hidden in it.

    Args:
        settings: What it is made of.
        streams: Where everything accidental about it comes from.
    """

    def __init__(self, settings: SuperconductorSettings, streams: RandomStreams) -> None:
        self.settings = settings
        substance = settings.material
        rng = streams.stream("magnetic adatoms")
        self.adatom_x, self.adatom_y = scatter(
            settings.adatoms, settings.size, CLOSEST, streams.stream("features")
        )
        chance, coupling, imbalance = rng.random((3, settings.adatoms))
        magnetic = np.argsort(chance)[: round(settings.magnetic * settings.adatoms)]
        self.is_magnetic = np.zeros(settings.adatoms, dtype=bool)
        self.is_magnetic[magnetic] = True
        squared = (0.25 + 0.6 * coupling) ** 2
        self.state_energy = np.where(self.is_magnetic, (1 - squared) / (1 + squared), np.nan)
        self.state_imbalance = np.where(self.is_magnetic, 0.8 * imbalance - 0.4, np.nan)
        self.vortex_x, self.vortex_y = _vortices(settings, streams.stream("vortices"))
        field = gaussian_field(
            FIELD_CELLS, settings.size / FIELD_CELLS, settings.gap_length, streams.stream("gap")
        )
        self._gap_field = np.exp(settings.gap_spread * field)
        kind = np.zeros(settings.adatoms, dtype=np.int64)
        kind[magnetic] = 2 + np.arange(len(magnetic))
        self._magnetic = magnetic
        angle = float(streams.stream("lattice").uniform(0, 2 * math.pi))
        super().__init__(
            Material(
                name=f"superconducting {settings.substance}",
                size=settings.size,
                temperature=settings.temperature,
                bias=10e-3,
                work_function=substance.work_function,
                lattice=Lattice(
                    constant=substance.constant,
                    corrugation=settings.corrugation,
                    angle=angle,
                    superlattice=substance.superlattice,
                    superlattice_share=0.35,
                ),
                spots=Spots(
                    np.concatenate([self.adatom_x, self.vortex_x]),
                    np.concatenate([self.adatom_y, self.vortex_y]),
                    np.concatenate([kind, np.ones(len(self.vortex_x), dtype=np.int64)]),
                ),
                density=self._density_at,
                steps=wandering_steps(
                    settings.steps, substance.step_height, settings.size, 0.4e-9,
                    streams.stream("steps"),
                ),
                gap_field=self._gap_field,
            )
        )  # fmt: skip

    def gap_at(self, x: FloatArray, y: FloatArray, temperature: float) -> FloatArray:
        """Return the gap at points [m], that the vortices leave [eV]."""
        from scipy.ndimage import map_coordinates

        cell = self.settings.size / FIELD_CELLS
        corner = self.settings.size / 2
        at = [(np.asarray(y) + corner) / cell, (np.asarray(x) + corner) / cell]
        relative = map_coordinates(self._gap_field, at, order=1, mode="grid-wrap")
        for vortex_x, vortex_y in zip(self.vortex_x, self.vortex_y, strict=True):
            r = np.hypot(x - vortex_x, y - vortex_y)
            relative = relative * np.tanh(r / self.settings.material.coherence)
        substance = self.settings.material
        return np.asarray(
            relative * gap_at(substance.gap, substance.critical_temperature, temperature)
        )

    def _density_at(self, temperature: float, blur: float) -> Density:
        substance, settings = self.settings.material, self.settings
        gap = gap_at(substance.gap, substance.critical_temperature, temperature)
        broadening = settings.broadening * substance.gap
        energy = _energies(substance.gap)
        most = 1.001 * float(self._gap_field.max())
        relative = np.linspace(0, most, GAP_ROWS)
        base = np.stack([dynes(energy, gap * row, broadening) for row in relative])
        adatom = Kind(ADATOM_HEIGHT, ADATOM_WIDTH)
        kinds = [adatom, Kind()]
        if gap:
            kinds[1] = self._vortex(energy, gap)
        for index in self._magnetic:
            kinds.append(self._magnetic_adatom(int(index), energy, gap, blur) if gap else adatom)
        return Density(energy, base, float(relative[1]), tuple(kinds))

    def _vortex(self, energy: FloatArray, gap: float) -> Kind:
        """Return a core: the gap closes as tanh(r / xi), and states are bound in the middle."""
        coherence = self.settings.material.coherence
        distance = np.linspace(0, CORE_REACH * coherence, ROWS)
        bound = self.settings.core_peak * lorentzian(energy, 0.0, 0.25 * gap)
        # what the tail would leave of the gap at the reach must not end in a jump
        closing = np.tanh(distance / coherence) / math.tanh(CORE_REACH)
        core = np.exp(-2 * distance / coherence) - math.exp(-2 * CORE_REACH)
        return Kind(
            reach=CORE_REACH * coherence,
            gap=np.minimum(closing, 1.0),
            added=(core[:, np.newaxis], bound[np.newaxis]),
        )

    def _magnetic_adatom(self, index: int, energy: FloatArray, gap: float, blur: float) -> Kind:
        """Return an adatom with a pair of Yu-Shiba-Rusinov states at +-E_s.

        Source:
            A. Yazdani et al., Science 275, 1767 (1997).
        """
        settings = self.settings
        state, imbalance = gap * self.state_energy[index], self.state_imbalance[index]
        reach = 4 * settings.screening
        distance = np.linspace(0, reach, ROWS)
        rings = math.exp(-((2 * settings.fermi_wave_number * blur) ** 2) / 2)
        rings_at = rings * np.cos(2 * settings.fermi_wave_number * distance)
        fades = np.exp(-2 * distance / settings.screening) - math.exp(-8.0)
        share = 0.7 * fades * (0.55 + 0.45 * rings_at)
        peaks = 4 * (1 + imbalance) * lorentzian(energy, state, IN_GAP_BROADENING * gap)
        peaks = peaks + 4 * (1 - imbalance) * lorentzian(energy, -state, IN_GAP_BROADENING * gap)
        spectrum = dynes(energy, gap, BACKGROUND_BROADENING * gap) + peaks
        return Kind(
            height=ADATOM_HEIGHT,
            width=ADATOM_WIDTH,
            reach=reach,
            share=share,
            added=(share[:, np.newaxis], spectrum[np.newaxis]),
        )


def _energies(gap: float) -> FloatArray:
    """Return energies that lie close where the gap is and far apart elsewhere [eV]."""
    most = math.asinh(HIGHEST_ENERGY / (2 * gap))
    return 2 * gap * np.sinh(np.linspace(-most, most, ENERGY_POINTS))


def _vortices(
    settings: SuperconductorSettings, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return where the flux quanta stand, also a little around the sample [m]."""
    angle, origin = rng.uniform(0, math.pi / 3), rng.uniform(-0.5, 0.5, 2)
    if not settings.field:
        return np.empty(0), np.empty(0)
    spacing = vortex_spacing(settings.field)
    margin = settings.size / 2 + CORE_REACH * settings.material.coherence
    far = math.ceil(2.5 * margin / spacing) + 1
    i, j = (n.ravel() for n in np.meshgrid(np.arange(-far, far + 1), np.arange(-far, far + 1)))
    u, v = i + j / 2 + origin[0], math.sqrt(3) / 2 * j + origin[1]
    x = spacing * (math.cos(angle) * u - math.sin(angle) * v)
    y = spacing * (math.sin(angle) * u + math.cos(angle) * v)
    moved = settings.vortex_disorder * spacing * rng.standard_normal((2, len(x)))
    x, y = x + moved[0], y + moved[1]
    near = np.maximum(np.abs(x), np.abs(y)) < margin
    return x[near], y[near]
