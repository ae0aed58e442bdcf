"""The one table of commands: each name, and who answers it."""

from collections.abc import Callable
from functools import partial

from spm_auto.errors import Unsupported
from spm_auto.wire.nanonis import Values

from .bias import BiasCommands
from .bias_spectroscopy import BiasSpectroscopy
from .desk import Desk
from .motion import MotionCommands
from .pattern import PatternCommands
from .piezo import PiezoCommands
from .scan_settings import ScanSettings
from .scanning import Scanning
from .signals import SignalCommands
from .tools import ToolCommands
from .z_control import ZCommands
from .z_spectroscopy import ZSpectroscopy

Handler = Callable[[Values], Values | None]

# what would change how the microscope behaves, in a way that the simulation cannot follow
NOT_SIMULATED = {
    "Piezo.XYZLimitsSet": ("enable", (1,)),
    "BiasSpectr.SafeCond1Set": ("action", (2, 3)),
    "BiasSpectr.AltZCtrlSet": ("state", (1,)),
    "BiasSpectr.PropsSet": ("save_all", (1,)),
    "ZSpectr.PropsSet": ("save_all", (1,)),
    "SafeTip.PropsSet": ("auto_recovery", (1,)),
    "FolMe.PSOnOffSet": ("on", (1,)),
}


def commands(desk: Desk, release: int) -> dict[str, Handler]:
    """Return who answers each command, by its name."""
    table: dict[str, Handler] = {}
    for name in desk.panel.rows:
        table[f"{name}Set"] = partial(desk.panel.set, name)
        table[f"{name}Get"] = partial(desk.panel.get, name)
    settings = ScanSettings(desk)
    scanning = Scanning(desk, settings)
    spectroscopy = BiasSpectroscopy(desk)
    topics = (
        BiasCommands(desk),
        ZCommands(desk),
        MotionCommands(desk),
        PiezoCommands(desk),
        settings,
        scanning,
        spectroscopy,
        ZSpectroscopy(desk),
        SignalCommands(desk),
        PatternCommands(desk, settings, spectroscopy),
        ToolCommands(desk, release),
    )
    for topic in topics:
        table |= topic.commands()
    for name, (field, refused) in NOT_SIMULATED.items():
        table[name] = _refusing(name, field, refused, table[name])
    return table


def _refusing(name: str, field: str, refused: tuple[int, ...], handler: Handler) -> Handler:
    def answer(values: Values) -> Values | None:
        if values.get(field) in refused:
            raise Unsupported(f"{name}: the simulation cannot follow {field} {values[field]}")
        return handler(values)

    return answer
