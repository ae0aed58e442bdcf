"""What tests of the panels share: an instrument that has everything, and a view all filled."""

from dataclasses import replace

import made

from spm_auto.ear import About, Look
from spm_auto.gui.by_hand.parameters import ParametersView
from spm_auto.instrument import (
    AcquireForceCurve,
    Capabilities,
    Channel,
    ConditionTip,
    InstrumentState,
    MoveStage,
    SetFeedback,
    Status,
    Vitals,
)

LIMITS = replace(
    made.LIMITS,
    setpoint=(1e-12, 2e-9),
    setpoint_unit="A",
    gain=2000.0,
    force=20e-9,
    depth=5e-9,
    pulse=(-4.0, 4.0),
    spectrum_duration=60.0,
    bias_step=4.0,
    stage_x=(-1e-3, 1e-3),
    stage_y=(-1e-3, 1e-3),
)
CAPABILITIES = Capabilities(
    name="made microscope",
    image_channels=made.CHANNELS,
    spectrum_channels=(Channel("response", "m"),),
    x_range=(-5e-6, 5e-6),
    y_range=(-5e-6, 5e-6),
    bias_range=(-10.0, 10.0),
    position_accuracy=1e-10,
    is_simulated=True,
    instructions=frozenset({AcquireForceCurve, ConditionTip, SetFeedback, MoveStage}),
    has_vitals=True,
    stage_range=((-1e-3, 1e-3), (-1e-3, 1e-3)),
)
ABOUT = About(CAPABILITIES, LIMITS)
LOOK = Look(
    Status(InstrumentState.READY, (1.234e-7, -2.5e-7), 0.5, True, 12.0, stage=(0.0, 1e-4)),
    Vitals(12.0, 98.7e-12, "A", 1e-8, -1.2e-7, (-5e-7, 5e-7), True, 0.012),
)


def fill(view: ParametersView) -> None:
    """Make the view ready, with something right in every field of every panel."""
    view.set_about(ABOUT)
    view.show_look(LOOK)
    view.set_ready(True)
    for field, text in (
        (view.scan.x_row, "0 nm"),
        (view.scan.y_row, "0 nm"),
        (view.scan.wide, "1 um"),
        (view.scan.high, "1 um"),
        (view.scan.angle, "0 deg"),
        (view.scan.pixels, "128"),
        (view.scan.lines, "128"),
        (view.scan.rate, "2 Hz"),
        (view.spectrum.amplitude, "5 V"),
        (view.spectrum.offset, "0 V"),
        (view.spectrum.start, "-1 V"),
        (view.spectrum.stop, "1 V"),
        (view.spectrum.trigger, "10 nN"),
        (view.spectrum.distance, "100 nm"),
        (view.spectrum.points, "64"),
        (view.spectrum.cycles, "1"),
        (view.spectrum.dwell, "4 ms"),
        (view.spectrum.rate, "1 Hz"),
        (view.spectrum.where.x, "10 nm"),
        (view.spectrum.where.y, "20 nm"),
        (view.feedback.bias, "100 mV"),
        (view.feedback.setpoint, "50 pA"),
        (view.feedback.gain, "300 1/s"),
        (view.tip.bias, "3 V"),
        (view.tip.depth_row, "1 nm"),
        (view.tip.duration, "10 ms"),
        (view.tip.where.x, "10 nm"),
        (view.tip.where.y, "20 nm"),
        (view.probe.x_row, "10 nm"),
        (view.probe.y_row, "20 nm"),
        (view.stage.x_row, "100 um"),
        (view.stage.y_row, "0 um"),
    ):
        field.field.setText(text)
