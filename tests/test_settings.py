"""Settings as text: one clear line per fault, and values replaced by their path."""

import copy
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto import plugins
from spm_auto.errors import RecipeError
from spm_auto.instrument import FromCommandLine
from spm_auto.settings import Plugin, override, read_toml, validate
from spm_auto.units import Length


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Inner(Table):
    """A table within a plugin's table."""

    pixels: tuple[int, int] = (4, 4)


class Cantilever(Table):
    """Settings of a plugin that a test plants."""

    kind: str
    length: Length = 1e-6
    width: Length = 1e-6
    inner: Inner = Inner()

    @model_validator(mode="after")
    def _is_longer_than_wide(self) -> "Cantilever":
        if self.length < self.width:
            raise ValueError("a cantilever is longer than wide")
        return self


class Order(Table):
    """A table that holds plugins."""

    tip: Annotated[Any, Plugin("samples")] = None
    tips: tuple[Annotated[Any, Plugin("samples")], ...] = ()
    count: Annotated[int, Field(ge=1)] = 1


@pytest.fixture(autouse=True)
def _cantilevers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plugins.load
    monkeypatch.setattr(plugins, "names", lambda _: ("cantilever",))
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: Cantilever if name == "cantilever" else real(kind, name)
    )


def faults(table: dict[str, Any]) -> list[str]:
    """Return the lines of a refusal."""
    with pytest.raises(RecipeError) as refusal:
        validate(Order, table, "order.toml")
    return str(refusal.value).splitlines()


def test_a_plugins_table_becomes_its_settings() -> None:
    order = validate(Order, {"tip": {"kind": "cantilever", "length": "3 um"}}, "order.toml")
    assert order.tip == Cantilever(kind="cantilever", length="3 um")  # type: ignore[arg-type]


def test_an_unknown_key_is_named_by_its_whole_path() -> None:
    assert faults({"tip": {"kind": "cantilever", "inner": {"pixles": [1, 2]}}}) == [
        "order.toml: tip.inner.pixles: unknown key; did you mean 'pixels'?"
    ]
    assert faults({"tips": [{"kind": "cantilever"}, {"kind": "cantilever", "lenght": "1 m"}]}) == [
        "order.toml: tips[1].lenght: unknown key; did you mean 'length'?"
    ]
    assert faults({"cuont": 1}) == ["order.toml: cuont: unknown key; did you mean 'count'?"]
    assert faults({"zebra": 1}) == ["order.toml: zebra: unknown key"]


def test_what_is_wrong_with_a_plugin_as_a_whole_stands_after_its_path() -> None:
    wide = {"kind": "cantilever", "length": "1 um", "width": "2 um"}
    assert faults({"tip": wide}) == ["order.toml: tip: a cantilever is longer than wide"]
    assert faults({"tips": [wide]}) == ["order.toml: tips[0]: a cantilever is longer than wide"]


def test_each_fault_has_a_line_of_its_own() -> None:
    table = {"count": 0, "tip": {"kind": "cantilever", "length": 3, "width": "1 V"}}
    assert faults(table) == [
        "order.toml: tip.length: 3 has no unit; write it as text, for example '500 nm'",
        "order.toml: tip.width: '1 V' has the unit 'V'; expected 'm', for example '500 nm'",
        "order.toml: count: input should be greater than or equal to 1, got 0",
    ]


@pytest.mark.parametrize(
    ("table", "got"),
    [
        ("cantilever", ", got 'cantilever'; write { kind = 'cantilever' }"),
        (3, ", got 3"),
        ({}, ""),
        ({"knd": "cantilever"}, "; 'knd' may be meant for it"),
        ({"kind": 3}, ", got kind = 3"),
        ([], ", got ()"),
    ],
)
def test_a_plugin_is_a_table_with_a_kind(table: Any, got: str) -> None:
    said = "order.toml: tip: expected a table with a 'kind' that names the sample"
    assert faults({"tip": table}) == [f"{said} (known: cantilever){got}"]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_toml_comes_back_as_table_and_as_text(tmp_path: Path) -> None:
    text = '# µm\r\ntitle = "x"\n'
    path = write(tmp_path / "r.toml", text.encode())
    assert read_toml(path, "recipe") == ({"title": "x"}, text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = \nc = 2", r"r\.toml: not valid TOML: .*line 2"),
        (b"a = 1\na = 2\nb = 3", r"r\.toml: not valid TOML: .*line 2"),
        (b"\xff\xfe", r"r\.toml: the recipe cannot be read: "),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        read_toml(write(tmp_path / "r.toml", content), "recipe")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"r\.toml: there is no such recipe"):
        read_toml(tmp_path / "r.toml", "recipe")
    with pytest.raises(RecipeError, match="the lab file cannot be read"):
        read_toml(tmp_path, "lab file")


TABLE = {"title": "x", "steps": [{"kind": "a"}, {"kind": "b", "frame": {"size": [1, 2]}}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("title", lambda t: t["title"]),
        ("steps[1].kind", lambda t: t["steps"][1]["kind"]),
        ("steps[1].frame.size[0]", lambda t: t["steps"][1]["frame"]["size"][0]),
        ("steps[0].budget", lambda t: t["steps"][0]["budget"]),
        ("limits.bias", lambda t: t["limits"]["bias"]),
        ("steps.1.kind", lambda t: t["steps"][1]["kind"]),
    ],
)
def test_a_value_is_replaced_by_its_path_in_a_copy(path: str, found: Any) -> None:
    before = copy.deepcopy(TABLE)
    assert found(override(TABLE, path, "new")) == "new"
    assert before == TABLE


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("steps[2].kind", "there is no element 2; it has 2"),
        ("steps.kind", "there is no element kind; it has 2"),
        ("steps.²", "there is no element ²; it has 2"),
        ("title.text", "title is no table"),
        ("title[0]", "title is no table"),
        ("", "write a path such as"),
        ("steps[", "write a path such as"),
        ("steps[-1]", "write a path such as"),
        (".title", "write a path such as"),
        ("a b", "write a path such as"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, said: str) -> None:
    with pytest.raises(RecipeError, match=f"--set {'.*'}{said}"):
        override(TABLE, path, 1)


@given(st.text(max_size=20))
def test_whatever_is_written_as_a_path_replaces_or_is_refused(path: str) -> None:
    try:
        override(TABLE, path, 1)
    except RecipeError:
        return


def test_a_path_from_the_command_line_stays_one_when_more_is_replaced() -> None:
    first = override({}, "instrument.file", FromCommandLine("data.h5"))
    second = override(first, "laboratory", "x")
    assert isinstance(second["instrument"]["file"], FromCommandLine)
