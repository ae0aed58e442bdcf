"""The tip's safety: arming what guards it, bringing it to the sample, and withdrawing it."""

import contextlib
import logging
import time

from spm_auto.errors import InstrumentError, NotConfirmed, Refused
from spm_auto.wire import nanonis as wire

from .conversation import FIRST_POLL, GROWTH, LAST_POLL, SWITCHING, Conversation
from .line import Line, Lines
from .settings import NanonisSettings

_log = logging.getLogger(__name__)

OFF, ON, HOLD, SWITCHING_OFF, SAFE_TIP, WITHDRAWING = 1, 2, 3, 4, 5, 6  # ZCtrl.StatusGet
ENGAGED = (ON, HOLD)
RAIL = 0.01  # share of the z range next to its ends where the tip does not follow the surface
WITHDRAWAL = 10.0  # [s] for the tip to be up
ORDER = 2.0  # [s] for the controller to take the order to withdraw
# what else may go on; ended after the tip was ordered up
ENDINGS: tuple[tuple[str, wire.Values], ...] = (
    ("AutoApproach.OnOffSet", {"run": 0}),
    ("Motor.StopMove", {}),
    ("Scan.Action", {"action": 1, "direction": 1}),
    ("FolMe.Stop", {}),
    ("BiasSpectr.Stop", {}),
    ("ZSpectr.Stop", {}),
)


def arm(talk: Conversation, settings: NanonisSettings) -> None:
    """Arm the guard of the tip and set the limits of z, each confirmed.

    Raises:
        InstrumentError: The controller does not confirm it; nothing may run by itself then.
    """
    guard = settings.safe_tip
    if guard.armed:
        talk.set("SafeTip.Props", auto_recovery=0, auto_pause=1, threshold=guard.threshold)
        talk.do("SafeTip.OnOffSet", state=1)
        talk.until(
            lambda: talk.do("SafeTip.OnOffGet")["state"] == 1,
            SWITCHING,
            "SafeTip does not say that it is armed, so nothing may run by itself",
        )
    if settings.z_limits is not None:
        low, high = settings.z_limits
        talk.set("ZCtrl.LimitsEnabled", on=1)
        talk.set("ZCtrl.Limits", high=high, low=low)


def engage(talk: Conversation, settings: NanonisSettings) -> None:
    """Bring the tip to the sample, unless it is there.

    Raises:
        InstrumentError: The approach did not end in time, or not at the sample.
    """
    talk.until(
        lambda: talk.do("ZCtrl.StatusGet")["status"] not in (SWITCHING_OFF, WITHDRAWING),
        settings.approach_timeout,
        "the tip does not come to rest",
    )
    if talk.do("ZCtrl.StatusGet")["status"] not in ENGAGED:
        _approach(talk, settings.approach_timeout)
    if talk.do("ZCtrl.OnOffGet")["on"] != 1:
        talk.do("ZCtrl.OnOffSet", on=1)
    talk.until(
        lambda: talk.do("ZCtrl.OnOffGet")["on"] == 1, SWITCHING, "the z loop does not switch on"
    )
    if (status := talk.do("ZCtrl.StatusGet")["status"]) != ON:
        raise InstrumentError(
            f"the z controller has status {status} after the approach, expected 2"
        )
    limits, z = talk.do("ZCtrl.LimitsGet"), talk.do("ZCtrl.ZPosGet")["z"]
    rail = RAIL * (limits["high"] - limits["low"])
    if not limits["low"] + rail < z < limits["high"] - rail:
        raise InstrumentError(
            f"the tip does not follow a surface: z is {z:g} m, at the end of its range "
            f"{limits['low']:g} to {limits['high']:g} m"
        )


def _approach(talk: Conversation, timeout: float) -> None:
    talk.do("AutoApproach.Open")
    try:
        talk.do("AutoApproach.OnOffSet", run=1)
        talk.until(
            lambda: talk.do("AutoApproach.OnOffGet")["running"] == 0,
            timeout,
            "the approach did not end",
        )
    except BaseException:
        if not talk.action.is_emergency:
            with contextlib.suppress(InstrumentError):
                talk.lines.supervision.ask("AutoApproach.OnOffSet", run=0)
        raise


def withdraw(lines: Lines) -> None:
    """Order the tip up over the first connection that takes the order, and see that it is up.

    Raises:
        NotConfirmed: No connection took the order, or the controller does not say that it is done.
    """
    failures = []
    ways = dict.fromkeys((lines.stop, lines.supervision))
    for line in ways:
        try:
            line.ask("ZCtrl.Withdraw", within=ORDER, wait=0, timeout=-1)
            _end_all(line)
            _confirm(line)
        except NotConfirmed as error:  # it took the order: another connection says the same
            failures.append(str(error))
            break
        except InstrumentError as error:
            _log.error("withdrawing over %s: %s", line.name, error)
            failures.append(str(error))
        else:
            return
    raise NotConfirmed(f"the tip was ordered up, which is NOT confirmed: {'; '.join(failures)}")


def _end_all(line: Line) -> None:
    for command, values in ENDINGS:
        with contextlib.suppress(Refused):
            line.ask(command, within=ORDER, **values)


def _confirm(line: Line) -> None:
    """Wait until the z controller says that it is off, and no longer on its way up.

    After the safe tip has acted the status goes on saying so; then z must be where it withdraws to.
    """
    end, pause = time.monotonic() + WITHDRAWAL, FIRST_POLL
    while True:
        status = line.ask("ZCtrl.StatusGet", within=ORDER)["status"]
        is_off = status in (OFF, SAFE_TIP) and line.ask("ZCtrl.OnOffGet", within=ORDER)["on"] == 0
        if is_off and (status == OFF or _is_up(line)):
            return
        if time.monotonic() > end:
            raise NotConfirmed(f"z controller has status {status} after {WITHDRAWAL:g} s")
        time.sleep(pause)
        pause = min(pause * GROWTH, LAST_POLL)


def _is_up(line: Line) -> bool:
    limits, z = line.ask("ZCtrl.LimitsGet", within=ORDER), line.ask("ZCtrl.ZPosGet", within=ORDER)
    return bool(z["z"] >= limits["high"] - RAIL * (limits["high"] - limits["low"]))
