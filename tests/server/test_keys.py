"""Keys: secret ones stay secret, and whoever is taken off the list is out at once."""

import logging
import os
import stat
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
import zmq
import zmq.auth
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from spm_auto.errors import AccessError
from spm_auto.instrument import Level
from spm_auto.server import (
    Access,
    Keyring,
    Member,
    Role,
    new_identity,
    read_identity,
    read_public,
    server_identity,
    write_identity,
)

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights outside of the mode")
A, B = (new_identity(name) for name in ("anna", "berta"))


class Time:
    """A time that passes when told."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value

    def pass_by(self, seconds: float) -> None:
        self.value += seconds


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "authorized")


def test_an_identity_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = write_identity(A, tmp_path / "keys")
    assert path == tmp_path / "keys" / "anna.key_secret"
    assert read_identity(path) == A
    assert read_public(tmp_path / "keys" / "anna.key") == A.public


def test_the_files_are_those_of_zmq_auth(tmp_path: Path) -> None:
    path = write_identity(A, tmp_path)
    assert zmq.auth.load_certificate(path) == (A.public.encode(), A.secret.encode())
    public, secret = zmq.auth.create_certificates(tmp_path, "theirs")
    Path(secret).chmod(0o600)
    theirs = read_identity(Path(secret))
    assert (theirs.name, theirs.public) == ("theirs", read_public(Path(public)))


@POSIX
def test_a_secret_key_is_its_owners_from_the_moment_that_the_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, int]] = []
    really = os.open

    def watched(path: str | Path, flags: int, mode: int = 0o777) -> int:
        file = really(path, flags, mode)
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            made.append((Path(path).name, stat.S_IMODE(os.fstat(file).st_mode)))
        return file

    monkeypatch.setattr(os, "open", watched)
    before = os.umask(0)
    try:
        write_identity(A, tmp_path / "keys")
    finally:
        os.umask(before)
    assert dict(made) == {"anna.key_secret": 0o600, "anna.key": 0o644}
    assert mode_of(tmp_path / "keys") == 0o700


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = write_identity(A, tmp_path)
    with pytest.raises(AccessError, match="exists already"):
        write_identity(new_identity("anna"), tmp_path)
    assert read_identity(path) == A


def test_a_pair_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "anna.key").write_text("somebody else's")
    with pytest.raises(AccessError, match="exists already"):
        write_identity(A, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["anna.key"]


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o777])
def test_a_secret_key_that_others_may_use_is_refused_with_the_remedy(
    tmp_path: Path, mode: int
) -> None:
    path = write_identity(A, tmp_path / "my keys")
    path.chmod(mode)
    with pytest.raises(AccessError, match=r"chmod go-rwx '.*/my keys/anna.key_secret'"):
        read_identity(path)
    path.chmod(0o600)
    assert read_identity(path) == A


def test_what_an_identity_shows_of_itself_is_not_its_secret() -> None:
    assert A.secret not in f"{A!r} {A}"
    assert A.public in repr(A)


def test_no_message_about_a_bad_key_file_tells_the_secret(tmp_path: Path) -> None:
    path = write_identity(A, tmp_path)
    texts = {
        "half": path.read_text("utf-8").replace(A.secret, A.secret[:-3]),
        "other": path.read_text("utf-8").replace(A.public, B.public),
    }
    for name, text in texts.items():
        bad = tmp_path / f"{name}.key_secret"
        bad.write_text(text)
        bad.chmod(0o600)
        with pytest.raises(AccessError) as refused:
            read_identity(bad)
        assert A.secret[:20] not in str(refused.value)
    with pytest.raises(AccessError, match="stays where it was made") as refused:
        read_public(path)
    assert A.secret not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../anna", "a/b", "a\\b", "/etc/x", "a b", "-rf", ".anna", "a" * 65),
        *("anna\n", "änna", "a:b", "NUL", "con", "Aux.x", "com1", "server", "Watchdog"),
    ],
)
def test_a_name_that_is_no_plain_file_name_everywhere_is_refused(
    keyring: Keyring, tmp_path: Path, name: str
) -> None:
    with pytest.raises(AccessError, match="name"):
        new_identity(name)
    with pytest.raises(AccessError, match="name"):
        keyring.add(name, A.public, Role.OBSERVER, Level.WATCH)
    with pytest.raises(AccessError, match="name"):
        keyring.revoke(name)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@given(st.binary(min_size=32, max_size=32))
def test_every_key_there_can_be_is_taken_as_one(raw: bytes) -> None:
    public = z85.encode(raw).decode()
    assert Member("anna", Role.SAFETY, Level.WATCH, public).public == public


@pytest.mark.parametrize("public", ["", "0" * 39, "0" * 41, "#" * 40, "~" * 40, "é" * 40])
def test_what_is_no_key_is_refused(public: str) -> None:
    with pytest.raises(AccessError, match="40 characters"):
        Member("anna", Role.SAFETY, Level.WATCH, public)


@pytest.mark.parametrize(
    ("role", "level"),
    [
        (Role.OBSERVER, Level.SCAN),
        (Role.SAFETY, Level.EVERYTHING),
        (Role.OPERATOR, Level.WATCH),
    ],
)
def test_a_level_that_a_role_cannot_have_is_refused(role: Role, level: Level) -> None:
    with pytest.raises(AccessError, match="the level of this role is"):
        Member("anna", role, level, A.public)


def test_a_member_is_known_by_its_key_alone(keyring: Keyring) -> None:
    added = keyring.add("anna", A.public, Role.OPERATOR, Level.SPECTROSCOPY)
    assert keyring.member(A.public) == added
    assert keyring.member(B.public) is None
    assert keyring.member("anna") is None
    assert keyring.member("") is None


def test_another_keyring_of_the_folder_reads_the_same_members(
    keyring: Keyring, tmp_path: Path
) -> None:
    keyring.add("berta", B.public, Role.SAFETY, Level.WATCH)
    keyring.add("anna", A.public, Role.OPERATOR, Level.EVERYTHING)
    again = Keyring(tmp_path / "authorized")
    assert again.members() == keyring.members()
    assert [member.name for member in again.members()] == ["anna", "berta"]
    assert again.faults() == ()


def test_a_running_server_notices_who_came_and_who_went(tmp_path: Path) -> None:
    now = Time()
    server, desk = Keyring(tmp_path, now), Keyring(tmp_path)
    assert server.member(A.public) is None
    desk.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    now.pass_by(0.21)
    assert server.member(A.public) is not None
    desk.revoke("anna")
    now.pass_by(0.21)
    assert server.member(A.public) is None


def test_the_folder_is_looked_at_five_times_a_second_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []
    really = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: looks.append(self) or really(self))
    now = Time()
    keyring = Keyring(tmp_path, now)
    for _ in range(1000):
        keyring.member(A.public)
        now.pass_by(0.001)
    assert len(looks) == 5


def test_a_changed_role_counts_from_the_next_look_on(tmp_path: Path) -> None:
    now = Time()
    server, desk = Keyring(tmp_path, now), Keyring(tmp_path)
    desk.add("anna", A.public, Role.OPERATOR, Level.EVERYTHING)
    assert server.member(A.public) == Member("anna", Role.OPERATOR, Level.EVERYTHING, A.public)
    desk.revoke("anna")
    desk.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    now.pass_by(0.21)
    assert server.member(A.public) == Member("anna", Role.OBSERVER, Level.WATCH, A.public)


def test_revoking_somebody_who_is_not_there_is_an_error(keyring: Keyring) -> None:
    with pytest.raises(AccessError, match="there is no key 'anna'"):
        keyring.revoke("anna")


def test_a_name_and_a_key_stand_for_one_member_only(keyring: Keyring) -> None:
    keyring.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    with pytest.raises(AccessError, match="known already, as 'anna'"):
        keyring.add("berta", A.public, Role.OPERATOR, Level.EVERYTHING)
    with pytest.raises(AccessError, match="exists already"):
        keyring.add("anna", B.public, Role.OPERATOR, Level.EVERYTHING)
    assert [member.role for member in keyring.members()] == [Role.OBSERVER]


def test_a_key_that_two_files_name_lets_nobody_in(keyring: Keyring, tmp_path: Path) -> None:
    keyring.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    folder = tmp_path / "authorized"
    text = (folder / "anna.key").read_text("utf-8")
    (folder / "berta.key").write_text(text.replace("observer", "operator").replace("= 0", "= 3"))
    again = Keyring(folder)
    assert again.member(A.public) is None
    assert len(again.faults()) == 2


BAD_FILES = {
    "nothing": "",
    "no role": f'curve\n public-key = "{A.public}"\n',
    "a role that there is not": f'metadata\n role = god\n level = 3\n public-key = "{A.public}"\n',
    "a level that there is not": f'role = operator\nlevel = 4\npublic-key = "{A.public}"\n',
    "a level in words": f'role = operator\nlevel = all\npublic-key = "{A.public}"\n',
    "half a key": f'role = observer\nlevel = 0\npublic-key = "{A.public[:20]}"\n',
    "a secret": f'role = observer\nlevel = 0\npublic-key = "{A.public}"\nsecret-key = "{A.secret}"',
    "too much": f'role = observer\nlevel = 0\npublic-key = "{A.public}"\n' + "#" * 5000,
}


@pytest.mark.parametrize("text", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_does_not_say_who_it_is_lets_nobody_in_and_says_so(
    keyring: Keyring, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    keyring.add("berta", B.public, Role.OBSERVER, Level.WATCH)
    (tmp_path / "authorized" / "anna.key").write_text(text)
    again = Keyring(tmp_path / "authorized")
    with caplog.at_level(logging.WARNING):
        assert again.member(A.public) is None
        assert again.member(B.public) is not None
    assert "anna.key" in again.faults()[0]
    assert "anna.key" in caplog.text
    assert A.secret not in caplog.text


@given(st.binary(max_size=200))
def test_no_bytes_in_a_key_file_break_the_list(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.key").write_bytes(raw)
        keyring = Keyring(Path(folder))
        assert keyring.members() == ()
        assert len(keyring.faults()) == 1


@POSIX
def test_a_list_that_others_may_write_lets_nobody_in(keyring: Keyring, tmp_path: Path) -> None:
    keyring.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    (tmp_path / "authorized" / "anna.key").chmod(0o664)
    assert Keyring(tmp_path / "authorized").member(A.public) is None
    (tmp_path / "authorized" / "anna.key").chmod(0o644)
    (tmp_path / "authorized").chmod(0o777)
    again = Keyring(tmp_path / "authorized")
    assert again.member(A.public) is None
    assert "chmod g-w,o-w" in again.faults()[0]


@POSIX
def test_a_pipe_among_the_keys_does_not_stop_the_server(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "anna.key", 0o600)
    assert Keyring(tmp_path).members() == ()
    os.mkfifo(tmp_path / "anna.key_secret", 0o600)
    with pytest.raises(AccessError, match="no key file"):
        read_identity(tmp_path / "anna.key_secret")


def test_a_folder_that_vanishes_takes_everybody_off_the_list(tmp_path: Path) -> None:
    now = Time()
    keyring = Keyring(tmp_path / "authorized", now)
    keyring.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    (tmp_path / "authorized").rename(tmp_path / "elsewhere")
    now.pass_by(0.21)
    assert keyring.member(A.public) is None
    (tmp_path / "elsewhere").rename(tmp_path / "authorized")
    now.pass_by(0.21)
    assert keyring.member(A.public) is not None


def test_a_server_has_one_key_for_ever(tmp_path: Path) -> None:
    first = server_identity(tmp_path)
    assert server_identity(tmp_path) == first
    assert read_public(tmp_path / "server.key") == first.public


def test_all_who_are_denied_are_counted_and_a_few_a_minute_reported(keyring: Keyring) -> None:
    now, told = Time(), list[tuple[float, str]]()
    keyring.add("anna", A.public, Role.OBSERVER, Level.WATCH)
    access = Access(keyring, lambda key: told.append((now(), key)), at_most=3, now=now)
    for _ in range(600):
        assert access.callback("*", A.public.encode())
        assert not access.callback("*", B.public.encode())
        now.pass_by(1.0)
    assert access.denials == 600
    assert {key for _, key in told} == {B.public}
    times = [time for time, _ in told]
    assert len(times) == 30
    assert all(times[n + 3] - times[n] >= 60 for n in range(len(times) - 3))
    assert all(a < b for a, b in pairwise(times))


@given(st.binary(max_size=64))
def test_no_key_on_the_wire_is_answered_with_anything_but_no(raw: bytes) -> None:
    access = Access(Keyring(Path("/nowhere/at/all")), lambda _: None)
    assert access.callback("*", raw) is False
