"""A process that has control of a served microscope and works with it, until it is killed.

    python hand.py COMMAND-ADDRESS SERVER-KEY SECRET-KEY-FILE WORK

WORK is "moves" or "scans". It says "control" once it has it, and then each instruction that it was
told is done; when it is refused it says why, and ends or, when it scans, readies it again.
"""

import sys
from itertools import count
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from spm_auto.clock import RealClock
from spm_auto.errors import EmergencyStopped, SpmError
from spm_auto.instrument import Load, PositionProbe, Scan, ScanFrame
from spm_auto.server import Place, RemoteInstrument, read_identity

SCAN = Scan(ScanFrame((0.0, 0.0), (1e-8, 1e-8), (64, 64)), line_rate=50.0)


def main() -> None:
    """Take control and work."""
    command, public, key, work = sys.argv[1:]
    instrument = RemoteInstrument(Place(command, public), read_identity(Path(key)), RealClock())
    say("control")
    try:
        instrument.load(Load())
        for number in count():
            if work == "scans":
                scan(instrument)
            else:
                instrument.position_probe(PositionProbe(1e-9 * (number % 5), 0.0))
            say(str(number))
    except SpmError as error:
        say(f"{type(error).__name__}: {error}")


def scan(instrument: RemoteInstrument) -> None:
    """Scan, and begin again when somebody has withdrawn the tip."""
    try:
        for _ in instrument.scan(SCAN):
            pass
    except EmergencyStopped:
        instrument.load(Load())


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
