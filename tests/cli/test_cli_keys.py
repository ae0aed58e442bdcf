"""`spm-auto keys`: keys are made, let in and taken off; no secret is ever shown."""

import json
from pathlib import Path

import pytest
from prompt import Command

from spm_auto.instrument import Level
from spm_auto.server import Keyring, Member, Role, new_identity, read_identity, write_identity


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("SPM_AUTO_HOME", str(folder))
    return folder


def members(home: Path) -> tuple[Member, ...]:
    return Keyring(home / "authorized").members()


def test_a_new_key_is_written_but_lets_nobody_in_until_it_is_added(
    command: Command, home: Path
) -> None:
    code, out, err = command("keys", "new", "anna")
    assert (code, err) == (0, "")
    assert str(home / "keys" / "anna.key_secret") in out.replace("\n", "")
    assert members(home) == ()
    anna = read_identity(home / "keys" / "anna.key_secret")
    file = home / "keys" / "anna.key"
    assert command("keys", "add", file, "--role", "operator", "--level", "2")[0] == 0
    assert members(home) == (Member("anna", Role.OPERATOR, Level.SPECTROSCOPY, anna.public),)


def test_a_key_with_a_role_is_let_in_at_once(command: Command, home: Path) -> None:
    assert command("keys", "new", "phone", "--role", "safety")[0] == 0
    phone = read_identity(home / "keys" / "phone.key_secret")
    assert members(home) == (Member("phone", Role.SAFETY, Level.WATCH, phone.public),)


def test_no_command_shows_a_secret(command: Command, home: Path) -> None:
    said = [*command("keys", "new", "anna", "--role", "operator", "--level", "1")]
    secret = read_identity(home / "keys" / "anna.key_secret").secret
    public = read_identity(home / "keys" / "anna.key_secret").public
    said += command("keys", "list", "--json")
    assert public in str(said)
    said += command("keys", "list")
    said += command("keys", "new", "anna")
    said += command("keys", "add", home / "keys" / "anna.key_secret", "--role", "observer")
    said += command("keys", "revoke", "anna")
    assert secret not in str(said)


def test_the_list_is_for_people_and_for_scripts(command: Command, home: Path) -> None:
    command("keys", "new", "anna", "--role", "operator", "--level", "3")
    command("keys", "new", "berta")
    (home / "authorized" / "broken.key").write_text("nothing")
    code, out, _ = command("keys", "list", "--json")
    found = json.loads(out)
    assert code == 0
    public = read_identity(home / "keys" / "anna.key_secret").public
    anna = {"name": "anna", "role": "operator", "level": 3, "public": public}
    assert found["members"] == [anna]
    assert found["own"] == ["anna", "berta"]
    assert "broken.key" in found["faults"][0]
    _, table, _ = command("keys", "list")
    assert "anna" in table
    assert "operator" in table
    assert "lets nobody in" in table


def test_whoever_is_revoked_is_on_the_list_no_more(command: Command, home: Path) -> None:
    command("keys", "new", "anna", "--role", "observer")
    assert command("keys", "revoke", "anna")[0] == 0
    assert members(home) == ()
    code, _, err = command("keys", "revoke", "anna")
    assert code == 1
    assert "there is no key 'anna'" in err


def test_a_key_of_another_computer_may_have_another_name_and_folder(
    command: Command, home: Path, tmp_path: Path
) -> None:
    berta = new_identity("berta")
    write_identity(berta, tmp_path / "usb")
    words = ("--role", "observer", "--name", "berta-laptop", "--folder", tmp_path / "lab")
    assert command("keys", "add", tmp_path / "usb" / "berta.key", *words)[0] == 0
    assert [each.name for each in members(tmp_path / "lab")] == ["berta-laptop"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("new", "../anna"), "no name of a key"),
        (("new", "server"), "what a server calls itself"),
        (("new", "anna", "--role", "god"), "there is no role 'god'; roles are observer"),
        (("new", "anna", "--role", "operator"), "an operator needs a level"),
        (("new", "anna", "--level", "2"), "there is no role ''"),
        (("new", "anna", "--role", "observer", "--level", "2"), "the level of this role is 0"),
        (("add", "missing.key", "--role", "observer"), "missing.key cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_and_leaves_nothing(
    command: Command, home: Path, words: tuple[str, ...], message: str
) -> None:
    code, _, err = command("keys", *words)
    assert code == 1
    assert message in err
    assert err.count("\n") == 1
    assert not any(path.is_file() for path in home.rglob("*"))


def test_a_name_that_has_a_key_already_keeps_it_and_who_was_let_in_as_it_was(
    command: Command, home: Path
) -> None:
    command("keys", "new", "anna")
    anna = read_identity(home / "keys" / "anna.key_secret")
    code, _, err = command("keys", "new", "anna", "--role", "operator", "--level", "3")
    assert code == 1
    assert "exists already" in err
    assert read_identity(home / "keys" / "anna.key_secret") == anna
    assert members(home) == ()


def test_the_folder_is_at_home_where_nothing_else_is_said(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPM_AUTO_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert command("keys", "new", "anna")[0] == 0
    assert (tmp_path / ".spm-auto" / "keys" / "anna.key_secret").is_file()
