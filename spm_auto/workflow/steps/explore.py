"""The explore step: an agent looks at the overview and chooses where to take spectra."""

import math
from collections.abc import Generator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ... import plugins
from ...agents import AgentSettings, Candidates, Explorer, Proposal, Scalarizer
from ...data import REFUSED, Alarm
from ...errors import AgentError, LimitExceeded, RecipeError
from ...instrument import AcquireSpectrum, Instruction, Scan, Spectrum
from ...settings import Plugin, PluginName
from ...units import Bias
from ..decisions import chosen_event, fitted_event, scored_event
from ..requests import Advice, Await, Consult, Consultation, Note, Request, Told
from .base import Step, StepContext, StepGenerator
from .settings import WaveformSettings

ScalarizerName = Annotated[str, PluginName("scalarizers")]


def _how_many(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


class ExploreStep(Step):
    """Let an agent choose where to take spectra.

    While a spectrum is being taken the agent, told all spectra before it, chooses the next point;
    the one in progress is pending for it. So the instrument does not wait for the agent.

    Attributes:
        agent: Who chooses.
        scalarizer: Name of the scalarizer that says what a spectrum is worth; a list of two or
            three for an agent that looks for compromises.
        waveform: The biases to step through at each point.
        budget: How many spectra may be taken.
        amplitudes: Amplitudes of the waveform that the agent may choose from; empty keeps the
            waveform's own, and the bias is not the agent's to choose.
        channels: Channels of the overview that the agent looks at; empty for all.
        stride: Every how many pixels of the overview there is a candidate.
        margin: Pixels along the overview's edge that are no candidates.
        look_ahead: Whether the next point is chosen while a spectrum is being taken; without it the
            instrument waits, and each choice knows the spectrum before.
        pause_on_alarm: Whether the run waits for a human when the agent is stuck, its predictions
            do not hold, or the tip may have changed.
    """

    kind: Literal["explore"]
    agent: Annotated[AgentSettings, Plugin("agents")]
    scalarizer: Annotated[
        Annotated[ScalarizerName, Tag("one")]
        | Annotated[tuple[ScalarizerName, ...], Field(min_length=1), Tag("several")],
        Discriminator(_how_many),
    ]
    waveform: WaveformSettings
    budget: Annotated[int, Field(ge=1, le=1_000_000)]
    amplitudes: tuple[Bias, ...] = ()
    channels: tuple[str, ...] = ()
    stride: Annotated[int, Field(ge=1)] = 1
    margin: Annotated[int, Field(ge=0)] = 0
    look_ahead: bool = True
    pause_on_alarm: bool = False

    @model_validator(mode="after")
    def _amplitudes_make_waveforms(self) -> "ExploreStep":
        for amplitude in self.amplitudes:
            self.waveform.waveform(amplitude)
        return self

    @model_validator(mode="after")
    def _scalarizers_suit_the_agent(self) -> "ExploreStep":
        self.agent.check_scalarizers(self.scalarizers)
        return self

    @property
    def scalarizers(self) -> tuple[str, ...]:
        """Names of the scalarizers, one or several."""
        return (self.scalarizer,) if isinstance(self.scalarizer, str) else self.scalarizer

    def preview(self, before: Scan | None) -> Sequence[Instruction]:
        """Return as many spectra as the budget allows, the frame's middle for each point."""
        if before is None:
            raise RecipeError("an explore step needs an overview step before it")
        frame = before.frame
        for name in self.channels if before.channels else ():
            if name not in before.channels:
                raise RecipeError(
                    f"channels: the overview does not record {name!r}"
                    f"{plugins.suggest(name, before.channels)}"
                )
        if 2 * self.margin >= min(frame.pixels):
            raise RecipeError(
                f"margin: {self.margin} pixels along each edge leave nothing of {frame.pixels}"
            )
        largest_first: list[float | None] = [*sorted(self.amplitudes, key=abs, reverse=True)]
        waveforms = [self.waveform.waveform(a) for a in largest_first or [None]]
        return [
            AcquireSpectrum(*frame.center, waveforms[n % len(waveforms)])
            for n in range(self.budget)
        ]

    def run(self, context: StepContext) -> StepGenerator:
        """Explore."""
        if not context.images:
            raise RecipeError("an explore step needs an overview step before it")
        explorer = self._explorer(context)
        told: tuple[Told, ...] = ()
        proposal = yield from self._answer((yield Consult(explorer)))
        for number in range(1, self.budget + 1):
            if proposal is None:
                break
            more = number < self.budget
            ahead = (yield Consult(explorer, told)) if more and self.look_ahead else None
            measured = ((proposal, (yield from self._measure(proposal))),)
            if ahead is None:
                everything = told + measured
                proposal = yield from self._answer((yield Consult(explorer, everything, more)))
                told = ()
            else:
                proposal = yield from self._answer(ahead)
                told = measured
        if told:  # the candidates ran out while a spectrum was being taken
            yield from self._answer((yield Consult(explorer, told, ask=False)))
        return context.images[-1]

    def _measure(self, proposal: Proposal) -> Generator[Request, Any, Spectrum | None]:
        amplitude = None if math.isnan(proposal.bias) else proposal.bias
        waveform = self.waveform.waveform(amplitude)
        try:
            spectrum: Spectrum = yield AcquireSpectrum(proposal.x, proposal.y, waveform)
        except LimitExceeded as error:  # one forbidden point does not end the night
            yield Note(Alarm(f"the agent's point was refused: {error}"))
            return None
        return spectrum

    def _explorer(self, context: StepContext) -> Explorer:
        overview = context.images[-1]
        try:
            candidates = Candidates.of(
                overview, self.channels, self.amplitudes, self.stride, self.margin
            )
        except ValueError as error:
            raise AgentError(f"the agent has nothing to choose from: {error}") from error
        functions: dict[str, Scalarizer] = {
            name: plugins.load("scalarizers", name) for name in self.scalarizers
        }
        name = self.scalarizers[0]
        first = functions.pop(name)
        agent = self.agent.build(candidates, context.rng())
        return Explorer(agent, first, others=functions, name=name)

    def _answer(self, consultation: Consultation) -> Generator[Request, Any, Proposal | None]:
        """Wait for the agent, write down what it did, and return what it chose."""
        advice: Advice = yield Await(consultation)
        for scored in advice.scored:
            yield Note(scored_event(*scored))
        for fit in advice.fits:
            yield Note(fitted_event(fit))
        for alarm in advice.alarms:
            yield Note(alarm, pause=self.pause_on_alarm and alarm.cause != REFUSED)
        if advice.proposal is not None:
            yield Note(chosen_event(advice.proposal))
        return advice.proposal
