"""Agents that believe what a test wants, and flat images."""

from typing import Any

import numpy as np

from spm_auto.agents import Candidates, Explorer, Fit
from spm_auto.instrument import Channel, ScanFrame, ScanImage
from spm_auto.workflow import Learned


def image(frame: ScanFrame, values: Any = None, start: float = 0.0) -> ScanImage:
    shown = np.zeros((1, *frame.shape)) if values is None else np.asarray(values)[None]
    return ScanImage(frame, (Channel("height", "m"),), shown, shown, start, start + 10.0)


class Model:
    """An agent that believes what a test wants."""

    def __init__(self, candidates: Candidates, fit: Fit) -> None:
        self.candidates, self.fit = candidates, fit

    def refit(self) -> None:
        """Do nothing."""

    def predict(self, noise: bool = False) -> Any:
        """Say what is believed."""
        return self.fit.mean, self.fit.deviation

    def tell(self, observations: Any) -> None:
        """Hear nothing."""

    def ask(self, n: int = 1, pending: Any = ()) -> Any:
        """Choose nothing."""
        return []


def learned(seen: ScanImage, mean: Any, deviation: float = 0.1) -> Learned:
    rows = np.argwhere(np.ones(seen.frame.shape, dtype=bool))
    values = np.asarray(mean, dtype=float).ravel()
    fit = Fit(9, seen.frame, values, np.full(values.shape, deviation), rows)
    return Learned(Explorer(Model(Candidates.of(seen), fit), lambda _: 0.0), seen)


def hill(frame: ScanFrame, at: tuple[float, float], width: float = 60e-9) -> Any:
    x, y = frame.positions()
    return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * width**2))
