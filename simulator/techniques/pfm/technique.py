"""PfmTechnique: asks a piezoelectric sample, and reads it as an instrument would."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spm_auto.instrument import BiasWaveform, Channel, FloatArray, Scan

from ...feedback import Deflection, LoopState, ZLoop
from ...randomness import RandomStreams
from ...samples import PiezoSample, View
from ...timing import Point
from ...tip import TipSettings
from ...tips import TipEvent, TipLife, TipLifeState, TipState
from ..protocol import Contact, Imaging, Technique
from .band_excitation import Band, ComplexArray
from .imaging import PfmImaging
from .readout import BandExcitationReadout, LockIn

if TYPE_CHECKING:
    from .settings import PfmSettings

CRASH = 2e-6  # [N] that leave their mark on tip and sample


class PfmState(NamedTuple):
    """Everything changeable about the technique and its sample."""

    sample: Any
    tip: TipLifeState
    loop: LoopState | None


class PfmTechnique(Technique):
    """A conducting tip in contact with a piezoelectric sample.

    Args:
        settings: Tip, cantilever, drive, z loop and noise.
        sample: What lies under the tip.
        streams: Where the noise comes from.
    """

    def __init__(
        self, settings: "PfmSettings", sample: PiezoSample, streams: RandomStreams
    ) -> None:
        self._settings = settings
        self._sample = sample
        self._streams = streams
        tuned = settings.cantilever.contact_resonance(sample.contact_stiffness)
        self._band = Band(tuned, settings.band_width, settings.band_bins)
        self._life = TipLife(settings.tip_life, TipState(radius=settings.tip.radius))
        self._loop = ZLoop(settings.feedback, Deflection())

    @property
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan; the lateral ones where the sample answers sideways."""
        channels = (Channel("amplitude", "m"), Channel("phase", "rad"), Channel("height", "m"))
        if not self._sample.answers_sideways:
            return channels
        return *channels, Channel("lateral_amplitude", "m"), Channel("lateral_phase", "rad")

    @property
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""
        channels = (Channel("piezoresponse", "m"),)
        if not self._settings.fit_channels:
            return channels
        return *channels, Channel("resonance", "Hz"), Channel("quality", "1")

    @property
    def bias_limit(self) -> float:
        """Range of the bias source, both ways [V]."""
        return self._settings.bias_limit

    @property
    def contact(self) -> Contact:
        """The force would show it; no channel does."""
        loop, load = self._settings.feedback, self._settings.load
        reach = math.inf if loop.ideal else loop.z_range
        return Contact("N", load, max(CRASH, 10 * load), reach=reach)

    @property
    def tip(self) -> TipSettings:
        """What touches the sample now: a blunter tip makes less field and sees a larger area."""
        good, now = self._settings.tip, self._life.tip
        if now.radius == good.radius:
            return good
        field = good.field * good.radius / now.radius
        return good.model_copy(update={"radius": now.radius, "field": field})

    @property
    def tip_history(self) -> tuple[TipEvent, ...]:
        """What happened to the tip."""
        return self._life.history

    @property
    def band(self) -> Band:
        """The frequencies that spectra excite."""
        return self._band

    def begin_scan(self, scan: Scan, number: int) -> Imaging:
        """Freeze the domains as the tip finds them now."""
        settings = self._settings
        angle = settings.twist
        twist = np.array([math.cos(angle), math.sin(angle)])
        return PfmImaging(
            scan=scan,
            view=self._view,
            lock_in=self._lock_in,
            loop=self._loop,
            life=self._life,
            load=settings.load,
            sideways=twist if self._sample.answers_sideways else None,
            streams=self._streams,
            number=number,
        )

    def spectrum(
        self,
        at: Point,
        waveform: BiasWaveform,
        number: int,
        time: float,  # noqa: ARG002
    ) -> FloatArray:
        """Switch the film and read a loop."""
        response = self._sample.sweep(*at, waveform, self.tip)
        rng = self._streams.stream("spectrum", number)
        loop = self._band_excitation().read(response, self._sample.contact(*at), waveform, rng)
        if not self._settings.fit_channels:
            return loop.piezoresponse[np.newaxis]
        return np.stack([loop.piezoresponse, loop.resonance, loop.quality])

    def raw_spectrum(self, at: Point, waveform: BiasWaveform, number: int) -> ComplexArray:
        """Do the same, but return the vibration that the loop is fitted to [m], [point, bin]."""
        response = self._sample.sweep(*at, waveform, self.tip)
        rng = self._streams.stream("spectrum", number)
        return self._band_excitation().raw(response, self._sample.contact(*at), waveform, rng)

    def break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:
        """Switch the film as far as the sweep came."""
        self._sample.sweep(*at, waveform, self.tip, points)

    def snapshot(self) -> PfmState:
        """Return the state of sample, tip and z loop."""
        return PfmState(self._sample.snapshot(), self._life.snapshot(), self._loop.snapshot())

    def restore(self, snapshot: PfmState) -> None:
        """Go back to a snapshot."""
        self._sample.restore(snapshot.sample)
        self._life.restore(snapshot.tip)
        self._loop.restore(snapshot.loop)

    def _view(self) -> View:
        tip, blur = self.tip, self._life.tip.blur
        if blur != 1.0:
            tip = tip.model_copy(update={"radius": blur * tip.radius})
        return self._sample.view(tip)

    def _lock_in(self) -> LockIn:
        tip = self._life.tip
        return LockIn(self._settings.drive, self._settings.noise, tip.gain, tip.phase)

    def _band_excitation(self) -> BandExcitationReadout:
        settings, tip = self._settings, self._life.tip
        return BandExcitationReadout(
            settings.drive, self._band, settings.cantilever, settings.noise, tip.gain, tip.phase
        )
