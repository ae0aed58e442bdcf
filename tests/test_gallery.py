"""The gallery: a sheet for every sample and every artefact, and a clear word without one."""

from pathlib import Path

import pytest

from spm_auto import plugins
from spm_auto.errors import PluginError
from spm_auto.gallery import draw_gallery, names
from spm_auto.gallery.artefacts import ARTEFACTS
from spm_auto.gallery.draw import _table
from spm_auto.gallery.looks import LOOKS
from spm_auto.settings import validate


def test_there_is_a_sheet_for_every_sample_and_every_artefact() -> None:
    assert set(plugins.names("samples")) | set(ARTEFACTS) == set(names())
    assert set(LOOKS) == set(plugins.names("samples"))


@pytest.mark.parametrize("name", ARTEFACTS)
def test_the_settings_of_every_panel_are_ones_that_the_simulator_takes(name: str) -> None:
    kind = plugins.load("instruments", "simulator")
    for panel in ARTEFACTS[name].panels.values():
        table = {"kind": "simulator", **_table(ARTEFACTS[name], panel)}
        validate(kind, table, "gallery")


def test_sheets_are_drawn_and_told_one_by_one(tmp_path: Path) -> None:
    told: list[Path] = []
    files = draw_gallery(tmp_path / "new", ("hopg", "drift"), seed=2, pixels=16, told=told.append)
    assert files == told == [tmp_path / "new" / "hopg.png", tmp_path / "new" / "drift.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


def test_a_sheet_that_is_not_there_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no sheet 'hopgg'; did you mean 'hopg'"):
        draw_gallery(tmp_path / "none", ("drift", "hopgg"))
    assert not (tmp_path / "none").exists()
