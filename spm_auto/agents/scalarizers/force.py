"""Scalarizers of force curves: adhesion, stiffness of the contact and indentation modulus."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from spm_auto.instrument import FloatArray, ForceCurve, QualityFlag

from ..loops import LoopError, check, noise_of
from ..protocol import Scalar
from .channels import need_force_curve
from .least_squares import fit

FEWEST = 32  # points each way
UNDISTURBED = 0.25  # share of the way in that counts as far from the sample
LEAST_LOAD = 8.0  # deviations of a point that the largest load must be
FLAT = 0.15  # slope of the far end in those of the contact: above, the ramp began in contact
DRIFT = 0.1  # what the baseline may change over the ramp, in ranges of the force
SIGNIFICANT = 5.0  # deviations that a slope, a drift or an attraction must be
LEVEL_POINTS = 4  # as many largest values that are equal are the end of the detector
PULLED = 6  # points before the pull-off that its force is taken from
JUMP = 4.5  # deviations of a point by which the force changes in one step at a pull-off
UPPER_HALF = 0.5  # of the largest load, from which on the stiffness is taken
FITTED = 0.1  # of the largest load, from which on an indentation is fitted
FEWEST_FITTED = 6


def adhesion(curve: ForceCurve) -> Scalar:
    """Return the pull-off force [N]: the largest attraction on the way out.

    It is 0 where nothing stands out of the noise; a flag would hide that nothing sticks there.
    """
    return _of_curve(curve, lambda pressed: pressed.pull_off(), "N")


def stiffness(curve: ForceCurve) -> Scalar:
    """Return the slope of the force by the extension in the upper half of the load [N/m].

    It is taken on the way out, and that of cantilever and contact in series: it grows with the
    contact's and ends at the cantilever's.
    """
    return _of_curve(curve, lambda pressed: pressed.slope(), "N/m")


@dataclass(frozen=True, slots=True)
class IndentationModulus:
    """A scalarizer: the reduced modulus of the contact [Pa], after Hertz with adhesion as DMT.

    F + F_pull-off = 4/3 E* sqrt(R) d^1.5 is fitted to the way out. A force curve does not say what
    measured it, so this one is made with that.

    Attributes:
        spring_constant: Of the cantilever [N/m].
        radius: Of the apex [m].

    Source:
        B. Derjaguin, V. Muller, Y. Toporov, J. Colloid Interface Sci. 53, 314 (1975).
    """

    spring_constant: float
    radius: float

    def __post_init__(self) -> None:
        if not (self.spring_constant > 0 and self.radius > 0):
            raise ValueError(
                f"spring_constant and radius must be positive, got {self.spring_constant} N/m and "
                f"{self.radius} m"
            )

    def __call__(self, curve: ForceCurve) -> Scalar:
        """Return the reduced modulus [Pa]."""
        return _of_curve(
            curve, lambda pressed: pressed.modulus(self.spring_constant, self.radius), "Pa"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pressed:
    """A force curve that came from afar, touched and pressed.

    Attributes:
        extension: Towards the sample [m], rising, shape (n,).
        force: On the way out from the baseline [N], shape (n,).
        noise: Standard deviation of a point [N].
        level_noise: Standard deviation of the baseline [N].
    """

    extension: FloatArray
    force: FloatArray
    noise: float
    level_noise: float

    @classmethod
    def of(cls, curve: ForceCurve) -> Self:
        """Judge a force curve by its first channel.

        Raises:
            LoopError: It is not such a curve.
        """
        z, way_in, way_out = curve.extension, curve.approach[0], curve.retract[0]
        if QualityFlag.SATURATED in curve.flags:
            raise LoopError(str(QualityFlag.SATURATED))
        for force in (way_in, way_out):
            check(force)
        if len(z) < FEWEST:
            raise LoopError(f"fewer than {FEWEST} points each way")
        if not np.isfinite(z).all() or not np.all(np.diff(z) > 0):
            raise LoopError("the extension does not rise")
        way_in, way_out = _bridged(way_in), _bridged(way_out)
        far = max(8, int(UNDISTURBED * len(z)))
        slopes = [_line(z[:far], force[:far]) for force in (way_in, way_out)]
        noise = (noise_of(way_in[:far]) + noise_of(way_out[:far])) / 2
        level_in, level_out = float(np.mean(way_in[:far])), float(np.mean(way_out[:far]))
        load, reach = float(np.max(way_in)) - level_in, float(np.ptp(way_in))
        tail = max(5, len(z) // 20)
        if float(np.median(way_in[-tail:])) - level_in < LEAST_LOAD / 2 * noise or (
            load < LEAST_LOAD * noise
        ):
            raise LoopError("no contact: the force does not rise at the end of the ramp")
        top = np.count_nonzero(way_in >= np.max(way_in) - 1e-9 * reach)
        if top >= LEVEL_POINTS:
            raise LoopError(str(QualityFlag.SATURATED))
        end, _ = _line(z[-tail:], way_in[-tail:])
        begin, begin_noise = slopes[0]
        if begin > FLAT * end and begin > SIGNIFICANT * begin_noise:
            raise LoopError("the ramp begins in contact")
        drift = max(abs(slope) for slope, _ in slopes) * float(np.ptp(z))
        drift_noise = max(each for _, each in slopes) * float(np.ptp(z))
        apart = abs(level_in - level_out)
        if (drift > DRIFT * reach and drift > SIGNIFICANT * drift_noise) or (
            apart > max(DRIFT * reach, SIGNIFICANT * noise * math.sqrt(2 / far))
        ):
            raise LoopError("the baseline drifts")
        return cls(z, way_out - level_out, noise, noise / math.sqrt(far))

    def pull_off(self) -> tuple[float, float]:
        """Return the largest attraction and its standard deviation [N].

        It is the force at the last point before the tip jumps off, which happens within the step
        that follows.
        """
        force, z = self.force, self.extension
        smooth = np.convolve(np.pad(force, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
        lowest = int(np.argmin(smooth))
        near = np.arange(max(lowest - 3, 1), min(lowest + 4, len(z) - PULLED))
        if len(near) == 0 or -smooth[lowest] < SIGNIFICANT * self.noise / math.sqrt(3):
            return 0.0, self.noise
        jumps = force[near - 1] - force[near]
        edge = int(near[np.argmax(jumps)])
        if float(np.max(jumps)) > JUMP * self.noise:
            step = float(force[edge + PULLED] - force[edge]) / PULLED
            # where a step of the ramp is more than the noise, the last point says most by itself
            count = PULLED if step < self.noise else 1
            x = np.arange(count, dtype=float)
            powers = np.column_stack([np.ones(count), x])[:, : min(count, 2)]
            inverse = np.linalg.inv(powers.T @ powers)
            value = float((inverse @ (powers.T @ force[edge : edge + count]))[0])
            # the tip jumped off somewhere in the step that follows
            noise = math.hypot(self.noise * math.sqrt(inverse[0, 0]), step / math.sqrt(12))
            return -value, math.hypot(noise, self.level_noise)
        # no jump, but a rounded minimum: a parabola around it
        reach = 3 * PULLED // 2
        part = slice(max(lowest - reach, 0), lowest + reach + 1)
        x = (z[part] - z[lowest]) / float(np.ptp(z[part]))
        powers = np.column_stack([np.ones_like(x), x, x**2])
        inverse = np.linalg.inv(powers.T @ powers)
        curve = inverse @ (powers.T @ force[part])
        value = float(curve[0])
        if curve[2] > 0:
            value -= float(curve[1] ** 2 / (4 * curve[2]))
        # a jump that the noise hides was rounded off
        noise = self.noise * math.sqrt(1 + float(inverse[0, 0]))
        return -value, math.hypot(noise, self.level_noise)

    def slope(self) -> tuple[float, float]:
        """Return the slope in the upper half of the load and its standard deviation [N/m]."""
        part = self._above(UPPER_HALF)
        x = self.extension[part] - np.mean(self.extension[part])
        power = float(x @ x)
        value = float(x @ self.force[part]) / power
        return value, self.noise / math.sqrt(power)

    def modulus(self, spring_constant: float, radius: float) -> tuple[float, float]:
        """Return the reduced modulus and its standard deviation [Pa]."""
        part = self._above(FITTED)
        z, load = self.extension[part], self.force[part]
        pull_off, pull_off_noise = self.pull_off()
        top = float(load[-1])

        def exponent(attraction: float) -> tuple[float, float]:
            model = _Indented(z, spring_constant, radius, attraction, top)
            most = model.guess(load)
            low, high = most - np.array([25.0, 5.0]), most + np.array([25.0, 5.0])
            found = fit(model, most, load / top, low, high)
            if not found.is_settled or found.deviation * top > 0.05 * top + 3 * self.noise:
                raise LoopError("the contact is not that of a sphere")
            return float(found.parameters[0]), found.deviation_of(np.array([1.0, 0.0]))

        value, noise = exponent(max(pull_off, 0.0))
        other, _ = exponent(max(pull_off, 0.0) + pull_off_noise)
        noise = math.hypot(noise, other - value)
        if not noise < 1:
            raise LoopError("how stiff the sample is is not known: it is too stiff for the lever")
        return math.exp(value), math.exp(value) * noise

    def _above(self, share: float) -> slice:
        """Return the end of the way that presses with more than a share of the largest load."""
        load = float(np.median(self.force[-3:]))
        below = np.flatnonzero(self.force < share * load)
        first = int(below[-1]) + 1 if len(below) else 0
        if len(self.force) - first < FEWEST_FITTED:
            raise LoopError("too few points in contact")
        return slice(first, None)


class _Indented:
    """Load over its largest against extension, by the logarithm of E* and where contact begins."""

    def __init__(
        self, z: FloatArray, spring_constant: float, radius: float, pull_off: float, top: float
    ) -> None:
        self._z, self._k, self._root = z, spring_constant, 4 / 3 * math.sqrt(radius)
        self._pull_off, self._top = pull_off, top
        self._unit = float(np.ptp(z))

    def guess(self, load: FloatArray) -> FloatArray:
        """Return parameters: extension - F/k is a straight line in (F + F_pull-off)^(2/3)."""
        moved = self._z - load / self._k
        power = np.maximum(load + self._pull_off, 0.0) ** (2 / 3)
        slope, begin = np.polyfit(power, moved, 1)
        slope = max(float(slope), 1e-4 * self._unit / float(power[-1]))
        return np.array([-1.5 * math.log(slope) - math.log(self._root), begin / self._unit])

    def __call__(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        hertz = math.exp(float(parameters[0])) * self._root
        # with s = d^0.5, k (z - z0 - d) = hertz d^1.5 - pull-off, by Newton's way from above
        moved = np.maximum(self._z - parameters[1] * self._unit + self._pull_off / self._k, 0.0)
        s = np.sqrt(moved)
        for _ in range(60):
            excess = hertz * s**3 + self._k * s**2 - self._k * moved
            change = excess / np.maximum(3 * hertz * s**2 + 2 * self._k * s, 1e-300)
            s = s - change
            if float(np.max(np.abs(change))) <= 1e-10 * float(np.max(s, initial=1e-300)):
                break
        contact = 1.5 * hertz * s  # stiffness of the contact
        share = self._k / (self._k + contact)
        force = hertz * s**3 - self._pull_off
        slopes = np.column_stack([hertz * s**3 * share, -contact * share * self._unit])
        return force / self._top, slopes / self._top


def _of_curve(
    curve: ForceCurve, value: Callable[[Pressed], tuple[float, float]], unit: str
) -> Scalar:
    try:
        found, noise = value(Pressed.of(need_force_curve(curve)))
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    return Scalar(found, noise, unit=unit)


def _bridged(force: FloatArray) -> FloatArray:
    """Replace single points that lie far from both neighbours, which lie close to each other."""
    middle = (force[:-2] + force[2:]) / 2
    away, apart = np.abs(force[1:-1] - middle), np.abs(force[2:] - force[:-2])
    failed = (away > 8 * noise_of(force)) & (away > 0.2 * np.ptp(force)) & (away > 4 * apart)
    clean = force.copy()
    clean[1:-1][failed] = middle[failed]
    return clean


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Return the slope of a straight line and its standard deviation."""
    u = x - np.mean(x)
    power = float(u @ u)
    slope = float(u @ y) / power
    left = y - np.mean(y) - slope * u
    return slope, math.sqrt(float(left @ left) / max(len(x) - 2, 1) / power)
