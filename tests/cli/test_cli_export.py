"""``spm-auto export``: a run as files of other programs."""

import shutil
from pathlib import Path

import pytest
from prompt import Command

STORED = Path(__file__).parent.parent / "files" / "journal-1.spmj"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a run."""
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(STORED, run / "run.spmj")
    return run


def test_export_prints_the_files_that_it_wrote(command: Command, folder: Path) -> None:
    code, out, _ = command("export", folder, "--to", "sxm")
    assert code == 0
    assert out == f"{folder / 'export' / 'Tiny000.sxm'}\n"
    assert (folder / "export" / "Tiny000.sxm").is_file()


def test_export_goes_where_it_is_told(command: Command, folder: Path, tmp_path: Path) -> None:
    code, out, _ = command("export", folder, "--to", "dat", "--out", tmp_path / "here")
    assert code == 0
    assert sorted(map(str, (tmp_path / "here").iterdir())) == out.splitlines()
    assert not (folder / "export").exists()


def test_an_unknown_format_is_refused_in_one_line(command: Command, folder: Path) -> None:
    code, _, error = command("export", folder, "--to", "gyw")
    assert code == 1
    assert error == (
        "error: there is no export to 'gyw'; did you mean 'gwy'? "
        "(known: gwy, sxm, dat, csv, png, events, event-model)\n"
    )
