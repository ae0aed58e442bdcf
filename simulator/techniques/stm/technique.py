"""StmTechnique: holds a tunnelling current over a sample, and sweeps the bias with the tip held."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spm_auto.instrument import (
    BiasWaveform,
    Channel,
    ConditionTip,
    FloatArray,
    Instruction,
    Scan,
    SetFeedback,
)

from ...checks import refuse
from ...feedback import Current, FeedbackSettings
from ...lock_in import LockInSettings
from ...randomness import RandomStreams
from ...samples.stm import Junction, StmSample
from ...timing import Point
from ...tips import Damage, TipEvent, TipLife, TipLifeState, TipState
from ..protocol import Contact, Imaging, Technique
from .imaging import StmImaging
from .spectroscopy import Sweep
from .tip import WIDTHS, TipOverSample

if TYPE_CHECKING:
    from .settings import StmSettings

USUAL_SHARE = 0.01  # modulation of a lock-in that was not set, in units of the sample's usual bias
SETTLING, AVERAGING = 3.0, 5.0  # time constants of the lock-in at each point of a spectrum
LEAST_SETPOINT = 1e-12  # [A]
LEAST_BIAS = 0.1e-3  # [V] with which a distance can be held
OVERHEAD = 0.3  # [s] to open the loop, close it and settle, at each spectrum


@dataclass(frozen=True, slots=True)
class Held:
    """What the z loop holds, and how.

    Attributes:
        bias: While scanning [V].
        setpoint: [A].
        feedback: The loop.
    """

    bias: float
    setpoint: float
    feedback: FeedbackSettings


@dataclass(frozen=True, slots=True, eq=False)
class StmSnapshot:
    """Everything changeable.

    Attributes:
        held: By the loop.
        tip: And its past.
        sample: Its marks.
    """

    held: Held
    tip: TipLifeState
    sample: Any


class StmTechnique(Technique):
    """A tip that follows a surface at a constant current.

    Args:
        settings: Of tip, loop, lock-in and noise.
        sample: What lies under the tip.
        streams: Where noise and accidents come from.
    """

    def __init__(self, settings: "StmSettings", sample: StmSample, streams: RandomStreams) -> None:
        self.settings = settings
        self._sample = sample
        self._streams = streams
        bias = sample.bias if settings.bias is None else settings.bias
        self._held = Held(bias, settings.setpoint, settings.feedback)
        self._temperature = settings.temperature or sample.temperature
        self._life = TipLife(settings.tip_life, TipState())
        self.lock_in = settings.lock_in or LockInSettings.model_construct(
            modulation=USUAL_SHARE * abs(sample.bias)
        )
        self._saturated = False
        self._sweep: Sweep | None = None
        self._over: tuple[tuple[TipState, Held, Any], TipOverSample] | None = None

    @property
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan."""
        return Channel("height", "m"), Channel("current", "A"), Channel("didv", "S")

    @property
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""
        return Channel("current", "A"), Channel("didv", "S")

    @property
    def bias_limit(self) -> float:
        """Range of the bias source, both ways [V]."""
        return self.settings.bias_limit

    @property
    def instructions(self) -> frozenset[type[Instruction]]:
        """It can condition its tip, and its loop can be changed."""
        return frozenset({ConditionTip, SetFeedback})

    @property
    def feedback(self) -> SetFeedback:
        """Bias, current and gain that the loop holds."""
        held = self._held
        return SetFeedback(held.bias, held.setpoint, held.feedback.gain)

    @property
    def contact(self) -> Contact:
        """The tunnelling current shows it."""
        loop, settings = self._held.feedback, self.settings
        reach = math.inf if loop.ideal else loop.z_range
        return Contact("A", self._held.setpoint, settings.crash_current, "current", reach=reach)

    @property
    def held(self) -> Held:
        """What the z loop holds."""
        return self._held

    @property
    def tip(self) -> TipState:
        """The tip as it is."""
        return self._life.tip

    @property
    def tip_history(self) -> tuple[TipEvent, ...]:
        """What happened to the tip."""
        return self._life.history

    @property
    def is_saturated(self) -> bool:
        """Whether the preamplifier was at its rail in the last spectrum."""
        return self._saturated

    @property
    def junction(self) -> Junction:
        """How a good tip would stand over the sample."""
        return Junction(
            bias=self._held.bias,
            setpoint=self._held.setpoint,
            temperature=self._temperature,
            blur=self.settings.blur / WIDTHS,
            modulation=0.0 if self.settings.ideal_lock_in else self.lock_in.peak,
        )

    def over_sample(self) -> TipOverSample:
        """Return the tip as it is over the sample as it is; remembered while both stay so."""
        key = self._life.tip, self._held, self._sample.snapshot()
        if self._over is None or any(a is not b for a, b in zip(key, self._over[0], strict=True)):
            self._over = key, TipOverSample.of(self._life.tip, self._sample, self.junction)
        return self._over[1]

    def detector(self, decay: float) -> Current:
        """Return what the loop holds, for a decay of the current [1/m]."""
        return Current(self._held.setpoint, decay, rail=self.settings.rail)

    def begin_scan(self, scan: Scan, number: int) -> Imaging:
        """Get ready for the first line."""
        return StmImaging(self, scan, self._streams, number)

    def spectrum(
        self,
        at: Point,
        waveform: BiasWaveform,
        number: int,
        time: float,  # noqa: ARG002
    ) -> FloatArray:
        """Hold the tip where the loop brought it and sweep the bias."""
        tip, rng = self.over_sample(), self._streams.stream("spectrum", number)
        clean = tip.spectra(np.array(at[0]), np.array(at[1]), waveform.bias)
        current, didv = self._sweep_of(waveform).read(*clean, rng, tip.decay)
        self._saturated = bool(max(current.max(), -current.min()) >= self.settings.rail)
        return np.array([current, didv])

    def cits(self, x: FloatArray, y: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return current [A] and dI/dV [S] of a whole map without noise, [..., point].

        It is what `spectrum` would find at each place with all noise off, the tip set anew at each.

        Args:
            x: Where the tip really is [m], any shape.
            y: Where [m], the same shape.
            bias: [V], shape (n,).
        """
        return self.over_sample().spectra(x, y, bias)

    def point_time(self, waveform: BiasWaveform) -> float:
        """Return the time spent on each point of a spectrum [s]."""
        return max(waveform.dwell, (SETTLING + AVERAGING) * self.lock_in.time_constant)

    def sweep_time(self, waveform: BiasWaveform) -> float:
        """Return the time of a spectrum: the lock-in settles and averages at each point."""
        return len(waveform.values) * waveform.cycles * self.point_time(waveform) + OVERHEAD

    def condition_tip(self, at: Point, instruction: ConditionTip, number: int, time: float) -> None:
        """Pulse or poke; the surface keeps a mound or a pit."""
        rng = self._streams.stream("conditioning", number)
        if instruction.depth:
            left = self._life.poke(instruction.depth, rng, time)
        else:
            left = self._life.pulse(instruction.bias, rng, time)
        self._mark(at, left)

    def crash(self, at: Point, rng: np.random.Generator, time: float, severity: float) -> None:
        """Let the tip run into the surface; see `TipLife.crash`."""
        self._mark(at, self._life.crash(rng, time, severity))

    def blunt(self, blur: float, time: float) -> None:
        """Let the tip become a blunt one; see `TipLife.blunt`."""
        self._life.blunt(blur, time)

    def pass_time(
        self, duration: float, rng: np.random.Generator, time: float, roughness: float
    ) -> TipState:
        """Let the tip scan for a while; see `TipLife.pass_time`."""
        return self._life.pass_time(duration, rng, time, roughness=roughness)

    def check(self, instruction: Instruction) -> None:
        """Refuse a loop that cannot hold, and a poke beyond the reach of the piezo."""
        settings, feedback = self.settings, self._held.feedback
        match instruction:
            case ConditionTip(depth=depth):
                refuse("depth of a poke", depth, (0.0, feedback.z_range), "m")
            case SetFeedback(bias=bias, setpoint=setpoint, gain=gain):
                if bias is not None:
                    allowed = LEAST_BIAS, settings.bias_limit
                    refuse("magnitude of the bias", abs(bias), allowed, "V")
                if setpoint is not None:
                    refuse("setpoint", setpoint, (LEAST_SETPOINT, settings.rail / 2), "A")
                if gain is not None:
                    refuse("gain", gain, (0.0, feedback.control_rate), "1/s")

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change bias, set-point or gain."""
        self.check(instruction)
        held = self._held
        if instruction.bias is not None:
            held = replace(held, bias=instruction.bias)
        if instruction.setpoint is not None:
            held = replace(held, setpoint=instruction.setpoint)
        if instruction.gain is not None:
            loop = held.feedback.model_copy(update={"gain": instruction.gain})
            held = replace(held, feedback=loop)
        self._held = held

    def snapshot(self) -> StmSnapshot:
        """Return everything changeable, the sample's own included."""
        return StmSnapshot(self._held, self._life.snapshot(), self._sample.snapshot())

    def restore(self, snapshot: StmSnapshot) -> None:
        """Go back to a snapshot."""
        self._held = snapshot.held
        self._life.restore(snapshot.tip)
        self._sample.restore(snapshot.sample)

    def _sweep_of(self, waveform: BiasWaveform) -> Sweep:
        """Return what sweeps like this one have in common; the last one is remembered."""
        key = len(waveform.values), self.point_time(waveform), waveform.cycles
        if self._sweep is None or self._sweep.key != key:
            self._sweep = Sweep(self.settings, self.lock_in, *key)
        return self._sweep

    def _mark(self, at: Point, left: Damage) -> None:
        if left.radius > 0:
            self._sample.dent(*at, left.radius / 2, left.depth)
