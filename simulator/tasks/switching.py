"""How a site of a film switches: read from its loop, and as it truly is."""

from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import AcquireSpectrum, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices

from ..settings import SimulatorSettings
from ..techniques.pfm import PfmNoise, PfmSettings
from ..truth import FilmTruth
from .loop_area import LOOP
from .stage import CALM, FILM_RATE, Stage, mount, site_labels, sites

SIDE = 1e-6  # of what is imaged and measured, in the middle of the film [m]
SITES = 28  # along each side of it
PIXELS = 96  # of the overview, along each side

SATURATED = 0.8  # share of the amplitude from which on a loop is taken for saturated
LEAST_HEIGHT = 6.0  # standard deviations of the saturations that they must differ by


@dataclass(frozen=True, slots=True)
class Switching:
    """At which biases a site switches.

    Attributes:
        up: On the rising branch [V].
        down: On the falling one [V].
    """

    up: float
    down: float

    @property
    def width(self) -> float:
        """Half the distance of the two [V]."""
        return (self.up - self.down) / 2

    @property
    def shift(self) -> float:
        """The middle of the two [V]."""
        return (self.up + self.down) / 2


def switching(bias: FloatArray, response: FloatArray) -> Switching | None:
    """Read the switching biases from a loop.

    A branch that goes from one saturation to the other at one bias, or around it, has the area of
    a step there; so the area says where it is, and noise averages away.

    Args:
        bias: Of a cycle that begins at its lowest bias [V], shape (n,).
        response: At each of them, shape (n,).

    Returns:
        The biases; None where the two saturations are not two.
    """
    most = float(bias.max())
    low, high = (response[sign * bias > SATURATED * most] for sign in (-1.0, 1.0))
    height = float(np.median(high) - np.median(low))
    if not abs(height) > LEAST_HEIGHT * float(np.hypot(np.std(low), np.std(high))):
        return None
    share = (response - float(np.median(low))) / height
    top = int(np.argmax(bias)) + 1
    branches = (share[:top], bias[:top]), (share[top - 1 :][::-1], bias[top - 1 :][::-1])
    up, down = (most - float(np.trapezoid(y, x)) for y, x in branches)
    return Switching(up, down)


def taken(stage: Stage, x: float, y: float) -> tuple[FloatArray, Switching | None]:
    """Take a loop at a place [m]; return its response, and how the site switches if it does."""
    response = stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, LOOP)).channel()
    return response, switching(LOOP.bias, response)


def film_choices(seed: int, level: int, along: int = SITES) -> tuple[Stage, Choices]:
    """Mount a film, image the middle of it, and offer a square grid of places there.

    Args:
        seed: Of film, instrument and noise.
        level: How hard.
        along: Places along each side.
    """
    technique = PfmSettings(noise=PfmNoise.model_validate(CALM))
    stage = mount(SimulatorSettings(technique=technique, level=level), seed)
    points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (along, along)))
    whole = ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS, PIXELS))
    return stage, Choices.of(
        points,
        labels=site_labels(points),
        seconds=LOOP.duration + stage.microscope.timing.spectrum_overhead,
        overview=stage.image(Scan(whole, ("amplitude", "phase"), FILM_RATE)),
    )


def true_switching(film: FilmTruth, points: FloatArray) -> FloatArray:
    """Return half the width and the shift of each site's loop on the untouched film [V].

    Args:
        film: As it is at first.
        points: Sites [m], shape (n, 2).

    Returns:
        Shape (n, 2); NaN where a site does not switch.
    """
    found = []
    for x, y in points.tolist():
        loop = switching(LOOP.bias, film.loop(x, y, LOOP)[-1])
        found.append((np.nan, np.nan) if loop is None else (loop.width, loop.shift))
    return np.array(found)
