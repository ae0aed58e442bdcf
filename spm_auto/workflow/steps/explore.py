"""The explore step: an agent looks at the overview and chooses where to take spectra."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from ... import plugins
from ...agents import AgentSettings, Candidates, Costs, Explorer, Levels, Proposal, Scalarizer
from ...data import REFUSED, TIP, CostsEstimated, Judged, Verdict
from ...errors import AgentError, BudgetSpent, RecipeError
from ...instrument import AcquireForceCurve, AcquireSpectrum, Instruction, Measured, Scan
from ...settings import Plugin, PluginName
from ...units import Bias, Duration, Length
from ..decisions import chosen_event, fitted_event, scored_event
from ..knowledge import Learned
from ..requests import (
    Advice,
    Await,
    Consult,
    Consultation,
    Estimate,
    Estimates,
    Note,
    Prepare,
    Request,
    Told,
)
from .approval import ApprovalSettings, every_of, instead, question
from .base import Outline, Step, StepContext, StepGenerator
from .carrying import Carried, carry
from .retrying import taken
from .settings import CurveSettings, RegionSettings, WaveformSettings, check_one
from .tip_care import Tip, TipCare

MOST_LEVELS = 1000  # amplitudes or durations to choose from

ScalarizerName = Annotated[str, PluginName("scalarizers")]

_CHOICE = 1_000  # [bytes] what is noted of a point: why it was chosen, and what it was worth
_OTHER_VALUE = 150  # [bytes] what it was worth by a further scalarizer
_FIT = 64_000  # [bytes] what is noted of a fit besides its maps: parameters and the agent's state
_PLACE = 24  # [bytes] what its maps take for a place: four of 4 bytes, and where it is


@dataclass(slots=True, eq=False)
class _News:
    """What an agent has not been told yet.

    Attributes:
        explorer: The agent.
        told: What was measured.
        forget: What it shall forget, as in `Consult`.
    """

    explorer: Explorer
    told: tuple[Told, ...] = ()
    forget: tuple[float, float] | None = None

    def consult(self, ask: bool = True, **more: Any) -> Consult:
        """Return the request that tells it, now; with what `Consult` takes besides."""
        consult = Consult(self.explorer, self.told, ask, self.forget, **more)
        self.told, self.forget = (), None
        return consult


def _how_many(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


class ExploreStep(Step):
    """Let an agent choose where to take spectra.

    While a spectrum is being taken the agent, told all spectra before it, chooses the next point;
    the one in progress is pending for it. So the instrument does not wait for the agent.

    Where the recipe says how (``[recovery.tip]``), the tip is looked after between spectra.

    Attributes:
        agent: Who chooses.
        scalarizer: Name of the scalarizer that says what a spectrum is worth; a list of two or
            three for an agent that looks for compromises.
        waveform: The biases to step through at each point.
        curve: A force curve at each point, in place of a waveform.
        budget: How many spectra may be taken.
        amplitudes: Amplitudes of the waveform that the agent may choose from; empty keeps the
            waveform's own, and the bias is not the agent's to choose.
        durations: Lengths of the pulse that the agent may choose from, for a waveform that is a
            pulse; empty keeps its own.
        channels: Channels of the overview that the agent looks at; empty for all.
        backward: Whether it looks at the backward lines, too.
        overviews: How many of the last images it looks at, of whatever zoom; the points lie on the
            last one.
        stride: Every how many pixels of the overview there is a candidate.
        margin: Pixels along the overview's edge that are no candidates.
        spacing: Least distance of two points, such as of places that are poled by measuring.
        no_go: Regions that are left alone.
        look_ahead: Whether the next point is chosen while a spectrum is being taken; without it the
            instrument waits, and each choice knows the spectrum before.
        carry: Whether the agent begins with what agents with the same scalarizer believed and found
            there, on images of whatever scale; else it knows nothing.
        pause_on_alarm: Whether the run waits for a human when the agent is stuck, its predictions
            do not hold, or the tip may have changed.
        approval: Whether a human is asked before each point is measured, before every so many-th
            one, or never; it can be changed while the run goes on. A point that is rejected is not
            proposed again; in place of one that is edited it is measured where he wants.
        retries: How often a spectrum that the instrument or the scalarizer finds no good is taken
            again at once, before the agent hears of the last one.
    """

    kind: Literal["explore"]
    agent: Annotated[AgentSettings, Plugin("agents")]
    scalarizer: Annotated[
        Annotated[ScalarizerName, Tag("one")]
        | Annotated[tuple[ScalarizerName, ...], Field(min_length=1), Tag("several")],
        Discriminator(_how_many),
    ]
    waveform: WaveformSettings | None = None
    curve: CurveSettings | None = None
    budget: Annotated[int, Field(ge=1, le=1_000_000)]
    amplitudes: Annotated[tuple[Bias, ...], Field(max_length=MOST_LEVELS)] = ()
    durations: Annotated[tuple[Duration, ...], Field(max_length=MOST_LEVELS)] = ()
    channels: tuple[str, ...] = ()
    backward: bool = False
    overviews: Annotated[int, Field(ge=1, le=100)] = 1
    stride: Annotated[int, Field(ge=1)] = 1
    margin: Annotated[int, Field(ge=0)] = 0
    spacing: Annotated[Length, Field(ge=0)] = 0.0
    no_go: tuple[RegionSettings, ...] = ()
    look_ahead: bool = True
    carry: bool = False
    pause_on_alarm: bool = False
    approval: ApprovalSettings = "never"
    retries: Annotated[int, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _amplitudes_make_waveforms(self) -> "ExploreStep":
        check_one(self.waveform, self.curve)
        if self.curve is not None and (self.amplitudes or self.durations):
            raise ValueError(
                "amplitudes and durations belong to a waveform; a force curve has none"
            )
        if self.curve is not None and self.agent.most_averages > 1:
            raise ValueError("averages belong to a waveform; force curves are taken one by one")
        for level in self._levels():
            self.measurement(0.0, 0.0, level)
        Levels.of(self.amplitudes, self.durations)
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
        """Return as many spectra as the budget allows, the frame's middle for each point.

        Each is averaged as often as the agent may, so that the limits are held against the longest.
        """
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
        most = self.agent.most_averages
        known = [self.measurement(*frame.center, level, most) for level in self._levels()]
        return [known[n % len(known)] for n in range(self.budget)]

    def outline(self, before: Scan | None) -> Outline:
        """Return the spectra, which an agent will choose."""
        known = tuple(self.preview(before))
        every = every_of(self.approval)
        asks = len(known) // every if every else 0
        return Outline(self.kind, known, choices=len(known), is_beside=self.look_ahead, asks=asks)

    def notes_size(self, before: Scan | None) -> int:
        """Return how many bytes the choices and the fits take, at most."""
        n_places = 0
        if before is not None:
            edges = (range(self.margin, n - self.margin, self.stride) for n in before.frame.pixels)
            n_places = math.prod(map(len, edges))
        choice = _CHOICE + _OTHER_VALUE * (len(self.scalarizers) - 1)
        fits = self.agent.most_fits(self.budget)
        return self.budget * choice + fits * (_FIT + _PLACE * n_places)

    def needs_answers(self, every: int | None) -> bool:
        """Say whether a human will be asked about points."""
        return (every_of(self.approval) if every is None else every) > 0

    def warm_up(self) -> None:
        """Import what the agent needs."""
        self.agent.warm_up()

    def _levels(self) -> list[tuple[float, float]]:
        """Return amplitude and duration of what may be run at a point, the largest first."""
        amplitudes = sorted(self.amplitudes, key=abs, reverse=True) or [math.nan]
        durations = sorted(self.durations, reverse=True) or [math.nan]
        return [(amplitude, duration) for amplitude in amplitudes for duration in durations]

    def run(self, context: StepContext) -> StepGenerator:
        """Explore."""
        if not context.images:
            raise RecipeError("an explore step needs an overview step before it")
        candidates = yield from self._costed(self._candidates(context))
        carried = Carried(candidates)
        if self.carry:
            carried = carry(candidates, context.images[-1], context.knowledge, self.scalarizers)
            yield Note(carried.finding)
        explorer = yield Prepare(lambda: carried.tell(self._explorer(carried.candidates, context)))
        learned = Learned(explorer, context.images[-1])
        context.knowledge.learned.append(learned)
        care, tip = context.tip, Tip.GOOD
        if care is not None and (yield from care.keep()) is Tip.BAD:
            return context.images[-1]
        news = _News(explorer)
        proposal = yield from self._answer((yield news.consult()), care, learned)
        for number in range(1, self.budget + 1):
            if proposal is not None:
                proposal = yield from self._agreed(proposal, number, news, care, learned)
            if proposal is None:
                break
            if care is not None and care.is_due:
                since = care.trusted_until
                tip = yield from care.keep()
                if tip is Tip.BAD:
                    break
                news.forget = (since, care.trusted_until) if tip is Tip.MENDED else None
            more = number < self.budget
            ahead = None
            if more and self.look_ahead:
                ahead = yield news.consult()
            try:
                measured = (proposal, (yield from self._measure(proposal, care)))
            except BudgetSpent:  # what was measured before is concluded from
                if ahead is not None:
                    yield from self._answer(ahead, care, learned)
                break
            news.told = (*news.told, measured)
            if ahead is None:
                ahead = yield news.consult(more)
            proposal = yield from self._answer(ahead, care, learned)
        if news.told:  # the candidates ran out while a spectrum was being taken
            yield from self._answer((yield news.consult(ask=False)), care, learned)
        if care is not None and tip is not Tip.BAD:  # to vouch for the last spectra
            yield from care.keep()
        return context.images[-1]

    def _measure(
        self, proposal: Proposal, care: TipCare | None
    ) -> Generator[Request, Any, Measured | None]:
        level = (proposal.bias, proposal.duration)
        instruction = self.measurement(proposal.x, proposal.y, level, proposal.averages)
        judges = [(name, plugins.load("scalarizers", name)) for name in self.scalarizers]
        spectra = yield from taken(instruction, self.retries, judges)
        for _ in spectra:
            if care is not None:
                care.taken()
        return spectra[-1] if spectra else None

    def _agreed(
        self,
        proposal: Proposal,
        number: int,
        news: "_News",
        care: TipCare | None,
        learned: Learned,
    ) -> Generator[Request, Any, Proposal | None]:
        """Ask a human about a proposal, where he wants to be asked, until one is agreed upon.

        Returns:
            What to measure; None when no candidate is left.
        """
        agreed: Proposal | None = proposal
        while agreed is not None and not agreed.is_forced:  # who asked for it is not asked
            judged: Judged | None = yield question(agreed, every_of(self.approval), number)
            if judged is None or judged.verdict is Verdict.APPROVED:
                break
            if judged.verdict is Verdict.REJECTED:
                news.told = (*news.told, (agreed, None))
                consult = news.consult()
            else:
                consult = news.consult(dropped=agreed, instead=(instead(judged, agreed),))
            agreed = yield from self._answer((yield consult), care, learned)
        return agreed

    def measurement(
        self, x: float, y: float, level: tuple[float, float], times: int = 1
    ) -> AcquireSpectrum | AcquireForceCurve:
        """Return what is measured at a place [m].

        Args:
            x: Where [m].
            y: Where [m].
            level: Amplitude [V] and duration [s]; NaN stands for what the agent does not choose.
            times: How often it is averaged; a force curve is so many times slower.
        """
        if self.curve is not None:
            curve = self.curve.at(x, y)
            return replace(curve, rate=curve.rate / times)
        assert self.waveform is not None  # see check_one
        chosen = (None if math.isnan(value) else value for value in level)
        waveform = self.waveform.waveform(*chosen)
        return AcquireSpectrum(x, y, replace(waveform, cycles=waveform.cycles * times))

    def _candidates(self, context: StepContext) -> Candidates:
        *others, overview = context.images[-self.overviews :]
        try:
            candidates = Candidates.of(
                overview,
                self.channels,
                self.amplitudes,
                self.stride,
                self.margin,
                self.durations,
                self.spacing,
                self.backward,
                tuple(others),
            )
            left = np.ones(len(candidates.positions), dtype=bool)
            for region in self.no_go:
                left &= ~region.region().contains(*candidates.positions.T)
            return candidates.select(left)
        except ValueError as error:
            raise AgentError(f"the agent has nothing to choose from: {error}") from error

    def _costed(self, candidates: Candidates) -> Generator[Request, Any, Candidates]:
        """Add what a measurement costs, as far as the instrument can tell.

        Its time is taken for a length of way, something that each measurement takes, and as often
        as it is averaged the sweep: asked for at two places, and with one cycle and two.
        """
        levels, places = candidates.levels, candidates.positions
        chosen = list(zip(levels.bias.tolist(), levels.duration.tolist(), strict=True))
        away = np.hypot(*(places - places[0]).T)
        (x, y), other = places[0].tolist(), places[int(np.argmax(away))].tolist()
        asked = [self.measurement(x, y, level, times) for times in (1, 2) for level in chosen]
        asked.append(self.measurement(other[0], other[1], chosen[0]))
        answer: Estimates | None = yield Estimate(tuple(asked))
        if answer is None:
            return candidates
        once, again, farther = np.split(np.array(answer.seconds), [len(levels), 2 * len(levels)])
        ways = [math.dist(place, answer.position) for place in ((x, y), other)]
        apart = ways[1] - ways[0]
        slope = float(farther[0] - once[0]) / apart if apart else 0.0
        sweep = np.maximum(again - once, 0.0)
        overhead = float(np.min(once - sweep)) - slope * ways[0]
        try:
            costs = Costs(sweep, np.array([max(overhead, 0.0)]), max(slope, 0.0))
        except ValueError:  # the instrument says that spectra take no time
            return candidates
        yield Note(CostsEstimated(tuple(sweep.tolist()), float(costs.overhead[0]), costs.per_metre))
        return replace(candidates, costs=costs)

    def _explorer(self, candidates: Candidates, context: StepContext) -> Explorer:
        functions: dict[str, Scalarizer] = {
            name: plugins.load("scalarizers", name) for name in self.scalarizers
        }
        name = self.scalarizers[0]
        first = functions.pop(name)
        agent = self.agent.build(candidates, context.rng())
        return Explorer(agent, first, others=functions, name=name)

    def _answer(
        self, consultation: Consultation, care: TipCare | None, learned: Learned
    ) -> Generator[Request, Any, Proposal | None]:
        """Wait for the agent, write down what it did, and return what it chose."""
        advice: Advice = yield Await(consultation)
        learned.heard(advice.scored)
        for scored in advice.scored:
            yield Note(scored_event(*scored))
            if care is not None:
                care.judged(scored.scalar.flag)
        for fit in advice.fits:
            yield Note(fitted_event(fit))
        for alarm in advice.alarms:
            yield Note(alarm, pause=self.pause_on_alarm and alarm.cause != REFUSED)
            if care is not None and alarm.cause == TIP:
                care.suspect()
        if advice.proposal is not None:
            yield Note(chosen_event(advice.proposal))
        return advice.proposal
