"""The researcher's door: a microscope in a script or notebook, guarded and recorded like a recipe.

A script is a step written by hand: its calls go through the same runner, guard and journal.
"""

import itertools
import json
import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .agents import Answer, Fit, Order, Proposal, Recollection, Scalar, Steering
from .clock import Clock, RealClock
from .data import (
    FILE_NAME,
    AgentAnswered,
    Alarm,
    FinishReason,
    RecordedRun,
    Room,
    consolidate,
    open_run,
)
from .ear import Ear
from .errors import CannotResume, DataError, RecipeError
from .hosting import LabFile, host
from .instrument import (
    AcquireSpectrum,
    BiasWaveform,
    GuardedInstrument,
    Instrument,
    Limits,
    Measured,
    MoveStage,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanImage,
    SetFeedback,
    Spectrum,
)
from .lab import begin, parse_lab
from .resume import changes_since, check_same, read_tape, resumed, take_up
from .settings import override, read_toml
from .units import quantity
from .workflow import (
    Request,
    Runner,
    StepContext,
    Tape,
    choice_event,
    fitted_event,
    intervention_event,
    scored_event,
)

Quantity = float | str
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class RunImage(ScanImage):
    """An image that came from a run; agents made from it are recorded by that run.

    Attributes:
        watch: The run.
    """

    watch: "Run | None" = field(default=None, repr=False)


