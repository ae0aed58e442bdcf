"""Validation of the meeting of tip and surface: dilation, erosion, spheres."""

import numpy as np

from spm_auto.simulator.tips import (
    dilated,
    dilated_by_paraboloid,
    eroded,
    eroded_by_paraboloid,
    spherical_tip,
)

SPACING = (1e-9, 1.5e-9)
VILLARRUBIA = "J. S. Villarrubia, J. Res. NIST 102, 425 (1997)"


def rough() -> np.ndarray:
    """Give a surface that is steep where no tip of 20 nm reaches."""
    rng = np.random.default_rng(3)
    return np.asarray(np.cumsum(rng.normal(0.0, 1e-9, (64, 80)), axis=1))


def ball_on_a_plane(radius: float, spacing: float, half: int) -> np.ndarray:
    x = np.arange(-half, half + 1) * spacing
    r2 = x**2 + x[:, np.newaxis] ** 2
    cap = radius + np.sqrt(np.maximum(radius**2 - r2, 0.0))
    return np.where(r2 < radius**2, cap, 0.0)


def curvature_radius(image: np.ndarray, spacing: float, reach: int) -> float:
    """Return the radius of the sphere through the summit and points around it."""
    middle = image.shape[0] // 2
    x = np.arange(-reach, reach + 1) * spacing
    z = image[middle, middle - reach : middle + reach + 1] - image[middle, middle]
    # a sphere through the summit: x^2 + z^2 = -2 r z
    return float(-np.sum((x**2 + z**2) * z) / (2 * np.sum(z**2)))


def test_dilation_and_erosion_are_idempotent_together(validation):
    surface, tip = rough(), spherical_tip(20e-9, SPACING, 15e-9)
    image = dilated(surface, tip)
    again = dilated(eroded(image, tip), tip)
    worst = 1e9 * float(np.max(np.abs(again - image)))
    validation.close(
        34, "dilated(eroded(image)) = image, sphere", worst, 0.0, VILLARRUBIA, absolute=1e-12,
        unit="nm",
    )  # fmt: skip
    image = dilated_by_paraboloid(surface, SPACING, 20e-9)
    again = dilated_by_paraboloid(eroded_by_paraboloid(image, SPACING, 20e-9), SPACING, 20e-9)
    worst = 1e9 * float(np.max(np.abs(again - image)))
    validation.close(
        34, "dilated(eroded(image)) = image, paraboloid", worst, 0.0, VILLARRUBIA, absolute=1e-12,
        unit="nm",
    )  # fmt: skip


def test_erosion_bounds_the_surface_from_above(validation):
    surface, tip = rough(), spherical_tip(20e-9, SPACING, 15e-9)
    bound = eroded(dilated(surface, tip), tip)
    below = 1e9 * float(np.min(bound - surface))
    touched = float(np.mean(bound - surface < 1e-15))
    validation.holds(
        34, "eroded(dilated(surface)) lies on or above the surface", below > -1e-12 and touched > 0,
        measured=f"lowest {below:.2g} nm, touched {100 * touched:.0f} %", reference="0 nm",
        source=VILLARRUBIA, tolerance="1e-12 nm",
    )  # fmt: skip


def test_a_flat_surface_stays_flat(validation):
    flat = np.full((64, 80), 3.7e-9)
    by_sphere = dilated(flat, spherical_tip(20e-9, SPACING, 15e-9))
    by_paraboloid = dilated_by_paraboloid(flat, SPACING, 20e-9)
    same = bool((by_sphere == flat).all() and (by_paraboloid == flat).all())
    validation.holds(
        34, "flat stays flat", same, measured="bitwise" if same else "differs",
        reference="bitwise", source=VILLARRUBIA,
    )  # fmt: skip


def test_a_sphere_looks_as_large_as_itself_and_the_tip_together(validation):
    spacing, ball, tip = 0.5e-9, 10e-9, 20e-9
    surface = ball_on_a_plane(ball, spacing, 80)
    image = dilated(surface, spherical_tip(tip, (spacing, spacing), tip))
    found = curvature_radius(image, spacing, 20)
    source = "sphere over sphere: r + R"
    validation.close(
        34, "radius of a 10 nm sphere, 20 nm sphere as tip", found * 1e9, 30.0, source,
        relative=0.02, unit="nm",
    )  # fmt: skip
    image = dilated_by_paraboloid(surface, (spacing, spacing), tip)
    found = curvature_radius(image, spacing, 8)
    validation.close(
        34, "radius of a 10 nm sphere, 20 nm paraboloid as tip", found * 1e9, 30.0, source,
        relative=0.02, unit="nm",
    )  # fmt: skip


def test_the_two_passes_are_the_maximum_over_the_whole_paraboloid(validation):
    surface, radius = rough(), 20e-9
    half = 70
    x = np.arange(-half, half + 1) * SPACING[0]
    y = np.arange(-half, half + 1)[:, np.newaxis] * SPACING[1]
    direct = dilated(surface, (x**2 + y**2) / (2 * radius))
    off = 1e9 * float(np.max(np.abs(dilated_by_paraboloid(surface, SPACING, radius) - direct)))
    validation.close(
        34, "paraboloid in two passes less direct maximum", off, 0.0, "scipy grey_dilation",
        absolute=1e-12, unit="nm",
    )  # fmt: skip
