"""Forces between a tip and a sample: contact, attraction, tapping, electrostatics, conduction."""

from .conduction import Conduction
from .contact import (
    CUT_OFF,
    ContactLaw,
    ContactModel,
    contact_law,
    plane_strain_modulus,
    reduced_modulus,
    tabor_parameter,
)
from .curve import Meniscus, base_at, force_curve
from .electrostatics import (
    capacitance_curvature,
    capacitance_gradient,
    electrostatic_force,
    frequency_shift,
    kelvin_width,
)
from .fit import ForceFit, fit_force_curve
from .tapping import Balance, Oscillation, Regime, Rest, balance, regime_on_approach, rest

__all__ = [
    "CUT_OFF",
    "Balance",
    "Conduction",
    "ContactLaw",
    "ContactModel",
    "ForceFit",
    "Meniscus",
    "Oscillation",
    "Regime",
    "Rest",
    "balance",
    "base_at",
    "capacitance_curvature",
    "capacitance_gradient",
    "contact_law",
    "electrostatic_force",
    "fit_force_curve",
    "force_curve",
    "frequency_shift",
    "kelvin_width",
    "plane_strain_modulus",
    "reduced_modulus",
    "regime_on_approach",
    "rest",
    "tabor_parameter",
]
