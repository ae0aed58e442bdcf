"""What a Nanonis controller tells of the tip, and the way up where withdrawing it fails."""

import contextlib
import time
from collections.abc import Callable

from spm_auto.errors import InstrumentError, NotConfirmed, Refused
from spm_auto.instrument import Vitals
from spm_auto.units import format as format_quantity
from spm_auto.wire import nanonis as wire

from .conversation import FIRST_POLL, GROWTH, LAST_POLL
from .line import Line, Lines
from .safety import ENGAGED, ON, ORDER, RAIL, SAFE_TIP
from .settings import NanonisSettings

ANSWER = 0.5  # [s] for each answer, when somebody looks after the tip
RETREAT = 10.0  # [s] for the tip to be up by the last resort
DIRECTIONS = {"z+": 4, "z-": 5}  # Motor.StartMove


def read_vitals(
    line: Line, settings: NanonisSettings, now: Callable[[], float], is_loaded: bool
) -> Vitals:
    """Read what the controller feels: six short questions over one connection.

    It does not tell the error of its z loop; one that does not hold the tip shows by its z.

    Args:
        line: The connection.
        settings: What the lab file says.
        now: Instrument time [s].
        is_loaded: Whether `load` has brought the tip to the sample, and nobody withdrew it since.

    Raises:
        InstrumentError: It cannot be read.
    """

    def ask(command: str) -> wire.Values:
        return line.ask(command, within=min(ANSWER, settings.reply_timeout))

    began = now()
    signal = abs(float(ask("SafeTip.SignalGet")["value"]))
    status = ask("ZCtrl.StatusGet")["status"]
    z, limits = float(ask("ZCtrl.ZPosGet")["z"]), ask("ZCtrl.LimitsGet")
    is_on, guard = ask("SafeTip.OnOffGet")["state"] == 1, ask("SafeTip.PropsGet")
    threshold = format_quantity(float(guard["threshold"]), "A", 4)
    return Vitals(
        time=began,
        signal=signal,
        unit="A",
        threshold=settings.safe_tip.threshold,
        z=z,
        z_range=(float(limits["low"]), float(limits["high"])),
        is_feedback_on=is_loaded and status == ON,
        error=None,
        is_protected=is_on,
        protection=f"SafeTip is {'on' if is_on else 'off'}, at {threshold}",
        has_tripped=is_loaded and status == SAFE_TIP,
        is_engaged=is_loaded and status in ENGAGED,
    )


def tells_vitals(line: Line, settings: NanonisSettings) -> bool:
    """Whether the controller answers all that is asked for the vitals."""
    try:
        read_vitals(line, settings, lambda: 0.0, is_loaded=False)
    except Refused:
        return False
    return True


def last_resort(lines: Lines, settings: NanonisSettings) -> None:
    """Open the z loop and put z to its upper limit; then step away with the coarse motor.

    The motor is used only where the lab file says how many steps.

    Raises:
        NotConfirmed: The controller does not say that it is done.
    """
    failures = []
    for line in dict.fromkeys((lines.stop, lines.supervision)):
        try:
            _put_up(line)
            _step_away(line, settings)
        except InstrumentError as error:
            failures.append(str(error))
        else:
            return
    raise NotConfirmed(f"z was put to its upper limit, which is NOT confirmed: {failures}")


def _put_up(line: Line) -> None:
    line.ask("ZCtrl.OnOffSet", within=ORDER, on=0)
    _until(line, lambda: line.ask("ZCtrl.OnOffGet", within=ORDER)["on"] == 0, "the loop is on")
    limits = line.ask("ZCtrl.LimitsGet", within=ORDER)
    high, rail = limits["high"], RAIL * (limits["high"] - limits["low"])
    line.ask("ZCtrl.ZPosSet", within=ORDER, z=high)
    _until(
        line,
        lambda: line.ask("ZCtrl.ZPosGet", within=ORDER)["z"] >= high - rail,
        f"z is not at its upper limit of {format_quantity(high, 'm', 4)}",
    )


def _step_away(line: Line, settings: NanonisSettings) -> None:
    if not settings.retreat_steps:
        return
    direction = DIRECTIONS[settings.retreat_direction]
    with contextlib.suppress(Refused):  # what moved before it may be a motor
        line.ask("Motor.StopMove", within=ORDER)
    line.ask(
        "Motor.StartMove",
        within=RETREAT,
        direction=direction,
        steps=settings.retreat_steps,
        group=0,
        wait=1,
    )


def _until(line: Line, is_so: Callable[[], bool], otherwise: str) -> None:
    """Ask again and again until something is so."""
    end, pause = time.monotonic() + RETREAT, FIRST_POLL
    while not is_so():
        if time.monotonic() > end:
            raise NotConfirmed(f"{line.name}: {otherwise} after {RETREAT:g} s")
        time.sleep(pause)
        pause = min(pause * GROWTH, LAST_POLL)
