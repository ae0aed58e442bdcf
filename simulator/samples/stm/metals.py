"""Noble metals: Au(111) with its herringbone and Cu(111), both with a surface band that waves."""

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from spm_auto.instrument import FloatArray
from spm_auto.units import Length, Temperature

from ...checks import not_negative, positive
from ...randomness import RandomStreams
from ..protocol import Sample
from .densities import band_onset, point_scattering, step_scattering
from .growth import scatter, wandering_steps
from .kernels import Spots
from .landscape import Density, Kind, Lattice, Stripes
from .protocol import SampleSize, StmSampleSettings
from .surface import Material, StmSurface
from .tunnelling import wave_number

PositiveLength = Annotated[Length, positive("m")]
Kelvin = Annotated[Temperature, positive("K")]
Count = Annotated[int, Field(ge=0, le=2000)]

ENERGIES = np.linspace(-2.8, 2.8, 1401)  # [eV]: finer than the narrowest onset is wide
WAVE_ROWS = 768
WAVE_REACH = 3.0  # lengths over which the waves die away that are counted
ADATOM_HEIGHT, ADATOM_WIDTH = 0.11e-9, 0.28e-9  # [m]
VACANCY_DEPTH, VACANCY_WIDTH = 0.05e-9, 0.16e-9  # [m]
CLOSEST = 1.5e-9  # [m] between two features


class MetalSettings(StmSampleSettings):
    """A (111) surface of a noble metal with terraces, adatoms and vacancies.

    Attributes:
        size: Side of the square sample, centred on (0, 0) [m].
        temperature: That it is measured at when nothing else is said [K].
        steps: Steps of one atom's height that cross it.
        adatoms: Single atoms on the terraces.
        vacancies: Missing atoms.
        corrugation: Height of the atoms for a perfect tip at 0.1 V and 100 pA [m]; the lattice of
            these metals is seen with sharp tips only.
        surface_share: Share of the tunnelling at the Fermi level that goes into the surface band.
        scattering: How strongly adatoms and vacancies scatter it.
        scattering_phase: Phase of the wave scattered at a point [rad].
        coherence: Over which the waves die away [m].
    """

    label: ClassVar[str]
    constant: ClassVar[float]
    step_height: ClassVar[float]
    work_function: ClassVar[float]
    bottom: ClassVar[float]
    mass: ClassVar[float]
    lifetime: ClassVar[float]

    size: SampleSize = 60e-9
    temperature: Kelvin = 4.2
    steps: Count = 1
    adatoms: Count = 12
    vacancies: Count = 8
    corrugation: Annotated[Length, not_negative("m")] = 25e-12
    surface_share: float = Field(default=0.5, ge=0, le=0.8)
    scattering: float = Field(default=0.7, ge=0, le=1)
    scattering_phase: float = -math.pi / 2
    coherence: PositiveLength = 6e-9

    def build(self, streams: RandomStreams) -> Sample:
        """Lay the steps and scatter the features."""
        rng = streams.stream("lattice")
        angle = float(rng.uniform(0, 2 * math.pi))
        steps = wandering_steps(
            self.steps, self.step_height, self.size, 0.4e-9, streams.stream("steps")
        )
        x, y = scatter(
            self.adatoms + self.vacancies, self.size, CLOSEST, streams.stream("features")
        )
        kind = np.repeat([0, 1], [self.adatoms, self.vacancies]).astype(np.int64)
        return StmSurface(
            Material(
                name=self.label,
                size=self.size,
                temperature=self.temperature,
                bias=0.1,
                work_function=self.work_function,
                lattice=Lattice(self.constant, self.corrugation, angle),
                spots=Spots(x, y, kind),
                density=self.density,
                steps=steps,
                stripes=self._stripes(angle, streams),
            )
        )

    def density(self, temperature: float, blur: float) -> Density:  # noqa: ARG002
        """Return the bulk's density and that of the surface band, which waves around obstacles."""
        band = self.surface_share * band_onset(ENERGIES, self.bottom, self.lifetime)
        k = wave_number(ENERGIES - self.bottom, self.mass)
        seen = band * np.exp(-((2 * k * blur) ** 2) / 2)
        reach = WAVE_REACH * self.coherence
        distance = np.linspace(0, reach, WAVE_ROWS)
        end = _fading(distance)
        rings = end * point_scattering(
            distance, ENERGIES, self.bottom, self.mass,
            self.scattering, self.scattering_phase, self.coherence,
        )  # fmt: skip
        fringes = end * step_scattering(distance, ENERGIES, self.bottom, self.mass, self.coherence)
        base = (1 - self.surface_share + band)[np.newaxis]
        waves = (rings * seen, None)
        return Density(
            energy=ENERGIES,
            base=np.repeat(base, 2, axis=0),
            gap_pitch=1.0,
            kinds=(
                Kind(ADATOM_HEIGHT, ADATOM_WIDTH, reach, added=waves),
                Kind(-VACANCY_DEPTH, VACANCY_WIDTH, reach, added=waves),
            ),
            step=fringes * seen,
            step_reach=reach,
        )

    def _stripes(self, angle: float, streams: RandomStreams) -> Stripes:  # noqa: ARG002
        return Stripes()


