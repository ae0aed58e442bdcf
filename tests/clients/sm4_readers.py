"""spym and Gwyddion read the files of the emulated R9, and see what our own reader sees."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import gwyddionpy
import numpy as np

warnings.simplefilter("ignore")
from spym.io import rhksm4  # noqa: E402  it warns of its own arithmetic

FOLDER = Path(json.loads(sys.argv[1])["folder"])
EXPECTED = np.load(FOLDER / "expected.npz")
SMALL = 1e-6  # of the largest value


def report(call: str, off: Callable[[], float]) -> None:
    """Say by how much something is off, as a share of the largest value."""
    try:
        share = float(off())
        right, why = share <= SMALL, f"off by {share:.1g}"
    except Exception as error:  # noqa: BLE001  other people's programs raise anything
        right, why = False, repr(error)
    sys.stdout.write(json.dumps({"call": call, "right": bool(right), "why": why}) + "\n")
    sys.stdout.flush()


def off(got: object, expected: object) -> float:
    """Return the largest difference over the largest value."""
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    if got.shape != expected.shape:
        raise ValueError(f"shape {got.shape}, expected {expected.shape}")
    return float(np.abs(got - expected).max() / np.abs(expected).max())


def spym_pages(name: str) -> dict[str, object]:
    """Return spym's pages by label."""
    return {page.label: page for page in rhksm4.load(str(FOLDER / name))}


def scaled(page: object) -> np.ndarray:
    """Return a page of spym in its unit, as spym itself scales it."""
    return page.data.astype(float) * page.attrs["RHK_Zscale"] + page.attrs["RHK_Zoffset"]


square = spym_pages("square.sm4")
for channel in ("height", "current"):
    for way in ("Forward", "Backward"):
        report(
            f"spym {channel} {way}",
            lambda c=channel, w=way: off(
                scaled(square[f"{c}_{w}"]), EXPECTED[f"square_{c}_{w}"][::-1]
            ),
        )
page = square["height_Forward"].attrs
report("spym offsets", lambda: off([page["RHK_Xoffset"], page["RHK_Yoffset"]], EXPECTED["center"]))
report("spym angle", lambda: off(page["RHK_Angle"], EXPECTED["angle"]))
report("spym scale", lambda: off(abs(page["RHK_Xscale"]), EXPECTED["step"]))

curves = spym_pages("spectra.sm4")
report("spym spectra", lambda: off(scaled(curves["Current"]).T, EXPECTED["curves"]))
report("spym bias", lambda: off(curves["Current"].coords[0][1], EXPECTED["bias"]))
report(
    "spym position of a spectrum",
    lambda: off(
        [curves["Current"].attrs[f"RHK_SpecDrift_{a}coord"][0] for a in "XY"], EXPECTED["place"]
    ),
)
report(
    "spym image that is not square",
    lambda: off(
        scaled(spym_pages("wide.sm4")["height_Forward"]), EXPECTED["wide_height_Forward"][::-1]
    ),
)

KEYS = [f"wide_{c}_{w}" for c in ("height", "current") for w in ("Forward", "Backward")]
wide = list(gwyddionpy.load(str(FOLDER / "wide.sm4")).channels.values())
for key, seen in zip(KEYS, wide, strict=True):
    report(f"Gwyddion {key}", lambda k=key, s=seen: off(s.data, EXPECTED[k][::-1]))
report("Gwyddion size", lambda: off([wide[0].xreal, wide[0].yreal], EXPECTED["size"]))
