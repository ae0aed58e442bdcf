"""What an AFM finds at points of a sample, before the z loop and noise: tapping and contact."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from spm_auto.instrument import FloatArray

from ...forces import ContactLaw, contact_law, kelvin_width, reduced_modulus
from ...samples.afm import AfmSample, Surface
from ...tips import TipState, Twin, dilated_by_paraboloid, doubled
from .probe import Probe

if TYPE_CHECKING:
    from .settings import AfmSettings

FULL_WIDTH = 2.3548200450309493  # of a Gaussian at half maximum, in standard deviations


@dataclass(frozen=True, slots=True)
class Held:
    """What the instrument is told to hold; changed by `SetFeedback`.

    Attributes:
        amplitude: Tapping [m].
        load: In contact [N].
        bias: In contact [V].
        gain: Of the z loop [1/s].
    """

    amplitude: float
    load: float
    bias: float
    gain: float


class Contrast(Protocol):
    """What is found with one tip and one set-point."""

    def at(self, x: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
        """Return the channels at points [m], of their shape; height is what the loop holds."""


class Touch:
    """A tip of some shape over a sample: what all modes have in common.

    Args:
        settings: Of the instrument.
        probe: Cantilever and tip.
        sample: Under the tip.
        tip: As it is now.
    """

    def __init__(
        self, settings: "AfmSettings", probe: Probe, sample: AfmSample, tip: TipState
    ) -> None:
        self.settings = settings
        self.probe = probe
        self.sample = sample
        self.tip = tip

    @cached_property
    def topography(self) -> Surface:
        """Height of the apex where it touches, dilated by the tip's shape."""
        if self.settings.is_sharp:
            return self.sample.surface("height")
        field = self.sample.fields.height
        dilated = dilated_periodically(field, self.sample.cell, self.tip.radius, self.tip.twin)
        return Surface.of(dilated, self.sample.size)

    @cached_property
    def potential(self) -> Surface:
        """Contact potential as a Kelvin probe finds it."""
        kelvin = self.settings.kelvin
        if kelvin is None or self.settings.is_sharp:
            blurred = self.sample.surface("potential")
            if kelvin is None or kelvin.contrast == 1:
                return blurred
            field = self.sample.fields.potential
        else:
            from scipy.ndimage import gaussian_filter

            width = kelvin_width(self.tip.radius, kelvin.lift) / FULL_WIDTH
            field = gaussian_filter(
                self.sample.fields.potential, width / self.sample.cell, mode="wrap"
            )
        mean = float(np.mean(field))
        return Surface.of(mean + kelvin.contrast * (field - mean), self.sample.size)

    def law(self, x: FloatArray, y: FloatArray) -> ContactLaw:
        """Return the law of the contact at points [m]."""
        modulus = self.sample.surface("modulus").at(x, y)
        return contact_law(
            self.tip.radius,
            reduced_modulus(modulus, self.probe.modulus),
            self.sample.surface("adhesion").at(x, y),
            self.settings.contact,
        )


class ContactContrast:
    """In contact: the height at which the load is the one held, and the current through it.

    Args:
        touch: Tip and sample.
        held: Load and bias.
    """

    def __init__(self, touch: Touch, held: Held) -> None:
        self._touch = touch
        self._held = held

    def at(self, x: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
        """Return height [m] and current [A]."""
        law = self._touch.law(x, y)
        height = self._touch.topography.at(x, y)
        if self._touch.settings.indents:
            height = height - law.indentation_at(self._held.load)
        return {"height": height, "current": self.current(law, x, y, np.array(self._held.bias))}

    def current(
        self, law: ContactLaw, x: FloatArray, y: FloatArray, bias: FloatArray
    ) -> FloatArray:
        """Return the current at points [m] and biases [V], of their common shape [A]."""
        conductivity = self._touch.sample.surface("conductivity").at(x, y)
        density = self._touch.sample.conduction.current_density(conductivity, bias)
        return np.asarray(law.area_at(self._held.load) * density)


class TappingContrast:
    """Tapping: the height at which the amplitude is the one held, the phase and the potential.

    Args:
        touch: Tip and sample.
        gap: Lowest point of the oscillation over the surface.
        phase: Of the oscillation.
    """

    def __init__(self, touch: Touch, gap: Surface, phase: Surface) -> None:
        self._touch = touch
        self._gap = gap
        self._phase = phase

    def at(self, x: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
        """Return height [m], phase [rad] and potential [V]."""
        touch = self._touch
        height, phase = touch.topography.at(x, y), self._phase.at(x, y)
        if touch.settings.indents:
            height = height + self._gap.at(x, y)
        if touch.tip.phase:
            phase = phase + touch.tip.phase
        found = {"height": height, "phase": phase}
        if touch.settings.kelvin is not None:
            found["potential"] = touch.potential.at(x, y)
        return found


def dilated_periodically(
    height: FloatArray, cell: float, radius: float, twin: Twin | None
) -> FloatArray:
    """Return the image of a periodic surface by a paraboloid, perhaps with a second one beside it.

    Args:
        height: Of the surface [m], shape (cells, cells).
        cell: Side of a cell [m].
        radius: Of the paraboloid [m].
        twin: The second apex.
    """
    reach = np.sqrt(2 * radius * np.ptp(height))
    if twin is not None:
        reach += max(abs(twin.dx), abs(twin.dy))
    margin = min(int(reach / cell) + 2, len(height))
    wide = np.pad(height, margin, mode="wrap")
    image = doubled(dilated_by_paraboloid(wide, (cell, cell), radius), (cell, cell), twin)
    return np.ascontiguousarray(image[margin:-margin, margin:-margin])
