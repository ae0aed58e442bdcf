"""What a step may yield besides instructions: consult the agent, wait for its answer, record."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..agents import Explorer, Fit, Proposal, Scalar
from ..data import Event
from ..instrument import Instruction, ScanImage, Spectrum

Told = tuple[Proposal, Spectrum | None]  # None: the instrument refused the point
Scored = tuple[Proposal, Spectrum, Scalar]


@dataclass(frozen=True, slots=True)
class Advice:
    """What the agent answered.

    Attributes:
        proposal: Where to measure next; None when nothing was asked or nothing is left.
        scored: What the spectra that it was told are worth.
        fits: What its model believed after each new fit.
        seconds: How long it worked [s].
    """

    proposal: Proposal | None
    scored: tuple[Scored, ...]
    fits: tuple[Fit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the agent, beside the instrument: tell it spectra, then let it choose.

    The runner answers with a `Consultation` at once and goes on; `Await` fetches the advice.

    Attributes:
        explorer: The agent with its scalarizer.
        told: What was measured since it was asked last.
        ask: Whether it shall choose a point; else it shall learn from all it was told, for the
            record.
    """

    explorer: Explorer
    told: tuple[Told, ...] = ()
    ask: bool = True

    def advice(self) -> Advice:
        """Do the work; called by the runner in the agent's own thread."""
        start = time.perf_counter()
        scored = []
        for proposal, spectrum in self.told:
            if spectrum is None:
                self.explorer.reject(proposal)
            else:
                scored.append((proposal, spectrum, self.explorer.tell(proposal, spectrum)))
        before = self.explorer.fit
        choice: Proposal | None = None
        if self.ask:
            choice = self.explorer.ask()
        else:
            self.explorer.conclude()
        fit = self.explorer.fit
        fits = (fit,) if fit is not None and fit is not before else ()
        return Advice(choice, tuple(scored), fits, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class Consultation:
    """An answer of the agent that is being worked on.

    Attributes:
        future: The advice to come.
        start_time: Instrument time when the agent was asked [s].
    """

    future: "Future[Advice]" = field(repr=False)
    start_time: float


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for the agent's answer; the runner gives back the `Advice`."""

    consultation: Consultation


@dataclass(frozen=True, slots=True)
class Note:
    """Write an event to the journal."""

    event: Event


Request = Instruction | Consult | Await | Note
Answer = ScanImage | Spectrum | Consultation | Advice | None
