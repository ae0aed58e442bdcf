"""Knowledge: what a run has seen and learned so far, handed on from step to step."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..agents import Explorer, Fit, Scalar, Scored
from ..instrument import FloatArray, ForceCurve, Measured, ScanImage, Spectrum
from .decisions import fit_of, fitted_event


@dataclass(slots=True, eq=False)
class Learned:
    """What an agent has found out on one image.

    Attributes:
        explorer: The agent; it may be looked at between steps, when it does not think.
        image: The overview that it looked at.
        found: Spectra with what they are worth, as they were judged last, in order.
    """

    explorer: Explorer
    image: ScanImage
    found: list[Scored] = field(default_factory=list)

    def heard(self, scored: Sequence[Scored]) -> None:
        """Hear what spectra are worth; those judged anew take the place of what was said before."""
        for new in scored:
            times = [old.spectrum.start_time for old in self.found]
            if new.spectrum.start_time in times:
                self.found[times.index(new.spectrum.start_time)] = new
            else:
                self.found.append(new)

    @property
    def belief(self) -> Fit | None:
        """What the agent believes, in single precision as it is recorded; None without a model.

        A run that goes on has the recorded one only, and must decide the same.
        """
        fit = self.explorer.fit
        return None if fit is None else fit_of(fitted_event(fit))

    @property
    def good(self) -> tuple[FloatArray, FloatArray]:
        """Where good spectra were taken [m], shape (n, 2), and what they are worth, shape (n,)."""
        good = [s for s in self.found if s.scalar.is_good]
        places = np.array([(s.spectrum.x, s.spectrum.y) for s in good]).reshape(-1, 2)
        return places, np.array([s.scalar.value for s in good])


class Knowledge:
    """What a run knows, for its steps; changed in the instrument thread only.

    Everything in it comes from the record, so that a run that goes on knows the same.

    Attributes:
        images: Images that steps returned, in order: what later steps look at.
        learned: What each agent found out, in order.
        spectra: All spectra, as the steps see them, in order.
        curves: All force curves, in order.
        shared: What steps of one kind remember for later ones of their kind, by name.
    """

    def __init__(self) -> None:
        self.images: list[ScanImage] = []
        self.learned: list[Learned] = []
        self.spectra: list[Spectrum] = []
        self.curves: list[ForceCurve] = []
        self.shared: dict[str, Any] = {}
        self.shift = (0.0, 0.0)  # of the sample on the scanner, as far as it is corrected [m]

    def keep(self, image: ScanImage | None) -> None:
        """Keep the image that a step returned, unless it handed on the last one."""
        if image is not None and not (self.images and self.images[-1] is image):
            self.images.append(image)

    def saw(self, result: object) -> None:
        """Hear what an instruction gave, where the instrument says that it was."""
        dx, dy = self.shift
        match result:
            case Spectrum(x=x, y=y):
                self.spectra.append(replace(result, x=x - dx, y=y - dy))
            case ForceCurve(x=x, y=y):
                self.curves.append(replace(result, x=x - dx, y=y - dy))

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Let steps begin as if nothing had been seen before: at another part of the sample.

        What is seen and learned meanwhile is added to what was known, at the end.
        """
        lists: tuple[list[Any], ...] = (self.images, self.learned, self.spectra, self.curves)
        known = [list(each) for each in lists]
        for each in lists:
            each.clear()
        try:
            yield
        finally:
            for each, before in zip(lists, known, strict=True):
                each[:0] = before

    def worth(self, spectrum: Measured) -> Scalar | None:
        """Return what a spectrum is worth; None where nobody has judged it."""
        for learned in reversed(self.learned):
            for scored in learned.found:
                if scored.spectrum.start_time == spectrum.start_time:
                    return scored.scalar
        return None
