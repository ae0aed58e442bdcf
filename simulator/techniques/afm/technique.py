"""AfmTechnique: an AFM over a sample: images, spectra, force curves, and what the tip suffers."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    AcquireForceCurve,
    BiasWaveform,
    Channel,
    ConditionTip,
    FloatArray,
    ForceCurve,
    Instruction,
    Scan,
    SetFeedback,
)

from ...checks import refuse
from ...feedback import Amplitude, Deflection, LoopLine, ZLoop
from ...forces import Oscillation
from ...path import Path
from ...randomness import RandomStreams
from ...samples.afm import AfmSample, Fields, Surface
from ...timing import Point
from ...tips import Damage, TipLife, TipLifeState, TipState
from ..protocol import Contact, Technique
from .contrast import ContactContrast, Contrast, Held, TappingContrast, Touch
from .imaging import AfmImaging
from .spectra import bias_spectrum, measured_force_curve
from .table import TappingTable, same_radius

if TYPE_CHECKING:
    from .settings import AfmSettings

FORCE = Channel("force", "N")
HIGHEST_GAIN = 1e5  # [1/s] that a controller can be told
LEAST_SHARE, HIGHEST_SHARE = 0.05, 0.99  # of the free amplitude, of what a loop can hold
LEAST_LOAD = 1e-12  # [N]
DETECTOR_RANGE = 2e-6  # [m] of deflection before the light leaves the photodiode


@dataclass(frozen=True, slots=True, eq=False)
class AfmSnapshot:
    """Everything changeable about an AFM and its sample."""

    sample: Fields
    tip: TipLifeState
    held: Held


class AfmTechnique(Technique):
    """A tip on a cantilever over a sample of the AFM.

    Args:
        settings: Of the instrument.
        sample: Under the tip.
        streams: Where chance comes from.
    """

    def __init__(self, settings: "AfmSettings", sample: AfmSample, streams: RandomStreams) -> None:
        self._settings = settings
        self._sample = sample
        self._streams = streams
        self._probe = settings.complete_probe()
        self._life = TipLife(settings.tip_life, TipState(radius=self._probe.radius))
        self._held = Held(settings.amplitude, settings.load, settings.bias, settings.feedback.gain)
        self._tapping: tuple[tuple[float, float], tuple[Surface, Surface]] | None = None

    @property
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan."""
        height = Channel("height", "m")
        if not self._is_tapping:
            return height, Channel("deflection", "m"), Channel("current", "A")
        channels = height, Channel("amplitude", "m"), Channel("phase", "rad")
        return channels if self._settings.kelvin is None else (*channels, Channel("potential", "V"))

    @property
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""
        if self._is_tapping:
            return (Channel("frequency_shift", "Hz"),)
        return Channel("current", "A"), Channel("deflection", "m")

    @property
    def bias_limit(self) -> float:
        """Range of the bias source, both ways [V]."""
        return self._settings.bias_limit

    @property
    def instructions(self) -> frozenset[type[Instruction]]:
        """Force curves, conditioning of the tip and the feedback."""
        return frozenset({AcquireForceCurve, ConditionTip, SetFeedback})

    @property
    def tip(self) -> TipLife:
        """The tip and what happened to it, for the truth."""
        return self._life

    @property
    def feedback(self) -> SetFeedback:
        """Bias, amplitude or force, and gain that the loop holds."""
        held = self._held
        setpoint = held.amplitude if self._is_tapping else held.load
        return SetFeedback(held.bias, setpoint, held.gain)

    @property
    def contact(self) -> Contact:
        """The force shows it, where the cantilever's deflection is measured."""
        loop, crash = self._settings.feedback, self._settings.crash
        reach = math.inf if loop.ideal else loop.z_range
        if self._is_tapping:
            return Contact("N", 0.0, crash, reach=reach)
        stiffness = self._probe.stiffness
        return Contact("N", self._held.load, crash, "deflection", stiffness, reach)

    @property
    def held(self) -> Held:
        """What the loop holds."""
        return self._held

    def begin_scan(self, scan: Scan, number: int) -> AfmImaging:
        """Get ready for the first line.

        Raises:
            InstrumentError: The sample is too soft for the set-point.
        """
        noise = self._settings.noise
        density = noise.of_amplitude if self._is_tapping else noise.of_deflection
        return AfmImaging(
            contrast=self._contrast(),
            loop=self._loop(),
            channels=tuple(channel.name for channel in self.image_channels),
            noise=noise,
            density=density(self._probe),
            lines=scan.frame.pixels[1],
            streams=self._streams,
            number=number,
            offset=lambda: self._life.tip.offset,
            ended=partial(self._after_line, self._streams.stream("afm tip", number)),
        )

    def spectrum(
        self,
        at: Point,
        waveform: BiasWaveform,
        number: int,
        time: float,  # noqa: ARG002
    ) -> FloatArray:
        """Sweep the bias with the tip lifted (tapping) or in contact; nothing changes."""
        rng = self._streams.stream("afm spectrum", number)
        return bias_spectrum(self._touch(), self._held, at, waveform, rng)

    def force_curve(
        self,
        at: Point,
        instruction: AcquireForceCurve,
        number: int,
        time: float,
    ) -> ForceCurve:
        """Bring the tip down until the trigger, and up again.

        Raises:
            LimitExceeded: The trigger bends the cantilever more than the detector can follow.
        """
        self.check(instruction)
        rng = self._streams.stream("afm force curve", number)
        extension, approach, retract = measured_force_curve(self._touch(), at, instruction, rng)
        return ForceCurve(
            x=at[0],
            y=at[1],
            extension=extension,
            channels=(FORCE,),
            approach=approach[np.newaxis],
            retract=retract[np.newaxis],
            start_time=time,
            end_time=time + 1 / instruction.rate,
        )

    def condition_tip(self, at: Point, instruction: ConditionTip, number: int, time: float) -> None:
        """Pulse or poke, with what comes of it for tip and sample."""
        rng = self._streams.stream("afm conditioning", number)
        if instruction.bias:
            damage = self._life.pulse(instruction.bias, rng, time)
        else:
            damage = self._life.poke(instruction.depth, rng, time)
        self._hurt(at, damage)

    def check(self, instruction: Instruction) -> None:
        """Refuse what is out of reach of the piezo, the detector or the controller."""
        settings = self._settings
        largest, z_range = self._probe.stiffness * DETECTOR_RANGE, settings.feedback.z_range
        match instruction:
            case AcquireForceCurve(trigger=trigger, distance=distance):
                refuse("trigger", trigger, (0.0, largest), "N")
                refuse("distance of a force curve", distance, (0.0, 2 * z_range), "m")
            case ConditionTip(depth=depth):
                refuse("depth of a poke", depth, (0.0, z_range), "m")
            case SetFeedback(bias=bias, setpoint=setpoint, gain=gain):
                if bias is not None:
                    refuse("bias", bias, (-settings.bias_limit, settings.bias_limit), "V")
                if gain is not None:
                    refuse("gain", gain, (0.0, HIGHEST_GAIN), "1/s")
                if setpoint is not None and self._is_tapping:
                    free = settings.free_amplitude
                    room = (LEAST_SHARE * free, HIGHEST_SHARE * free)
                    refuse("set-point amplitude", setpoint, room, "m")
                elif setpoint is not None:
                    refuse("set-point", setpoint, (LEAST_LOAD, largest), "N")

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change set-point, gain or the bias of the current image.

        Raises:
            LimitExceeded: A value is out of range; nothing changed.
        """
        self.check(instruction)
        held = self._held
        if instruction.bias is not None:
            held = replace(held, bias=instruction.bias)
        if instruction.gain is not None:
            held = replace(held, gain=instruction.gain)
        if instruction.setpoint is not None and self._is_tapping:
            held = replace(held, amplitude=instruction.setpoint)
        elif instruction.setpoint is not None:
            held = replace(held, load=instruction.setpoint)
        self._held = held

    def snapshot(self) -> AfmSnapshot:
        """Return everything changeable."""
        return AfmSnapshot(self._sample.snapshot(), self._life.snapshot(), self._held)

    def restore(self, snapshot: AfmSnapshot) -> None:
        """Go back to a snapshot."""
        self._sample.restore(snapshot.sample)
        self._life.restore(snapshot.tip)
        self._held = snapshot.held

    @property
    def _is_tapping(self) -> bool:
        return self._settings.mode == "tapping"

    def _touch(self) -> Touch:
        return Touch(self._settings, self._probe, self._sample, self._life.tip)

    def _contrast(self) -> Contrast:
        touch = self._touch()
        if not self._is_tapping:
            return ContactContrast(touch, self._held)
        return TappingContrast(touch, *self._tapping_surfaces())

    def _tapping_surfaces(self) -> tuple[Surface, Surface]:
        """Return lowest point and phase over the sample, anew only if tip or set-point changed."""
        key = same_radius(self._life.tip.radius), self._held.amplitude
        if self._tapping is None or self._tapping[0] != key:
            settings, probe, fields = self._settings, self._probe, self._sample.fields
            oscillation = Oscillation(
                probe.stiffness, probe.resonance, probe.quality, settings.free_amplitude, key[1]
            )
            try:
                table = TappingTable.of(
                    fields, oscillation, key[0], probe.modulus, settings.contact
                )
            except ValueError as error:
                raise InstrumentError(str(error)) from error
            gap, phase = (
                Surface.of(values, self._sample.size, is_smooth=False)
                for values in table.at(fields.modulus, fields.adhesion, fields.viscosity)
            )
            self._tapping = key, (gap, phase)
        return self._tapping[1]

    def _loop(self) -> ZLoop:
        """Return a loop at rest; its amplifier is not faster than the cantilever."""
        feedback = self._settings.feedback.model_copy(update={"gain": self._held.gain})
        probe = self._probe
        if not self._is_tapping:
            setpoint = self._held.load / probe.stiffness
            return ZLoop(feedback, Deflection(setpoint, DETECTOR_RANGE))
        response = probe.resonance / (2 * probe.quality)
        slower = min(response, feedback.bandwidth or math.inf)
        feedback = feedback.model_copy(update={"bandwidth": slower})
        return ZLoop(feedback, Amplitude(self._held.amplitude, self._settings.free_amplitude))

    def _hurt(self, at: Point, damage: Damage) -> None:
        if damage.depth:
            self._sample.dent(*at, damage.depth, damage.radius)

    def _after_line(
        self, rng: np.random.Generator, path: Path, followed: LoopLine
    ) -> Contrast | None:
        """Let the tip wear, change or crash; return what it finds then, None if the same."""
        before, fields = self._life.tip, self._sample.fields
        load = self._held.load if not self._is_tapping else 0.0
        distance = float(np.hypot(np.diff(path.x), np.diff(path.y)).sum()) if load else 0.0
        pressed = self._pressed(followed.closest)
        late = float(np.mean(pressed > 0))
        self._life.pass_time(path.duration, rng, path.start, distance, load, late)
        worst = int(np.argmax(pressed))
        force = self._probe.stiffness * float(pressed[worst])
        if force > self._settings.crash:
            damage = self._life.crash(rng, path.start, force / self._settings.crash)
            self._hurt((float(path.x[worst]), float(path.y[worst])), damage)
        after = self._life.tip
        is_same = before is after or _looks(before) == _looks(after)
        return None if is_same and fields is self._sample.fields else self._contrast()

    def _pressed(self, closest: FloatArray) -> FloatArray:
        """Return how far the cantilever is bent beyond what is held [m], not negative."""
        free = self._held.amplitude if self._is_tapping else 0.0
        return np.maximum(closest - free, 0.0)


def _looks(tip: TipState) -> TipState:
    """Return a tip without what changes images only in the long run."""
    return replace(tip, radius=same_radius(tip.radius), offset=0.0)