class Run:
    """A run in progress, driven by a script; `start_run` makes it.

    Used as a context manager: leaving the block ends the run, as completed, as cancelled (Ctrl-C,
    or a stop from elsewhere) or as failed with the error as its message; then the run file is
    written.

    Attributes:
        folder: Where the run's journal, run file and report are.
        seed: Root of the run's randomness.
    """

    def __init__(self, runner: Runner, folder: Path, seed: int, ear: Ear | None = None) -> None:
        self._runner, self._ear = runner, ear
        self._images: tuple[ScanImage, ...] = ()
        self._steps = itertools.count()
        self.folder = folder
        self.seed = seed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        finished = self._runner.finish(error)
        if self._ear is not None:
            self._ear.close()
        if not self._runner.is_live:  # it was resumed, and nothing new has happened
            if error is None and finished.reason != FinishReason.COMPLETED:
                raise CannotResume(finished.message)
            return
        try:
            consolidate(self.folder / FILE_NAME)
        except DataError as fault:
            if error is None:
                raise
            error.add_note(str(fault))

    @property
    def runner(self) -> Runner:
        """The runner; pause, resume, cancel and emergency_stop may come from any thread."""
        return self._runner

    @property
    def recorded(self) -> RecordedRun:
        """What the journal holds so far."""
        return open_run(self.folder)

    def scan(
        self,
        center: tuple[Quantity, Quantity],
        size: tuple[Quantity, Quantity],
        pixels: tuple[int, int] = (256, 256),
        angle: Quantity = 0.0,
        channels: Sequence[str] = (),
        line_rate: Quantity = 1.0,
    ) -> RunImage:
        """Scan a frame.

        Args:
            center: Sample coordinates (x, y) of the frame's middle [m], or text with units.
            size: Extent along the fast and the slow axis [m].
            pixels: Pixels on a line, and lines.
            angle: Turn of the fast axis, counter-clockwise from x [rad].
            channels: Channels to record; empty for all.
            line_rate: Lines per second, each forward and backward [Hz].

        Raises:
            InstrumentError: The instrument could not, or the limits forbid it; nothing moved.
            Stopped: Someone stopped the run.
            ValueError: The frame, the channels or the line rate make no scan.
        """
        if isinstance(channels, str):  # it would be taken for a list of letters
            raise ValueError(f"channels must be a list of names, such as [{channels!r}]")
        frame = ScanFrame.of(center, size, pixels, angle)
        return self.image(Scan(frame, tuple(channels), quantity(line_rate, "Hz")))

    def image(self, instruction: Scan) -> RunImage:
        """Scan as an instruction says; see `scan`."""
        image = self._runner.perform(instruction)
        if not isinstance(image, ScanImage):
            raise TypeError(f"a scan gave {type(image).__name__}")
        self._images = (*self._images, image)
        return RunImage(**{f.name: getattr(image, f.name) for f in fields(image)}, watch=self)

    def position_probe(self, x: Quantity, y: Quantity) -> None:
        """Move the probe to a point [m]; raises as `scan` does."""
        self._runner.perform(PositionProbe(quantity(x, "m"), quantity(y, "m")))

    def acquire_spectrum(self, x: Quantity, y: Quantity, waveform: BiasWaveform) -> Spectrum:
        """Position the probe at a point [m] and sweep the bias there; raises as `scan` does."""
        instruction = AcquireSpectrum(quantity(x, "m"), quantity(y, "m"), waveform)
        spectrum = self._runner.perform(instruction)
        if not isinstance(spectrum, Spectrum):
            raise TypeError(f"a spectrum gave {type(spectrum).__name__}")
        return spectrum

    def set_feedback(
        self,
        bias: Quantity | None = None,
        setpoint: float | None = None,
        gain: Quantity | None = None,
    ) -> None:
        """Change what the z loop holds, and how fast; raises as `scan` does.

        Args:
            bias: Tip-sample bias while scanning [V]; as it is without it.
            setpoint: A current [A], a force [N] or an amplitude [m]; as it is without it.
            gain: Integral gain [1/s]; as it is without it.
        """
        held = None if bias is None else quantity(bias, "V")
        speed = None if gain is None else quantity(gain, "1/s")
        self._runner.perform(SetFeedback(held, setpoint, speed))

    def move_stage(self, x: Quantity, y: Quantity) -> None:
        """Withdraw, move the coarse stage to (x, y) of the sample [m], and approach again.

        Images from before show another part of the sample: later steps do not look at them. Raises
        as `scan` does; `Unsupported` where there is no such stage.
        """
        self._runner.perform(MoveStage(quantity(x, "m"), quantity(y, "m")))
        self._images = ()

    def follow(self, step: Generator[Request, Any, ScanImage | None]) -> ScanImage | None:
        """Carry out a step written as a generator; returns what the step returns."""
        return self._runner.drive(step)

    def context(self) -> StepContext:
        """Return what a recipe's step would know here, for `follow`.

        Each call counts as a step of its own, with randomness of its own.
        """
        return StepContext(
            self.seed, next(self._steps), self._images, knowledge=self._runner.knowledge
        )

    def steer(self, steering: Steering, who: str = "script", why: str = "") -> None:
        """Step in, from any thread: have something done before an agent of this run chooses again.

        Args:
            steering: What shall be done, such as `spm_auto.agents.ForcePoint`.
            who: Who wants it.
            why: Why, in words.

        Raises:
            SpmError: The run is over.
        """
        self._runner.steer(steering, who, why)

    def report(self) -> Path:
        """Write ``report.html`` from the journal; returns its path."""
        from .report import write_report

        path: Path = write_report(self.folder)
        return path

    def enter(self) -> int:
        """Return the number of an agent; agents made from the run's images call it."""
        return self._runner.enter_agent()

    def answer(self) -> Recollection | None:
        """Return what an agent of a resumed run answered then; None where it has to think."""
        tape = self._runner.tape
        return None if tape is None else tape.peek_answer()

    def scalar(self, spectrum: Measured, scalarizer: str) -> Scalar | None:
        """Return what a spectrum of a resumed run was worth then; None where nobody knows."""
        tape = self._runner.tape
        return None if tape is None else tape.peek_scalar(spectrum, scalarizer)

    def answered(self, answer: Answer) -> None:
        """Record what an agent answered; agents made from the run's images call it."""
        choice = choice_event(answer.proposal)
        self._runner.record(
            AgentAnswered(answer.seconds, answer.seconds, choice, answer.state, answer.agent)
        )
        if choice is not None:
            self._runner.record(choice)

    def scored(
        self, proposal: Proposal, spectrum: Measured, scalar: Scalar, scalarizer: str
    ) -> None:
        """Record what a spectrum was worth; agents made from the run's images call it."""
        self._runner.record(scored_event(proposal, spectrum, scalar, scalarizer))

    def fitted(self, fit: Fit) -> None:
        """Record what an agent's model believes; agents made from the run's images call it."""
        self._runner.record(fitted_event(fit))

    def orders(self) -> tuple[Order, ...]:
        """Record and hand over what was ordered; agents made from the run's images call it."""
        return self._runner.take_orders()

    def steered(self, order: Order) -> None:
        """Record that a script steps in; agents made from the run's images call it."""
        self._runner.record(intervention_event(order))

    def alarmed(self, message: str, cause: str) -> None:
        """Record what a human should know of; agents made from the run's images call it."""
        self._runner.record(Alarm(message, cause))


