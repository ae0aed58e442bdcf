"""The artefacts: each a perfect microscope in which one thing alone goes wrong."""

from .sheets import Artefact, Panel

GOLD = {"kind": "au111"}
PERFECT = Panel()
LEVELS = {
    "level 0, perfect": Panel(level=0),
    "level 1, with noise": Panel(level=1),
    "level 2, with scanner and loop": Panel(level=2),
    "level 3, with tip changes": Panel(level=3),
}

ARTEFACTS = {
    "levels_stm": Artefact(
        "the four levels of difficulty, height", GOLD, "stm", LEVELS, 20e-9, line_rate=4.0
    ),
    "levels_pfm": Artefact(
        "the four levels of difficulty, amplitude",
        {"kind": "ferroelectric_film"},
        "pfm",
        LEVELS,
        1e-6,
    ),
    "levels_afm": Artefact(
        "the four levels of difficulty, height", {"kind": "polymer_blend"}, "afm", LEVELS, 2e-6
    ),
    "creep": Artefact(
        "after a long move from the lower left the frame still creeps: lines bend at the bottom",
        {"kind": "au111", "size": "120 nm"},
        "stm",
        {
            "none": PERFECT,
            "creep 3 % per decade": Panel(scanner={"creep": 0.03}),
            "creep 6 % per decade": Panel(scanner={"creep": 0.06}),
            "3 %, the way back": Panel(scanner={"creep": 0.03}, backward=True),
        },
        15e-9,
        (45e-9, 45e-9),
        4.0,
        (-55e-9, -55e-9),
    ),
    "hysteresis": Artefact(
        "an open piezo goes there and back by different ways",
        GOLD,
        "stm",
        {
            "none": PERFECT,
            "forward": Panel(scanner={"hysteresis": 0.13, "calibrated_size": 0.05}),
            "backward": Panel(scanner={"hysteresis": 0.13, "calibrated_size": 0.05}, backward=True),
            "closed loop": Panel(
                scanner={"hysteresis": 0.13, "calibrated_size": 0.05, "closed_loop": True}
            ),
        },
        50e-9,
        line_rate=4.0,
    ),
    "drift": Artefact(
        "the sample moves while it is scanned: lattices shear, heights lean",
        GOLD,
        "stm",
        {
            "none": PERFECT,
            "0.05 nm/s": Panel(scanner={"drift": "0.05 nm/s"}),
            "random walk": Panel(scanner={"random_walk": "100 pm"}),
            "just warmed up": Panel(scanner={"warm_up": "200 nm", "warm_up_time": "600 s"}),
        },
        20e-9,
        line_rate=4.0,
    ),
    "tilt_and_bow": Artefact(
        "what must be levelled, and what levelling leaves; as the instrument shows it",
        {"kind": "polymer_blend"},
        "afm",
        {
            "none": Panel(is_levelled=False),
            "tilt 0.3 deg": Panel(scanner={"tilt_x": "0.3 deg"}, is_levelled=False),
            "bow": Panel(scanner={"bow": "60 um"}, is_levelled=False),
            "both": Panel(scanner={"tilt_x": "0.3 deg", "bow": "60 um"}, is_levelled=False),
        },
        2.4e-6,
    ),
    "feedback_gain": Artefact(
        "a slow loop smears the height and leaves the current; a fast one rings",
        GOLD,
        "stm",
        {
            f"{channel}, gain {gain:g} /s": Panel(
                technique={"feedback": {"gain": gain}}, on=("feedback",), channel=channel
            )
            for channel in ("height", "current")
            for gain in (60.0, 600.0, 2000.0, 4500.0)
        },
        20e-9,
        line_rate=4.0,
    ),
    "noise_stm": Artefact(
        "what the amplifier and the building add",
        GOLD,
        "stm",
        {
            "none": PERFECT,
            "noise of the current": Panel(on=("current_noise", "feedback")),
            "shaking": Panel(on=("mechanical_noise", "feedback")),
            "both": Panel(on=("current_noise", "mechanical_noise", "feedback")),
        },
        5e-9,
        line_rate=4.0,
    ),
    "tip_changes_stm": Artefact(
        "a tip that becomes another one now and then: height, sharpness and ends change",
        GOLD,
        "stm",
        {
            f"once in {time}": Panel(
                technique={"tip_life": {"change_time": time}}, on=("tip_life",)
            )
            for time in ("60 s", "20 s", "8 s")
        }
        | {"none": PERFECT},
        12e-9,
        line_rate=4.0,
    ),
    "tip_changes_pfm": Artefact(
        "contrast, phase and resolution jump with the tip",
        {"kind": "ferroelectric_film"},
        "pfm",
        {
            f"{channel}, once in {time}": Panel(
                technique={"tip_life": {"change_time": time}}, on=("tip_life",), channel=channel
            )
            for channel in ("amplitude", "phase")
            for time in ("150 s", "60 s")
        },
        1e-6,
    ),
    "tip_shape": Artefact(
        "a blunt tip makes inclusions wide and pits shallow",
        {"kind": "stiff_inclusions"},
        "afm",
        {
            "no size": PERFECT,
            "tapping probe, 8 nm": Panel(technique={"probe": "tapping"}, on=("is_sharp",)),
            "60 nm": Panel(
                technique={
                    "probe": {
                        "stiffness": "40 N/m",
                        "resonance": "300 kHz",
                        "quality": 400.0,
                        "radius": "60 nm",
                    }
                },
                on=("is_sharp",),
            ),
        },
        1.5e-6,
    ),
    "faults": Artefact(
        "faults on demand, each at the scan's line 128",
        GOLD,
        "stm",
        {
            "stuck axis x": Panel(also={"faults": [{"kind": "stuck_axis", "action": 1}]}),
            "feedback at the rail": Panel(
                also={"faults": [{"kind": "railed_feedback", "action": 1, "at": 128}]},
                is_levelled=False,
            ),
            "saturated preamplifier": Panel(
                also={
                    "faults": [
                        {"kind": "saturated_preamp", "action": 1, "at": 128, "channel": "current"}
                    ]
                },
                channel="current",
            ),
            "garbage": Panel(
                also={"faults": [{"kind": "garbage", "action": 1, "at": 128}]}, is_levelled=False
            ),
        },
        20e-9,
        line_rate=4.0,
    ),
}
