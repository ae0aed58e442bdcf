"""Explorer: an agent with a scalarizer, so that it can be told spectra and asked for points."""

import math
import time
from collections.abc import Iterator

from ..errors import AgentError
from ..instrument import QualityFlag, Spectrum
from .protocol import Agent, Fit, Model, Observation, Proposal, Scalar, Scalarizer, Watch


class Explorer:
    """What a step or a script talks to: spectra go in, proposals come out.

    Args:
        agent: Who chooses.
        scalarizer: What a spectrum is worth.
        watch: Who records the choices; a run.
    """

    def __init__(self, agent: Agent, scalarizer: Scalarizer, watch: Watch | None = None) -> None:
        self.agent = agent
        self._scalarizer = scalarizer
        self._watch = watch
        self._noted: Fit | None = None
        self._open: dict[int, Proposal] = {}

    @property
    def scalarizer_name(self) -> str:
        """Name of the scalarizer, for the record."""
        return getattr(self._scalarizer, "__name__", type(self._scalarizer).__name__)

    def scalarize(self, spectrum: Spectrum) -> Scalar:
        """Turn a spectrum into a number; one that is flagged or not finite is no good.

        Raises:
            AgentError: The scalarizer gave something that is no number.
        """
        if spectrum.flags:
            return Scalar(math.nan, flag=", ".join(str(flag) for flag in spectrum.flags))
        result = self._scalarizer(spectrum)
        try:
            scalar = result if isinstance(result, Scalar) else Scalar(float(result))
        except (TypeError, ValueError) as error:
            raise AgentError(
                f"scalarizer {self.scalarizer_name!r} must return a number or a Scalar, "
                f"got {result!r:.80}"
            ) from error
        if not scalar.flag and not math.isfinite(scalar.value):
            return Scalar(math.nan, flag=str(QualityFlag.NOT_FINITE))
        return scalar

    def ask(self) -> Proposal | None:
        """Choose the next point while those proposed but not told yet are pending.

        Returns:
            The proposal; None when no candidate is left.
        """
        start = time.perf_counter()
        proposals = self.agent.ask(1, pending=tuple(self._open))
        seconds = time.perf_counter() - start
        self._note_fit()
        if not proposals:
            return None
        proposal = proposals[0]
        self._open[proposal.candidate] = proposal
        if self._watch is not None:
            self._watch.chosen(proposal, seconds)
        return proposal

    def tell(self, proposal: Proposal, spectrum: Spectrum) -> Scalar:
        """Tell the agent what was found at a proposal.

        Raises:
            AgentError: The proposal is not one that is waiting for its spectrum.
        """
        self._close(proposal)
        scalar = self.scalarize(spectrum)
        value = scalar.value if scalar.is_good else math.nan
        self.agent.tell([Observation(proposal.candidate, value, scalar.noise)])
        if self._watch is not None:
            self._watch.scored(proposal, spectrum, scalar, self.scalarizer_name)
        return scalar

    def reject(self, proposal: Proposal) -> None:
        """Tell the agent that a proposal cannot be measured; nothing is learned, nor asked again.

        Raises:
            AgentError: The proposal is not one that is waiting for its spectrum.
        """
        self._close(proposal)
        self.agent.tell([Observation(proposal.candidate, math.nan)])

    def proposals(self, budget: int) -> Iterator[Proposal]:
        """Yield one proposal after another, until the budget or the candidates are spent.

        Args:
            budget: How many spectra may be taken.
        """
        for _ in range(budget):
            proposal = self.ask()
            if proposal is None:
                break
            yield proposal
        self.conclude()

    def conclude(self) -> None:
        """Let the agent learn from all spectra, for the record; nothing is chosen any more."""
        if isinstance(self.agent, Model):
            self.agent.refit()
            self._note_fit()

    @property
    def fit(self) -> Fit | None:
        """What the agent believes since its last fit; None for agents without a model."""
        return self.agent.fit if isinstance(self.agent, Model) else None

    def _note_fit(self) -> None:
        if self.fit is not None and self.fit is not self._noted:
            self._noted = self.fit
            if self._watch is not None:
                self._watch.fitted(self._noted)

    def _close(self, proposal: Proposal) -> None:
        if self._open.pop(proposal.candidate, None) is None:
            raise AgentError(
                f"candidate {proposal.candidate} at ({proposal.x:g}, {proposal.y:g}) m was not "
                "proposed, or its spectrum was told already"
            )
