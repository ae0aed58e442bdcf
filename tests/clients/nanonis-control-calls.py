"""The package nanonis-control drives our emulated controller."""

import json
import sys

from nanonis_calls import judge, near
from nanonis_control.nanonis_tcp import nanonis_programming_interface

address = json.loads(sys.argv[1])
nanonis = nanonis_programming_interface(address["host"], address["ports"][0])


def done(value):
    return value is None or not value


judge("BiasSet", lambda: nanonis.BiasSet("250m"), lambda _: True)
judge("BiasGet", nanonis.BiasGet, near(0.25))
judge("TipXYSet", lambda: nanonis.TipXYSet(3e-9, -2e-9), lambda _: True)
judge(
    "TipXYGet",
    nanonis.TipXYGet,
    lambda v: near(3e-9, -2e-9)(list(v.values()) if isinstance(v, dict) else list(v)),
)
judge("SetpointSet", lambda: nanonis.SetpointSet("50p"), lambda _: True)
judge("SetpointGet", nanonis.SetpointGet, near(50e-12))
judge("CurrentGet", nanonis.CurrentGet, lambda v: 1e-12 < v < 1e-9)
judge("FeedbackOnOffGet", nanonis.FeedbackOnOffGet, lambda v: v in (1, "on", "On", "ON"))
judge("TipZGet", nanonis.TipZGet, lambda v: abs(v) < 1e-6)
judge("Withdraw", nanonis.Withdraw, lambda _: True)