class Cu111Settings(MetalSettings):
    """Cu(111): electrons of its surface band stand in waves of 1.5 nm at steps and adatoms."""

    label: ClassVar[str] = "Cu(111)"
    constant: ClassVar[float] = 0.2556e-9
    step_height: ClassVar[float] = 0.208e-9
    work_function: ClassVar[float] = 4.9
    bottom: ClassVar[float] = -0.44
    mass: ClassVar[float] = 0.38
    lifetime: ClassVar[float] = 0.012

    kind: Literal["cu111"] = "cu111"


class Au111Settings(MetalSettings):
    """Au(111): pairs of ridges between fcc and hcp stacking, in zigzags, and a surface band.

    Attributes:
        herringbone: Height of the ridges [m].
        elbow: From one elbow of the zigzag to the next [m].
    """

    label: ClassVar[str] = "Au(111)"
    constant: ClassVar[float] = 0.2884e-9
    step_height: ClassVar[float] = 0.2355e-9
    work_function: ClassVar[float] = 5.3
    bottom: ClassVar[float] = -0.49
    mass: ClassVar[float] = 0.26
    lifetime: ClassVar[float] = 0.012
    ridge_period: ClassVar[float] = 6.3e-9
    hcp_width: ClassVar[float] = 2.5e-9
    ridge_width: ClassVar[float] = 0.55e-9

    kind: Literal["au111"] = "au111"
    herringbone: Annotated[Length, not_negative("m")] = 18e-12
    elbow: PositiveLength = 14e-9

    def _stripes(self, angle: float, streams: RandomStreams) -> Stripes:
        rng = streams.stream("herringbone")
        turned = math.cos(math.pi / 6)  # each arm of the zigzag is turned by 30 degrees
        period = self.ridge_period / turned
        across = (np.arange(512) / 512 - rng.uniform()) * self.ridge_period
        profile = np.zeros(512)
        for ridge in (-self.hcp_width / 2, self.hcp_width / 2):
            off = (across - ridge + self.ridge_period / 2) % self.ridge_period
            off -= self.ridge_period / 2
            profile += np.exp(-(off**2) / (2 * self.ridge_width**2))
        along = (np.arange(512) / 512 + rng.uniform()) % 1
        triangle = np.abs(along - 0.5) * 2  # from 0 to 1 over one arm
        rounding = np.exp(-((np.fft.rfftfreq(512) * 512 * 2 * math.pi * 0.02) ** 2) / 2)
        zigzag = np.fft.irfft(np.fft.rfft(triangle) * rounding, 512)
        return Stripes(
            angle=angle,
            profile=self.herringbone * profile,
            period=period,
            zigzag=zigzag * self.elbow * math.tan(math.pi / 6),
            zigzag_period=2 * self.elbow,
        )


def _fading(distance: FloatArray) -> FloatArray:
    """Return a factor that brings a table to 0 over its last fifth, shape (n, 1)."""
    left = (1 - distance / distance[-1]) / 0.2
    smooth = np.where(left < 1, left**2 * (3 - 2 * left), 1.0)
    return np.asarray(smooth[:, np.newaxis])
