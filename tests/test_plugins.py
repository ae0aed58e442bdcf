"""Plugins are found by name, and a name that is not there is answered with one that is."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from spm_auto import plugins
from spm_auto.errors import PluginError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in for the packages that are installed."""

    def entry_points(group: str) -> list[EntryPoint]:
        found = {
            "good": "math:pi",
            "nowhere": "spm_auto_no_such_package:thing",
            "nothing": "math:no_such_name",
        }
        return [EntryPoint(name, value, group) for name, value in found.items()]

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    plugins._entries.cache_clear()
    yield
    plugins._entries.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_plugin_is_imported_by_its_name() -> None:
    assert plugins.load("agents", "good") == pytest.approx(3.14159265)


@pytest.mark.usefixtures("installed")
def test_names_and_homes_are_told_without_importing_anything() -> None:
    assert plugins.names("agents") == ("good", "nothing", "nowhere")
    assert plugins.describe("agents")["nowhere"] == "spm_auto_no_such_package:thing"
    assert "spm_auto_no_such_package" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_a_misspelt_plugin_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(PluginError) as refusal:
        plugins.load("agents", "god")
    assert str(refusal.value) == (
        "there is no agent 'god'; did you mean 'good'? (known: good, nothing, nowhere)"
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["nowhere", "nothing"])
def test_a_plugin_that_cannot_be_imported_says_so_and_keeps_the_cause(name: str) -> None:
    with pytest.raises(PluginError, match=rf"sample '{name}' \(.*\) cannot be imported") as refusal:
        plugins.load("samples", name)
    assert isinstance(refusal.value.__cause__, ImportError | AttributeError)


def test_a_kind_of_plugin_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PluginError, match="no kind of plugin 'cheeses'"):
        plugins.names("cheeses")


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_plugin_that_spm_auto_names_can_be_imported(kind: str) -> None:
    own = [name for name, home in plugins.describe(kind).items() if home.startswith("spm_auto.")]
    assert own
    for name in own:
        assert plugins.load(kind, name) is not None


def test_a_word_far_from_all_known_ones_gets_no_suggestion() -> None:
    assert plugins.suggest("pixles", ["pixels", "center"]) == "; did you mean 'pixels'?"
    assert plugins.suggest("zebra", ["pixels", "center"]) == ""
