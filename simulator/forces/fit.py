"""Evaluating force curves: pull-off, work of adhesion and reduced modulus."""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from .contact import ContactLaw, ContactModel, contact_law

BASELINE = 0.3  # share of the way in that counts as undisturbed
SMALLEST = 0.1  # share of the largest load below which nothing is fitted
FEWEST = 5  # points that a fit needs
MODULI = (1e5, 1e13)  # [Pa] between which the modulus is sought
PRECISION = 1e-6  # of the modulus, relative
ROUNDS = 4  # until the work of adhesion that belongs to a pull-off is known to 1e-4


@dataclass(frozen=True, slots=True)
class ForceFit:
    """What a force curve says of the contact.

    Attributes:
        modulus: Reduced modulus [Pa].
        pull_off: Largest attraction on the way out [N], positive.
        adhesion: Work of adhesion [J/m^2].
        contact: Extension at which the surface lies [m].
        residual: Root mean square of what the fit leaves of the indentation [m].
    """

    modulus: float
    pull_off: float
    adhesion: float
    contact: float
    residual: float


def fit_force_curve(
    extension: FloatArray,
    approach: FloatArray,
    retract: FloatArray,
    stiffness: float,
    radius: float,
    model: ContactModel = "automatic",
) -> ForceFit:
    """Fit a contact model to the way out of a force curve.

    The pull-off is the lowest force. With it each modulus says how the indentation goes with the
    load; the one sought leaves the least spread of what was measured around that.

    Args:
        extension: Of the z piezo towards the sample [m], shape (n,), rising.
        approach: Force on the way in [N], shape (n,).
        retract: Force on the way out [N], shape (n,), by extension too.
        stiffness: Of the cantilever [N/m].
        radius: Of the apex [m].
        model: Which contact model.

    Raises:
        ValueError: The curve does not press on the sample far enough to be fitted.
    """
    from scipy.optimize import minimize_scalar

    undisturbed = max(int(BASELINE * len(approach)), 1)
    force = retract - float(np.median(approach[:undisturbed]))
    largest = float(force[-1])
    is_fitted = force > SMALLEST * largest
    is_fitted[: int(np.argmin(force)) + 1] = False
    if largest <= 0 or np.count_nonzero(is_fitted) < FEWEST:
        raise ValueError(
            f"the curve ends at {largest:.3g} N after {np.count_nonzero(is_fitted)} points in "
            f"contact; a fit needs {FEWEST} and a repulsive end"
        )
    pull_off = 0.0 if model == "hertz" else max(-float(force.min()), 0.0)
    load, moved = force[is_fitted], extension[is_fitted] - force[is_fitted] / stiffness

    def offset(exponent: float) -> FloatArray:
        law = _law_of_pull_off(radius, math.exp(exponent), pull_off, model)
        return np.asarray(moved - law.indentation_at(load))

    low, high = (math.log(bound) for bound in MODULI)
    found = minimize_scalar(
        lambda exponent: float(np.var(offset(exponent))),
        bounds=(low, high),
        method="bounded",
        options={"xatol": PRECISION},
    )
    left = offset(float(found.x))
    modulus = math.exp(float(found.x))
    return ForceFit(
        modulus=modulus,
        pull_off=pull_off,
        adhesion=float(_law_of_pull_off(radius, modulus, pull_off, model).adhesion),
        contact=float(np.mean(left)),
        residual=float(np.std(left)),
    )


def _law_of_pull_off(
    radius: float, modulus: float, pull_off: float, model: ContactModel
) -> ContactLaw:
    """Return the law with a known pull-off, whose share of 2 pi R w depends on the law itself."""
    law = contact_law(radius, modulus, pull_off / (2 * math.pi * radius), model)
    for _ in range(ROUNDS if pull_off else 0):
        adhesion = float(law.adhesion) * pull_off / float(law.pull_off)
        law = contact_law(radius, modulus, adhesion, model)
    return law
