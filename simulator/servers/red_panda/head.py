"""Head: the DACs, the converter, the motor and the loop of the red panda, with the tip on them."""

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from spm_auto.clock import Clock
from spm_auto.wire import red_panda as wire

from .junction import Junction

STEP_TIME = 60 / (2 * 2048)  # [s] of the motor: 2 turns a minute, 2048 steps a turn
FAR = 500  # [counts] from the surface, further than any current reaches


class Head:
    """What the firmware's commands change.

    Args:
        junction: Tip and sample.
        clock: Instrument time.

    Attributes:
        status: What ``GSTS`` says.
        gains: Kp and Ki of the loop.
        target: Current that the loop holds [counts].
        surface: z of the sample, once the tip has found it [counts].
        readings: The latest of the converter [counts].
        crashes: What drove the tip into the sample, one line each.
    """

    def __init__(self, junction: Junction, clock: Clock) -> None:
        self.junction, self.clock = junction, clock
        self.status = wire.Status()
        self.gains = (0.0, 0.0)
        self.target = 0
        self.surface: int | None = None
        self.readings: deque[int] = deque([0] * wire.AVERAGED, maxlen=wire.AVERAGED)
        self.crashes: list[str] = []

    def now(self) -> wire.Status:
        """Return the status as it is asked for."""
        # two passes of the loop never end in the same moment
        time = max(int(self.clock.now() * 1000), self.status.time + 1)
        self.status = replace(self.status, time=time & 0xFFFFFFFF)
        return self.status

    @property
    def is_held(self) -> bool:
        """Whether the loop holds a current that is there."""
        regulates = self.status.has_feedback and self.gains[1] > 0
        return regulates and self.surface is not None

    def set(self, bias: int | None = None, x: int | None = None, y: int | None = None) -> None:
        """Set DACs [counts]; None leaves one as it is."""
        now = self.status
        self.status = replace(
            now,
            bias=now.bias if bias is None else bias,
            x=now.x if x is None else x,
            y=now.y if y is None else y,
        )
        if self.surface is not None:
            with self.junction.tolerant():
                if x is not None or y is not None:
                    self.junction.move(self.status.x, self.status.y)
                if self.is_held:
                    self.junction.hold(self.status.bias, self.target)
                else:
                    self.junction.open(self.status.bias)
            self.settle()

    def set_z(self, z: int) -> None:
        """Set the z DAC [counts]."""
        if self.is_held:
            return  # the loop sets another one in its next pass
        if self.surface is not None and z > self.surface + FAR:
            self.crash(f"DACZ {z} with the surface at {self.surface}")
        if self.surface is not None and z < self.surface - FAR:
            self.junction.station.withdraw()
            self.surface = None
        self.status = replace(self.status, z=z)

    def turn(self, steps: int) -> None:
        """Turn the motor."""
        with self.lasting(abs(steps) * STEP_TIME):
            self.status = replace(self.status, steps=self.status.steps + steps)
        if steps < 0 and self.surface is not None:
            self.junction.station.withdraw()
            self.surface = None

    def close_loop(self, target: int) -> None:
        """Hold a current [counts], beginning in the middle of z."""
        self.target = target
        self.status = replace(self.status, has_feedback=True)
        if self.surface is not None and self.surface < wire.MIDDLE:
            self.crash(f"CCON starts in the middle, with the surface at {self.surface}")
        if self.is_held:
            with self.junction.tolerant():
                self.junction.hold(self.status.bias, target)
        self.settle()

    def open_loop(self) -> None:
        """Hold z where it is."""
        if self.is_held:
            with self.junction.tolerant():
                self.junction.station.switch_feedback(on=False)
        self.status = replace(self.status, has_feedback=False)

    def settle(self) -> None:
        """Let the loop come to rest where the tip stands."""
        if self.is_held:
            with self.junction.tolerant():
                z, adc = self.junction.held()
                self.surface = z
                self.readings.extend([adc] * wire.AVERAGED)
                self.status = replace(self.status, z=z, adc=adc)
        elif self.status.has_feedback:  # runs to the end of its range, or stays in the middle
            z = wire.Z_RANGE[1] if self.gains[1] > 0 else wire.MIDDLE
            self.status = replace(self.status, z=z, adc=0)

    def sample(self, bias: int | None = None) -> int:
        """Read the converter once, at another bias where one is given."""
        adc = 0
        with self.junction.tolerant():
            if self.is_held and bias is None:
                adc = self.junction.held()[1]
            elif self.surface is not None:
                adc = self.junction.current(self.status.bias if bias is None else bias)
        self.readings.append(adc)
        self.status = replace(self.status, adc=adc)
        return adc

    def mean(self) -> int:
        """Return the mean of the latest readings [counts]."""
        return int(sum(self.readings) / wire.AVERAGED)

    def crash(self, why: str) -> None:
        """Note that the tip was driven into the sample."""
        self.crashes.append(why)

    @contextlib.contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """Let at least so much instrument time pass [s]."""
        end = self.clock.now() + seconds
        yield
        left = end - self.clock.now()
        if left > 0:
            self.clock.wait(left)
