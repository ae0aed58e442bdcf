"""Values: the numbers and texts that Asylum's program keeps, by the names of its wave."""

import re

ZERO = 0.2  # [V] that the sensors show in the middle of the range
SENSITIVITY = 2.5e-6  # [m/V] of the x sensor
Y_SENSITIVITY = -2.4e-6  # [m/V]: it rises when the tip goes down, as on some scanners

# fields of panels whose value has another name than they
FIELDS = {
    "PointsLines": ("ScanPoints", "ScanLines"),
    "bdDriveAmplitude": ("BDDriveAmplitude",),
    "DriveAmplitude_DART": ("DFRTDriveAmplitude",),
}
_FIELD = re.compile(r"(\w+?)SetVar(?:_\d+)?", re.IGNORECASE)


class Values:
    """Names of one wave of variables; upper and lower case are the same."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._texts = {"basename": "Image", "imagingmode": "PFM Mode"}
        for name, value in _DEFAULTS.items():
            self._numbers[name.lower()] = value

    def __getitem__(self, name: str) -> float:
        return self._numbers[name.lower()]

    def __setitem__(self, name: str, value: float) -> None:
        if name.lower() not in self._numbers:
            raise ValueError(f"there is no value {name!r}")
        self._numbers[name.lower()] = value

    def get(self, name: str) -> float:
        """Return a number; NaN where there is none of this name, as Igor does."""
        return self._numbers.get(name.lower(), float("nan"))

    def text(self, name: str) -> str:
        """Return a text; empty where there is none of this name."""
        return self._texts.get(name.lower(), "")

    def set_text(self, name: str, text: str) -> None:
        """Keep a text."""
        self._texts[name.lower()] = text


def of_field(control: str) -> tuple[str, ...]:
    """Return the names of the values that a field of a panel shows; none for what is no field."""
    match = _FIELD.fullmatch(control)
    if match is None:
        return ()
    return FIELDS.get(match[1], (match[1],))


_DEFAULTS = {
    "ScanSize": 1e-6,
    "FastRatio": 1.0,
    "SlowRatio": 1.0,
    "ScanPoints": 256.0,
    "ScanLines": 256.0,
    "ScanRate": 1.0,
    "ScanAngle": 0.0,
    "XOffset": 0.0,
    "YOffset": 0.0,
    "SaveImage": 2.0,
    "LastScan": 2.0,
    "BaseSuffix": 0.0,
    "XLVDTSens": SENSITIVITY,
    "YLVDTSens": Y_SENSITIVITY,
    "XLVDTOffset": ZERO,
    "YLVDTOffset": -ZERO,
    "TipVoltage": 0.0,
    "SurfaceVoltage": 0.0,
    "NapTipVoltage": 0.0,
    "DriveAmplitude": 1.0,
    "BDDriveAmplitude": 0.1,
    "DriveFrequency": 70e3,
    "IntegralGain": 10.0,
    "AmplitudeSetpointVolts": 0.5,
    "DeflectionSetpointVolts": 0.2,
    "SampleHeight": 0.0,
    "StageMoveStepSize": 0.0,
    "DFRTFrequencyCenter": 350e3,
    "DFRTFrequencyWidth": 10e3,
    "SweepWidth": 50e3,
    "PhaseOffset": 0.0,
    "PhaseOffset1": 0.0,
    "DARTIGain": 20.0,
    "ARDoIVAmp": 1.0,
    "ARDoIVFrequency": 1.0,
    "ARDoIVCycles": 1.0,
    "ARDoIVArg2": 0.0,
    "ARDoIVArg3": 5e-3,
    "ARDoIVArg4": 0.5,
    "ARDoIVFunc": 0.0,
    "NumPtsPerSec": 1000.0,
    "TriggerPoint": 0.5,
    "ForceDist": 100e-9,
    "ForceScanRate": 1.0,
    "ForceSpotNumber": 0.0,
    "SpringConstant": 2.0,
    "InvOLS": 60e-9,
    "PotentialIGain": 1.0,
    "PotentialPGain": 0.0,
}