def start_run(
    lab: Path | str | None = None,
    out: Path | str = "run",
    seed: int = 0,
    title: str = "",
    overrides: Mapping[str, Any] | None = None,
    instrument: Instrument | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    resume: bool = False,
    in_server: bool | None = None,
    pulses: int = 0,
    ear: bool = False,
) -> Run:
    """Open an instrument, begin a journal, load the sample, and hand over.

    With ``resume`` the same script may be run again after it was killed or cancelled: it is given
    what the journal has of its images, spectra and choices, up to the journal's end, and goes on
    from there. It has to ask for the same again. Nothing is opened anew that the journal answers; a
    script that had completed is answered to its end.

    Args:
        lab: The lab file; it names instrument, limits and clock.
        out: Folder of the run; it must not hold a run yet.
        seed: Root of all randomness.
        title: What the run is about; the name of its folder without it.
        overrides: Values of the lab file to replace, by path, such as ``{"instrument.file": ...}``.
        instrument: An instrument of your own, in place of a lab file.
        limits: Limits for it.
        clock: The clock that it was made with; real time without it.
        resume: Whether to go on with the run in that folder; without one there, it begins.
        in_server: Whether the instrument of a lab file gets a process of its own; None says so of
            hardware.
        pulses: How many pulses and pokes you say yes to beforehand, for such an instrument.
        ear: Whether the run listens to ``spm-auto steer``, and steps that ask a human may be used.

    Raises:
        CannotResume: Seed, lab file or script differ from those of the journal.
        RecipeError: The lab file cannot be used, or both or neither of lab and instrument is given.
        DataError: The folder holds a run already.
        InstrumentError: The instrument cannot be opened or loaded.
    """
    if (lab is None) == (instrument is None):
        raise RecipeError("start_run needs either a lab file or an instrument of your own")
    settings: dict[str, Any] = {}
    replaced: list[str] = []
    text = ""
    if lab is not None:
        path = Path(lab)
        table, text = read_toml(path, "lab file")
        for key, value in (overrides or {}).items():
            table = override(table, key, value)
            settings.setdefault("overrides", {})[key] = str(value)
            replaced.append(f"{key}={json.dumps(value)}")
        laboratory = parse_lab(table, path.name, path.parent)
        settings |= laboratory.describe()
    out, room = Path(out), None
    tape = read_tape(out) if resume and (out / FILE_NAME).exists() else None
    if tape is not None:
        check_same(tape, title or tape.started.title, seed, text, settings)
    if lab is not None:
        room = Room(out, laboratory.storage.reserve)
        time = laboratory.clock.clock()
        if tape is not None:
            time = resumed(time, tape, laboratory.instrument.is_simulated)
        file = LabFile(laboratory, text, path, tuple(replaced))
        guarded = _opened(file, seed, time, out, pulses, in_server, tape)
    elif instrument is not None:
        if tape is not None and not instrument.capabilities.is_simulated:
            raise CannotResume("hardware can only be gone on with from a lab file, for its clock")
        time = clock or RealClock()
        guarded = GuardedInstrument(instrument, limits)
    if tape is not None:
        changes = changes_since(tape, guarded) if not guarded.capabilities.is_simulated else ()
        for change in changes:
            _log.warning("since the run ended: %s", change)
        runner = take_up(guarded, time, out, tape, changes, room=room)
    else:
        title = title or out.resolve().name
        runner = begin(guarded, time, out, title, seed, lab=text, settings=settings, room=room)
    listener: Ear | None = None
    try:
        listener = Ear(runner, out, title or out.resolve().name) if ear else None
        runner.load()
    except BaseException as error:
        runner.finish(error)
        if listener is not None:
            listener.close()
        raise
    return Run(runner, out, seed, listener)


def _opened(
    file: LabFile,
    seed: int,
    clock: Clock,
    out: Path,
    pulses: int,
    in_server: bool | None,
    tape: Tape | None,
) -> GuardedInstrument:
    """Open the instrument of a lab file, in a process of its own where it shall have one."""
    is_apart = file.is_hardware if in_server is None else in_server
    if tape is not None and file.lab.instrument.is_simulated:
        is_apart = False  # it does again what it did, on a clock of its own
    if not is_apart:
        return file.lab.open(seed, clock)
    if tape is None and (out / FILE_NAME).exists():
        raise DataError(f"{out} holds a run already; choose another folder")
    return host(file, seed, clock, out, pulses)
