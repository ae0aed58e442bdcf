"""Files from strangers: each that could do harm is one clear line, and nothing of it is read."""

import os
import re
import tracemalloc
from pathlib import Path

import asymmetric
import foreign_files
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_auto.data import open_file, open_hdf5
from spm_auto.data.files.nsid import read_nsid
from spm_auto.data.files.trial import try_to_read
from spm_auto.errors import DataError
from spm_auto.instrument import ScanFrame, ScanImage
from spm_auto.simulator import read_recording

SECRET = b"TOP-SECRET" * 100


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Give a file whose time of last access tells whether anybody has read it."""
    path = tmp_path / "secret.txt"
    path.write_bytes(SECRET)
    forget(path)
    return path


def forget(path: Path) -> None:
    os.utime(path, (1, path.stat().st_mtime))


def was_read(path: Path) -> bool:
    return path.stat().st_atime != 1


def refusal(path: Path, reader=read_nsid) -> str:
    """Return what a reader says of a file that it must refuse, which is one line that names it."""
    with pytest.raises(DataError) as caught:
        reader(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    assert "TOP-SECRET" not in said
    return said


def image(file: h5py.File, **how: object) -> h5py.Dataset:
    """Put an image with scales into a file; how its data are stored may be said."""
    data = file.create_dataset("image/data", **{"data": np.zeros((4, 3)), **how})
    for index, (name, length) in enumerate(zip("xy", data.shape, strict=True)):
        scale = file.create_dataset(f"image/{name}", data=np.arange(min(length, 9.0)))
        scale.attrs.update(name=name, units="m", dimension_type="SPATIAL")
        scale.make_scale(name)
        data.dims[index].attach_scale(scale)
    return data


def test_a_link_to_another_file_is_refused_and_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        image(other)
    forget(tmp_path / "other.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        image(file)
        file["more"] = h5py.ExternalLink("other.h5", "/image")
    assert "/more is a link to another file, which is refused" in refusal(tmp_path / "linked.h5")
    with h5py.File(tmp_path / "soft.h5", "w") as file:
        file["a/out"] = h5py.ExternalLink("other.h5", "/")
        file["A"] = h5py.SoftLink("/a/out/image/data")  # sorted before what it goes through
    assert "/A leads to nothing in the file" in refusal(tmp_path / "soft.h5")
    assert not was_read(tmp_path / "other.h5")


@pytest.mark.parametrize("place", ["/image/y", "/image/y/further", "../image/y", "/nothing"])
def test_a_soft_link_must_lead_to_something(tmp_path: Path, place: str) -> None:
    with h5py.File(tmp_path / "soft.h5", "w") as file:
        image(file)
        file["link"] = h5py.SoftLink(place)
    if place == "/image/y":
        assert len(read_nsid(tmp_path / "soft.h5").images) == 1  # met once, where it stands
    else:
        assert "the link /link leads to nothing" in refusal(tmp_path / "soft.h5")


def test_links_in_circles_are_refused_and_groups_in_circles_are_walked_once(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "circle.h5", "w") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
    assert "leads in circles" in refusal(tmp_path / "circle.h5")
    with h5py.File(tmp_path / "group.h5", "w") as file:
        image(file)
        file["image/again"] = file["/"]
    assert len(read_nsid(tmp_path / "group.h5").images) == 1
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file.create_group("/".join("abcd" * 10))
    assert "groups deep" in refusal(tmp_path / "deep.h5")


def test_bytes_of_another_file_are_never_read(tmp_path: Path, secret: Path) -> None:
    with h5py.File(tmp_path / "stored.h5", "w") as file:
        data = image(file)
        outside = file.create_dataset("outside", shape=(3,), dtype="f8", external=[(secret, 0, 24)])
        outside.make_scale("y")
        data.dims[1].detach_scale(file["image/y"])
        data.dims[1].attach_scale(outside)
    forget(secret)
    content = (tmp_path / "stored.h5").read_bytes()
    # the same file in which no name, only the reference of the image, leads to those data
    (tmp_path / "hidden.h5").write_bytes(without_last_name(content))
    assert "/outside is stored in other files" in refusal(tmp_path / "stored.h5")
    assert "leads out of the file's tree" in refusal(tmp_path / "hidden.h5")
    assert not was_read(secret)
    with h5py.File(tmp_path / "stored.h5") as file:  # the test can fail: this is what it would do
        assert SECRET.startswith(file["outside"][()].tobytes())
    if not was_read(secret):
        pytest.skip("this file system keeps no times of access; the refusals were tested")


def without_last_name(content: bytes) -> bytes:
    """Take the last of two names out of the root group of an HDF5 file."""
    node = content.find(b"SNOD")  # of the root group: the first that is written
    assert content[node + 6 : node + 8] == b"\2\0"
    return content[: node + 6] + b"\1\0" + content[node + 8 :]


def test_virtual_data_are_refused(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((4, 3), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "/image/data", shape=(4, 3))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    assert "/data is stored in other files" in refusal(tmp_path / "virtual.h5")


@pytest.mark.parametrize(
    "kind",
    [
        h5py.vlen_dtype(np.dtype("f8")),
        h5py.ref_dtype,
        np.dtype([("name", "f8"), ("link", h5py.ref_dtype)]),
        np.dtype((h5py.ref_dtype, (2,))),
    ],
)
def test_objects_are_refused_and_texts_are_not(tmp_path: Path, kind: np.dtype) -> None:
    with h5py.File(tmp_path / "objects.h5", "w") as file:
        file.create_dataset("objects", shape=(2,), dtype=kind)
    assert "/objects holds objects" in refusal(tmp_path / "objects.h5")
    with h5py.File(tmp_path / "texts.h5", "w") as file:
        image(file)
        file["texts"] = ["a journal's", "lines"]
    assert len(read_nsid(tmp_path / "texts.h5").images) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"shape": (200_000, 200_000), "chunks": (1000, 1000)},  # 320 GB, none of it stored
        {"shape": (200_000, 200_000), "chunks": (1000, 1000), "compression": "gzip"},
        {"shape": (20_000, 2_000), "chunks": (1000, 1000), "compression": "gzip"},  # 320 MB
        {"shape": (3, 3), "maxshape": (None, None), "chunks": (20_000, 10_000)},  # one chunk
    ],
)
def test_declared_data_that_the_file_cannot_hold_are_refused(
    tmp_path: Path, how: dict[str, object]
) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        image(file, data=None, dtype="f8", **how)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        assert "/image/data declares" in refusal(path)
        assert "/image/data declares" in refusal(path, read_recording)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_many_data_sets_count_together(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(40):
            file.create_dataset(f"{number}", shape=(60, 2**20 // 8, 1), dtype="f8", chunks=True)
    assert "brings the data to" in refusal(tmp_path / "many.h5")


def test_a_decoder_that_hdf5_does_not_bring_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "filter.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_DOUBLE, space, plist)
    assert "unknown decoder 32015" in refusal(tmp_path / "filter.h5")


def test_a_run_file_of_another_version_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        image(file)
        file.attrs["spm_auto_schema"] = "99"
    assert "schema version '99'; this program reads 1" in refusal(tmp_path / "run.h5")


def test_what_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no measurement")
    assert "this is no HDF5 file" in refusal(tmp_path / "text.h5")
    assert "there is no such file" in refusal(tmp_path / "nothing.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert "no image, map or spectrum" in refusal(tmp_path / "empty.h5")


SMALL = ScanImage(
    ScanFrame((1e-7, 2e-7), (3e-7, 2e-7), (3, 2), 0.3),
    asymmetric.CHANNELS,
    np.arange(12.0).reshape(2, 2, 3),
    np.arange(12.0).reshape(2, 2, 3) + 1,
    0.0,
    1.0,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asymmetric, "image", lambda: SMALL)
        return foreign_files.every_format(folder)


def survives(path: Path, content: bytes) -> bool:
    """Say whether a file of this content is still read."""
    path.write_bytes(content)
    return is_read(path)


def is_read(path: Path) -> bool:
    """Say whether a file is read; anything but a value or one clear line is a fault."""
    try:
        open_file(path)
    except DataError as error:
        said = str(error)
        assert said.startswith(str(path)), said
        assert "\n" not in said
        return False
    return True


@pytest.mark.parametrize("kind", [".sxm", ".ibw", ".gwy", ".3ds", ".dat"])
def test_a_file_that_is_cut_anywhere_is_one_clear_line(
    small: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    content, path = small[kind].read_bytes(), tmp_path / "cut"
    path.write_bytes(content)
    kept = []
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        kept += [length] if is_read(path) else []
    if kind == ".3ds":  # a whole number of sites is a grid that was broken off
        assert len(kept) == 5
    elif kind == ".dat":  # text that ends after a whole point, or within the last number
        assert min(kept) > content.find(b"[DATA]")
    else:
        assert kept == []


def test_an_hdf5_file_that_is_cut_is_one_clear_line(small: dict[str, Path], tmp_path: Path) -> None:
    content = small[".h5"].read_bytes()
    for kept in range(8, len(content), 131):
        (tmp_path / "cut.h5").write_bytes(content[:kept])
        refusal(tmp_path / "cut.h5")


@pytest.mark.parametrize("kind", [".sxm", ".ibw", ".gwy", ".3ds", ".dat"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_are_values_or_one_clear_line(
    small: dict[str, Path], tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    content = bytearray(small[kind].read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    survives(tmp_path / "flipped", bytes(content))


def test_hdf5_that_crashes_its_library_is_one_clear_line(
    small: dict[str, Path], tmp_path: Path
) -> None:
    content = small[".h5"].read_bytes()
    heap = content.find(b"GCOL")  # where HDF5 keeps the texts of attributes
    assert heap > 0
    for place in (heap + 8, heap + 16, heap + 24, content.find(b"TREE"), content.find(b"HEAP") + 8):
        broken = bytearray(content)
        broken[place : place + 8] = b"\xff" * 8
        survives(tmp_path / "broken.h5", bytes(broken))


def test_hdf5_that_makes_its_library_read_for_ever_is_one_clear_line(
    small: dict[str, Path], tmp_path: Path
) -> None:
    broken = bytearray(small[".h5"].read_bytes())
    broken[broken.find(b"GCOL") + 73] ^= 1  # the size of a text
    (tmp_path / "endless.h5").write_bytes(broken)
    refusal(tmp_path / "endless.h5", lambda path: try_to_read(path, patience=2.0))


def test_sizes_that_a_file_only_declares_take_no_memory(tmp_path: Path) -> None:
    scan = foreign_files.scan_bytes(SMALL)
    huge = {
        "scan": re.sub(rb"(:SCAN_PIXELS:\n)[^\n]*", rb"\1 100000 400000", scan),
        "grid": foreign_files.grid_bytes(
            np.zeros((2, 3, 1, 5)), ("I (A)",), (0.0, 1.0), np.zeros((2, 3)), (0, 0, 1, 1, 0)
        ).replace(b"Points=5", b"Points=500000000"),
        "wave": bytearray(foreign_files.image_wave_bytes(SMALL)),
        "tree": b"GWYPGwyContainer\0\x0d\0\0\0/0/data\0D\xff\xff\xff\xff"[:34],
    }
    huge["wave"][64 + 12 : 64 + 16] = b"\xff\xff\xff\x7f"
    tracemalloc.start()
    try:
        for name, content in huge.items():
            (tmp_path / name).write_bytes(bytes(content))
            refusal(tmp_path / name, open_file)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_a_file_that_was_checked_cannot_be_written(small: dict[str, Path]) -> None:
    before = small[".h5"].read_bytes()
    with open_hdf5(small[".h5"]) as file, pytest.raises((OSError, ValueError, KeyError)):
        file.root["more"] = 1.0
    assert small[".h5"].read_bytes() == before
