"""aespm drives a fake Igor, unchanged: only the variables that say where its files are are set.

Where Windows has its .bat, there is an executable script that hands the command file on; where it
has its own `dir`, there is one that lists by time.
"""

import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ADDRESS = json.loads(sys.argv[1])
BUFFER = Path(ADDRESS["folder"])
SAVED = Path(ADDRESS["save_path"])
TOOLS = Path(tempfile.mkdtemp(prefix="aespm_tools_"))


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


script(TOOLS / "dir", '#!/bin/sh\nls -t "$1"\n')
HOST, PORT = ADDRESS["listener"].split(":")
script(
    TOOLS / "SendToIgor",
    f"#!{sys.executable} -S\n"
    "import socket\n"
    f"line = socket.create_connection(({HOST!r}, {PORT}))\n"
    f"line.sendall({str(BUFFER / 'ToIgor.arcmd')!r}.encode() + b'\\n')\n"
    "while line.recv(99):\n    pass\n",
)
os.environ["PATH"] = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"

import aespm  # noqa: E402  it looks for dir when it is used
import numpy as np  # noqa: E402

its = aespm.experiment
its._buffer_path = str(BUFFER)
its._command_buffer = str(BUFFER / "ToIgor.arcmd")
its._read_out_buffer = str(BUFFER / "readout.txt")
its._bash_buffer = str(TOOLS / "SendToIgor")


def said(call: str, judge: Callable[[], tuple[bool, object]]) -> None:
    """Make a call and print whether what came of it is right."""
    try:
        right, why = judge()
    except Exception as error:  # noqa: BLE001  whatever goes wrong in there is what is asked
        right, why = False, f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"call": call, "right": bool(right), "why": str(why)}) + "\n")
    sys.stdout.flush()


def read(*names: str) -> np.ndarray:
    return np.atleast_1d(its.read_spm(list(names)))


def bits() -> int:
    path = str(BUFFER / "readout.txt")
    lines = [
        "Make/N=(1)/O ReadOut",
        "ReadOut[0] = ARGetStatus()",
        f'Save/O/G/J ReadOut as "{path}"',
    ]
    return int(its.read_spm("status", commands="\n".join(lines)))


def sets(action: str, value: float, *names: str) -> None:
    """Set a value by an action of its hyper-language, and read it back."""

    def judge() -> tuple[bool, object]:
        experiment.execute(action, value=value)
        return np.allclose(read(*names), value, rtol=1e-6, atol=0), read(*names)

    said(f"execute {action}", judge)


experiment = aespm.Experiment(folder=str(SAVED))
said(
    "read_spm XLVDTSens, YLVDTSens",
    lambda: (
        np.allclose(read("XLVDTSens", "YLVDTSens"), [2.5e-6, -2.4e-6], rtol=1e-9, atol=0),
        read("XLVDTSens"),
    ),
)
said(
    "read_spm of a name that there is not",
    lambda: (np.isnan(read("nonsense")[0]), read("nonsense")),
)
said(
    "read_spm PIDSLoop",
    lambda: (np.isfinite(read("PIDSLoop.0.Setpoint", "PIDSLoop.1.Setpoint")).all(), ""),
)


def engaged() -> tuple[bool, object]:
    experiment.execute_sequence(
        [["EnableStage", None, None], ["Approach", None, None], ["Engage", None, None]]
    )
    return bits() & 2, f"status {bits():#x}"


