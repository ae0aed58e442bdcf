"""Probe: the cantilever of an AFM and its tip."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from spm_auto.units import Frequency, Length, Modulus, Stiffness

from ...checks import positive
from ...forces.contact import plane_strain_modulus

SILICON = plane_strain_modulus(160e9, 0.27)  # [Pa]; M. Hopcroft et al., J. MEMS 19, 229 (2010)

ProbeName = Literal["tapping", "contact_conducting", "soft_contact"]


class Probe(BaseModel):
    """A cantilever with a tip at its end.

    Attributes:
        stiffness: k [N/m].
        resonance: f0, away from the sample [Hz].
        quality: Q of it, in air.
        radius: Of the tip's apex when new [m].
        modulus: Plane-strain modulus of the tip [Pa].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    stiffness: Annotated[Stiffness, positive("N/m")]
    resonance: Annotated[Frequency, positive("Hz")]
    quality: Annotated[float, positive("1")]
    radius: Annotated[Length, positive("m")]
    modulus: Annotated[Modulus, positive("Pa")] = SILICON


_PRESETS = {
    "tapping": {"stiffness": "40 N/m", "resonance": "300 kHz", "quality": 400.0, "radius": "8 nm"},
    "contact_conducting": {
        "stiffness": "2.8 N/m",
        "resonance": "75 kHz",
        "quality": 150.0,
        "radius": "25 nm",
    },
    "soft_contact": {
        "stiffness": "0.2 N/m",
        "resonance": "15 kHz",
        "quality": 40.0,
        "radius": "20 nm",
    },
}


def usual_probe(name: ProbeName) -> Probe:
    """Return one of the probes that most laboratories have."""
    return Probe.model_validate(_PRESETS[name])
