"""The command line shows what is in a file of another program."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from prompt import Command

SPECTRUM = (
    "Experiment\tbias spectroscopy\t\r\nX (m)\t35E-9\t\r\nY (m)\t-20E-9\t\r\n\r\n[DATA]\r\n"
    "Bias calc (V)\tCurrent (A)\r\n-1.5\t1E-9\r\n0.5\t2E-9\r\n"
)


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    (tmp_path / "curve.dat").write_bytes(SPECTRUM.encode("ascii"))
    return tmp_path / "curve.dat"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "image.h5", "w") as file:
        data = file.create_dataset("height/data", data=np.ones((3, 2)))
        data.attrs.update(quantity="[red]height", units="nm")
        for index, (name, length) in enumerate((("y", 3), ("x", 2))):
            scale = file.create_dataset(f"height/{name}", data=10.0 * np.arange(length))
            scale.attrs.update(name=name, units="nm", dimension_type="SPATIAL")
            scale.make_scale(name)
            data.dims[index].attach_scale(scale)
    return tmp_path / "image.h5"


def test_show_tells_of_spectra(command: Command, curve: Path) -> None:
    code, out, _ = command("show", curve)
    assert code == 0
    assert out.startswith("curve.dat: Nanonis bias spectroscopy")
    for said in ("Current [A]", "-1.5 V to 500 mV", "35 nm", "-20 nm"):
        assert said in out


def test_show_tells_of_images(
    command: Command, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = command("show", image)
    assert code == 0
    for said in ("[red]height", "forward", "2 x 3", "20 nm x 30 nm", "(5 nm, 10 nm)", "0 deg"):
        assert said in out


def test_show_json_tells_of_a_data_file_in_si(command: Command, image: Path) -> None:
    code, out, _ = command("show", image, "--json")
    assert code == 0
    shown = json.loads(out)
    (row,) = shown["images"]
    assert (row["channel"], row["unit"], row["directions"]) == ("[red]height", "m", ["forward"])
    assert row["size"] == pytest.approx([20e-9, 30e-9])
    assert shown["spectra"] == shown["curves"] == shown["notes"] == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"no measurement", "neither a run nor a data file that is known"),
        ("cut.h5", b"\x89HDF\r\n\x1a\n" + bytes(40), "the file is damaged"),
        ("gone.sxm", None, "there is no such file"),
        (".", None, "there is no run here"),
    ],
)
def test_what_is_neither_a_run_nor_a_data_file_is_one_clear_line(
    command: Command, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, err = command("show", tmp_path / name)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1
