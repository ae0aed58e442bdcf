"""TipLife: one tip from its first approach on, with everything that happens to it."""

from dataclasses import dataclass, replace

import numpy as np

from .conditioning import ENOUGH, Damage, Outcome, attempted, changed, damaged, sharpened
from .settings import TipLifeSettings
from .state import TipState

CRASH = 2.0  # strength of a crash in what it does to the surface, in units of the gentlest


@dataclass(frozen=True, slots=True)
class TipEvent:
    """Something that happened to the tip, whether it changed or not.

    Attributes:
        time: Instrument time [s].
        kind: "change", "crash", "pulse", "poke" or "clean".
        before: The tip before.
        after: And after; the same if nothing came of it.
    """

    time: float
    kind: str
    before: TipState
    after: TipState


@dataclass(frozen=True, slots=True)
class TipLifeState:
    """All that a `TipLife` remembers.

    Attributes:
        tip: As it is.
        history: What happened to it.
    """

    tip: TipState
    history: tuple[TipEvent, ...] = ()


class TipLife:
    """A tip that changes by itself, by wear, in a crash and by conditioning.

    It remembers what happened; chance comes in from outside, with every call.

    Args:
        settings: What can happen.
        good: What the tip is when it is good; conditioning that succeeds comes close to it.
        tip: As it is at first; None: a good one.
    """

    def __init__(
        self, settings: TipLifeSettings, good: TipState, tip: TipState | None = None
    ) -> None:
        self._settings = settings
        self._good = good
        self._state = TipLifeState(tip or good)

    @property
    def tip(self) -> TipState:
        """The tip as it is."""
        return self._state.tip

    @property
    def good(self) -> TipState:
        """What the tip is when it is good."""
        return self._good

    @property
    def history(self) -> tuple[TipEvent, ...]:
        """What happened to the tip, oldest first."""
        return self._state.history

    def pass_time(
        self,
        duration: float,
        rng: np.random.Generator,
        time: float,
        distance: float = 0.0,
        load: float = 0.0,
        roughness: float = 0.0,
    ) -> TipState:
        """Let the tip scan for a while: it wears, and may change.

        Args:
            duration: Of the scanning [s].
            rng: Where chance comes from.
            time: Instrument time at its beginning [s].
            distance: Way over the surface [m].
            load: Force on it [N].
            roughness: Share of the time during which the loop could not follow, 0 to 1.

        Returns:
            The tip afterwards.
        """
        worn = self._settings.wear * distance * load
        if worn:
            tip = replace(self.tip, radius=self.tip.radius + worn)
            self._state = replace(self._state, tip=tip)
        if self._settings.change_time is not None:
            faster = 1 + (self._settings.rough_factor - 1) * roughness
            waiting = rng.exponential() * self._settings.change_time / faster
            if waiting < duration:
                self.change(rng, time + waiting)
        return self.tip

    def change(self, rng: np.random.Generator, time: float) -> TipState:
        """Let the tip become another one, and return it."""
        return self._log(time, "change", changed(self.tip, self._good, self._settings, rng))

    def blunt(self, blur: float, time: float) -> TipState:
        """Let the tip become a blunt one with a single end, and return it.

        Args:
            blur: Width of what it averages over, in units of a good tip's.
            time: Instrument time [s].
        """
        blunt = replace(self.tip, blur=blur * self._good.blur, twin=None)
        return self._log(time, "change", blunt)

    def crash(self, rng: np.random.Generator, time: float, severity: float = 1.0) -> Damage:
        """Let the tip run into the surface.

        Args:
            rng: Where chance comes from.
            time: Instrument time [s].
            severity: How far beyond the least that counts as a crash, 1 and above.

        Returns:
            What it leaves on the surface.
        """
        blunt = self._settings.blunting
        hit = rng.random() < self._settings.crash_change
        after = changed(self.tip, self._good, self._settings, rng, blunt)
        self._log(time, "crash", after if hit else self.tip)
        return damaged(CRASH * max(severity, 1.0), self._settings)

    def pulse(self, bias: float, rng: np.random.Generator, time: float) -> Damage:
        """Give a bias pulse [V], and return what it leaves on the surface: a mound."""
        strength = abs(bias) / self._settings.pulse_onset
        self._attempt("pulse", strength, self._settings.pulse_success, rng, time)
        left = damaged(strength, self._settings)
        return Damage(left.radius, -left.depth)

    def poke(self, depth: float, rng: np.random.Generator, time: float) -> Damage:
        """Push the tip into the surface by a depth [m], and return the pit that it leaves."""
        strength = depth / self._settings.poke_onset
        self._attempt("poke", strength, self._settings.poke_success, rng, time)
        return damaged(strength, self._settings, depth)

    def clean(self, rng: np.random.Generator, time: float) -> TipState:
        """Scan a clean area hard, which hurts nothing, and return the tip."""
        self._attempt("clean", ENOUGH, self._settings.clean_success, rng, time)
        return self.tip

    def snapshot(self) -> TipLifeState:
        """Return everything that it remembers as a value."""
        return self._state

    def restore(self, snapshot: TipLifeState) -> None:
        """Go back to a snapshot."""
        self._state = snapshot

    def _attempt(
        self, kind: str, strength: float, success: float, rng: np.random.Generator, time: float
    ) -> None:
        settings, before = self._settings, self.tip
        outcome = attempted(strength, success, settings, rng)
        after = before
        if outcome is Outcome.BETTER:
            after = sharpened(before, self._good, settings, rng)
        elif outcome is Outcome.WORSE:
            after = changed(before, self._good, settings, rng, settings.blunting)
        self._log(time, kind, after)

    def _log(self, time: float, kind: str, after: TipState) -> TipState:
        event = TipEvent(time, kind, self.tip, after)
        self._state = TipLifeState(after, (*self.history, event))
        return after
