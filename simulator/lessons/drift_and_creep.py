"""drift_and_creep: how fast does the sample move, and how long does the piezo go on?"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from spm_auto.lessons import Answer, Lesson, Question, Tolerance

from .behind import behind, chance

DRIFTS = (0.02e-9, 0.06e-9)  # [m/s]
CREEPS = (0.012, 0.04)  # share of a move in each decade of time
JUMP = 5e-6  # [m]
LONG = 1000.0  # over which the drift is worked out [s]

_LAB = """\
schema_version = 1
laboratory = "drift and creep"

[instrument]
kind = "simulator"
level = 2
sample = {{ kind = "stiff_inclusions", size = "6 um", count = 14, decoy_count = 0, \
radius = "150 nm", radius_spread = 0.3, roughness = "2 nm" }}
technique = {{ kind = "afm" }}
scanner = {{ preset = "perfect", drift = "{drift:.5f} nm/s", creep = {creep:.5f} }}

[limits]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


class DriftAndCreep(Lesson):
    """A sample that does not stay, under a scanner that does not stop."""

    number = 3
    name = "drift_and_creep"
    title = "Drift and creep"
    questions: ClassVar[Mapping[str, Question]] = {
        "drift": Question(
            "How fast do features of the sample move in the image, along x and along y?",
            unit="m/s",
            size=2,
            points=2.0,
        ),
        "creep": Question(
            "Which share of a move does the piezo add in each decade of time after it?", unit="1"
        ),
        "settle": Question(
            f"After a jump of {1e6 * JUMP:g} um: when is the creep no faster than the drift?",
            unit="s",
        ),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "drift": Tolerance(0.1, is_share=True),
        "creep": Tolerance(0.2, is_share=True),
        "settle": Tolerance(0.2, is_share=True),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: drift and creep are drawn; the seed gives the drift's direction."""
        rng = chance(self, seed)
        return _LAB.format(drift=1e9 * float(rng.uniform(*DRIFTS)), creep=rng.uniform(*CREEPS))

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return drift and creep; features move against the tip."""
        stage = behind(self, seed)
        (moved,) = stage.truth.drift(np.array([stage.clock.now() + LONG]))
        drift = -moved / LONG
        creep = stage.truth.scanner.settings.creep
        return {
            "drift": (float(drift[0]), float(drift[1])),
            "creep": creep,
            "settle": creep * JUMP / (float(np.hypot(*drift)) * math.log(10)),
        }