said("execute_sequence EnableStage, Approach, Engage", engaged)
for action, value, *names in (
    ("ScanRate", 4.0, "ScanRate"),
    ("ScanSize", 400e-9, "ScanSize"),
    ("Pixels", 16, "ScanPoints", "ScanLines"),
    ("XOffset", 20e-9, "XOffset"),
    ("YOffset", -10e-9, "YOffset"),
    ("ScanAngle", 30.0, "ScanAngle"),
    ("DriveAmp", 0.7, "DriveAmplitude"),
    ("IGain", 12.0, "IntegralGain"),
    ("DriveFreq", 71e3, "DriveFrequency"),
    ("SetpointAmp", 0.4, "AmplitudeSetpointVolts"),
    ("SetpointDefl", 0.3, "DeflectionSetpointVolts"),
    ("DARTWidth", 8e3, "DFRTFrequencyWidth"),
    ("IVAmpDART", 8.0, "ARDoIVAmp"),
    ("IVFreqDART", 2.0, "ARDoIVFrequency"),
    ("Cycles", 2, "ARDoIVCycles"),
    ("SamplingFreq", 128.0, "NumPtsPerSec"),
    ("FDTrigger", 0.6, "TriggerPoint"),
):
    sets(action, value, *names)


def moved() -> tuple[bool, object]:
    sensitivity = read("XLVDTSens", "YLVDTSens")
    before = read("PIDSLoop.0.Setpoint", "PIDSLoop.1.Setpoint")
    its.move_tip(r=[50e-9, -30e-9])
    after = read("PIDSLoop.0.Setpoint", "PIDSLoop.1.Setpoint")
    way = (after - before) * sensitivity
    return np.allclose(way, [50e-9, -30e-9], rtol=1e-6, atol=0), way


def staged() -> tuple[bool, object]:
    its.move_stage([10e-6, 0])
    return np.isclose(read("StageMoveStepSize")[0], 10e-6), read("StageMoveStepSize")


def tuned() -> tuple[bool, object]:
    tune = its.tune_probe(num=1, path=str(BUFFER / "Tune.ibw"), out=True)
    peak = tune[0][tune[1].argmax()]
    return peak == read("DFRTFrequencyCenter")[0] == 352e3, peak


def newest(base: str) -> str:
    """Wait for a file by the listing that it makes itself."""
    end = time.monotonic() + 20.0
    while time.monotonic() < end:
        names = [Path(path).name for path in its.get_files(str(SAVED)) if path.endswith(".ibw")]
        if names and names[0].startswith(base):
            return str(SAVED / names[0])
        time.sleep(0.1)
    raise TimeoutError(f"no file {base}*")


def scanned(action: str, base: str) -> tuple[bool, object]:
    experiment.execute("ChangeName", value=base)
    experiment.execute(action)
    wave = its.ibw_read(newest(base))
    height = wave.z
    right = height.shape == (16, 16) and np.isfinite(height).all() and np.ptp(height) > 0
    right = right and wave.size == 400e-9 and wave.header["ScanAngle"] == 30
    return right, f"{height.shape} {wave.size} {wave.channels}"


def swept() -> tuple[bool, object]:
    experiment.execute("ChangeName", value="loop")
    experiment.execute("IVDoItDART")
    wave = its.ibw_read(newest("loop"))
    bias = wave.data[-1][np.isfinite(wave.data[-1])]
    expected = 8.0 * np.interp(np.arange(128) / 64 % 1, [0, 0.25, 0.75, 1], [0, 1, -1, 0])
    return wave.mode == "Spec" and np.allclose(bias, expected, atol=1e-5), len(bias)


def kept() -> tuple[bool, object]:
    experiment.execute("GetForce")
    wave = its.ibw_read(str(BUFFER / "Force.ibw"))
    return wave.data.shape[1] == 138, wave.data.shape


def stopped() -> tuple[bool, object]:
    experiment.execute("StopScan")
    return not bits() & 1, f"status {bits():#x}"


said("move_tip", moved)
said("move_stage", staged)
said("tune_probe", tuned)
said("execute PFM_Mode", lambda: (experiment.execute("PFM_Mode") is None, ""))
said("execute DownScan; get_files; ibw_read", lambda: scanned("DownScan", "down"))
said("execute UpScan; get_files; ibw_read", lambda: scanned("UpScan", "up"))
said("execute StopScan", stopped)
said("execute IVDoItDART; ibw_read", swept)
said("execute GetForce; ibw_read", kept)
