"""Keys: who may be somebody at an instrument server, and what proves it; small files."""

import functools
import getpass
import logging
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import zmq

from ..errors import AccessError
from ..instrument import Level

SECRET, PUBLIC = ".key_secret", ".key"  # as zmq.auth names its certificates
SERVER = "server"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_TAKEN = {SERVER, "watchdog"}  # who acts in a server's journal without a key
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # no file names on Windows
_KEY_LENGTH = 40  # characters of 32 bytes as Z85
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_LARGEST = 4096  # [byte] of a key file
OTHERS_WRITE, _OTHERS = 0o022, 0o077  # rights of group and others
_RIGHTS_TIMEOUT = 10.0  # [s]
_FIELD = re.compile(r'\s*([a-z-]+)\s*=\s*"?([^"]*)"?\s*')
_PUBLIC_BANNER = "#   Public key of spm_auto: this file may be handed on.\n\n"
_SECRET_BANNER = "#   SECRET key of spm_auto: keep this file; whoever reads it is you.\n\n"

_log = logging.getLogger(__name__)


class Role(StrEnum):
    """What somebody is to an instrument."""

    OBSERVER = "observer"
    OPERATOR = "operator"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may use an instrument server.

    Attributes:
        name: Of the key.
        role: What they are to the instrument.
        level: How much an operator may do; nothing but watching for the others.
        public: Public key, as Z85 text.

    Raises:
        AccessError: The name, the key or the level cannot be right.
    """

    name: str
    role: Role
    level: Level
    public: str

    def __post_init__(self) -> None:
        check_name(self.name)
        check_public(self.public)
        if (self.role is Role.OPERATOR) is (self.level is Level.WATCH):
            right = "1 to 3" if self.role is Role.OPERATOR else "0"
            raise AccessError(
                f"{self.name}: an {self.role} of level {self.level:d} makes no sense; "
                f"the level of this role is {right}"
            )


@dataclass(frozen=True, slots=True)
class Identity:
    """A key pair: what somebody proves with who they are.

    Attributes:
        name: Of the key.
        public: Public key, as Z85 text.
        secret: Secret key, as Z85 text; never shown.
    """

    name: str
    public: str
    secret: str = field(repr=False)


def check_name(name: str) -> None:
    """Refuse a name that is no plain file name everywhere, or that a server uses itself.

    Raises:
        AccessError: With what would be right.
    """
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name.lower()):
        raise AccessError(
            f"{name!r} is no name of a key: 1 to 64 of the characters A-Z a-z 0-9 _ . - "
            "and no . or - at the start"
        )
    if name.lower() in _TAKEN:
        raise AccessError(f"{name!r} is what a server calls itself; choose another name")


def check_public(public: str) -> None:
    """Refuse what is no public key.

    Raises:
        AccessError: With what would be right.
    """
    if not _is_key(public):
        raise AccessError(f"a public key is {_KEY_LENGTH} characters of Z85, not {public[:64]!r}")


def new_identity(name: str) -> Identity:
    """Make a new key pair.

    Raises:
        AccessError: The name cannot be used.
    """
    check_name(name)
    return _pair(name)


def write_identity(identity: Identity, folder: Path) -> Path:
    """Write a key pair as two files, and return the secret one.

    ``NAME.key_secret`` is readable for its owner only, from the moment that it exists.
    ``NAME.key`` has only the public key, to be handed to whoever runs the instrument.

    Raises:
        AccessError: One of them exists already, or cannot be written.
    """
    _make_folder(folder)
    secret, public = folder / f"{identity.name}{SECRET}", folder / f"{identity.name}{PUBLIC}"
    values = {"name": identity.name}
    _write(secret, _text(_SECRET_BANNER, values, identity.public, identity.secret), 0o600)
    restrict(secret)
    try:
        _write(public, _text(_PUBLIC_BANNER, values, identity.public), 0o644)
    except AccessError:
        secret.unlink()
        raise
    return secret


def read_identity(path: Path) -> Identity:
    """Read a secret key file.

    On Windows the rights of the file are not looked at; `write_identity` sets them.

    Raises:
        AccessError: It is missing, no key pair, or somebody else may read it.
    """
    fields = _read(path, forbidden=_OTHERS)
    public, secret = fields.get("public-key", ""), fields.get("secret-key", "")
    if not (_is_key(public) and _is_key(secret)):
        raise AccessError(f"{path}: this is no secret key file; `spm-auto keys new` makes one")
    if zmq.curve_public(secret.encode()).decode() != public:
        raise AccessError(f"{path}: the secret and the public key do not belong together")
    return Identity(path.name.removesuffix(SECRET), public, secret)


def read_public(path: Path) -> str:
    """Read the public key out of a file that somebody handed over.

    Raises:
        AccessError: It is missing, no public key, or a secret one that must not be handed over.
    """
    return _public_of(_read(path), path)


def read_member(path: Path) -> Member:
    """Read the file of a member, ``NAME.key``.

    Raises:
        AccessError: It does not say who this is, or somebody else may write it.
    """
    fields = _read(path, forbidden=OTHERS_WRITE)
    role, level = fields.get("role", ""), fields.get("level", "")
    if role not in list(Role) or level not in {f"{each:d}" for each in Level}:
        raise AccessError(
            f"{path}: role {role!r} of level {level!r}; right are a role of "
            f"{', '.join(Role)} and a level of 0 to 3"
        )
    name = path.name.removesuffix(PUBLIC)
    return Member(name, Role(role), Level(int(level)), _public_of(fields, path))


def write_member(member: Member, folder: Path) -> Path:
    """Write the file of a member, and return it.

    Raises:
        AccessError: It exists already, or cannot be written.
    """
    _make_folder(folder)
    path = folder / f"{member.name}{PUBLIC}"
    values = {"name": member.name, "role": member.role.value, "level": f"{member.level:d}"}
    _write(path, _text(_PUBLIC_BANNER, values, member.public), 0o644)
    return path


def server_identity(folder: Path) -> Identity:
    """Return the key pair of the server of this folder, made on first use.

    Raises:
        AccessError: It cannot be made, or somebody else may read it.
    """
    path = folder / f"{SERVER}{SECRET}"
    if not path.exists():
        write_identity(_pair(SERVER), folder)
    return read_identity(path)


def _pair(name: str) -> Identity:
    public, secret = zmq.curve_keypair()
    return Identity(name, public.decode(), secret.decode())


def _is_key(text: str) -> bool:
    """Say whether a text is 32 bytes as Z85: five characters of base 85 for four bytes."""
    if len(text) != _KEY_LENGTH or not set(text) <= set(_Z85):
        return False
    return all(
        functools.reduce(lambda value, each: value * 85 + _Z85.index(each), text[at : at + 5], 0)
        < 2**32
        for at in range(0, _KEY_LENGTH, 5)
    )


def _public_of(fields: Mapping[str, str], path: Path) -> str:
    if "secret-key" in fields:
        raise AccessError(
            f"{path} is a secret key, which stays where it was made; hand over the {PUBLIC} file "
            "beside it"
        )
    public = fields.get("public-key", "")
    if not _is_key(public):
        raise AccessError(f"{path}: there is no public key in it")
    return public


def _text(banner: str, values: Mapping[str, str], public: str, secret: str = "") -> str:
    lines = [banner, "metadata\n", *(f"    {key} = {value}\n" for key, value in values.items())]
    lines += ["curve\n", f'    public-key = "{public}"\n']
    return "".join([*lines, f'    secret-key = "{secret}"\n'] if secret else lines)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AccessError(f"there can be no folder {folder}: {error}") from error


def _write(path: Path, text: str, mode: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(file, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise AccessError(f"{path} exists already, and a key is never overwritten") from None
    except OSError as error:
        raise AccessError(f"{path} cannot be written: {error}") from error


def _read(path: Path, forbidden: int = 0) -> dict[str, str]:
    """Read the fields of a key file, which nobody else may use as `forbidden` says."""
    try:
        # a pipe or a device in place of the file must not block
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(file, "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
                raise AccessError(f"{path}: this is no key file")
            check_rights(path, about, forbidden)
            text = stream.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise AccessError(f"{path} cannot be read: {error.strerror}") from error
    lines = (_FIELD.fullmatch(line) for line in text.splitlines() if line.lstrip()[:1] != "#")
    return {line[1]: line[2].strip() for line in lines if line}


def check_rights(path: Path, about: os.stat_result, forbidden: int) -> None:
    """Refuse what others than the owner may read or write; POSIX only.

    Raises:
        AccessError: With the command that puts it right.
    """
    if os.name == "posix" and about.st_mode & forbidden:
        who = "g-w,o-w" if forbidden == OTHERS_WRITE else "go-rwx"
        may = "write" if forbidden == OTHERS_WRITE else "read"
        raise AccessError(f"{path}: others may {may} it; run: chmod {who} {shlex.quote(str(path))}")


def restrict(path: Path) -> None:
    """Take the rights of others from a file on Windows, where a mode does not say them."""
    if os.name != "nt":
        return
    command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_RIGHTS_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("%s: others may be able to read it: %s", path, error)
