"""Limits as a table of plain values and back, for a journal and for a wire."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .exposure import Exposure
from .limits import Limits, NoGoZone


def limits_to_table(limits: Limits) -> dict[str, Any]:
    """Turn limits into a table.

    A no-go zone is its middle, its radius, its reason, and where the stage stood, if that matters.
    """
    table = {field.name: getattr(limits, field.name) for field in dataclasses.fields(limits)}
    exposure = limits.exposure
    return {
        **table,
        "no_go": tuple(_zone(zone) for zone in limits.no_go),
        "exposure": None if exposure is None else dataclasses.asdict(exposure),
    }


def _zone(zone: NoGoZone) -> tuple[Any, ...]:
    stage = () if zone.stage is None else (zone.stage,)
    return (zone.x, zone.y, zone.radius, zone.reason, *stage)


def limits_from_table(table: Mapping[str, Any]) -> Limits:
    """Make limits of a table; what an older one does not know is no limit.

    Raises:
        TypeError: A key is not known, or a value is of another kind.
        ValueError: They make no sense.
    """
    given = dict(table)
    zones = tuple(NoGoZone(*zone) for zone in given.pop("no_go", ()))
    exposure = given.pop("exposure", None)
    return Limits(**given, no_go=zones, exposure=None if exposure is None else Exposure(**exposure))
