"""`spm-auto keys`: who may use the instruments of this computer."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import AccessError

if TYPE_CHECKING:  # what --help must not wait for
    from .server import Keyring, Member

OWN, AUTHORIZED = "keys", "authorized"  # folders in that of `home`

app = typer.Typer(help="Make keys, and say who may use the instruments.", no_args_is_help=True)

_ROLES = "observer, operator or safety."
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of whom the key is.")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Where keys are; without it SPM_AUTO_HOME, or ~/.spm-auto."),
]
LevelOption = Annotated[
    int | None,
    typer.Option(
        "--level",
        min=0,
        max=3,
        help="Of an operator: 1 loads and scans, 2 takes spectra, too, 3 may do everything.",
    ),
]


def home() -> Path:
    """Return the folder of keys where none is named: SPM_AUTO_HOME, or .spm-auto at home."""
    named = os.environ.get("SPM_AUTO_HOME")
    return Path(named) if named else Path.home() / ".spm-auto"


@app.command()
def new(
    name: Name,
    role: Annotated[
        str, typer.Option("--role", help=f"Let it in at this computer, too, as {_ROLES}")
    ] = "",
    level: LevelOption = None,
    folder: Folder = None,
) -> None:
    """Make a pair of keys. The secret one stays where it was made, and is never shown."""
    from .server import Keyring, new_identity, write_identity

    root = folder or home()
    identity = new_identity(name)
    keyring = Keyring(root / AUTHORIZED)
    member = _add(keyring, name, identity.public, role, level) if role or level else None
    try:
        secret = write_identity(identity, root / OWN)
    except AccessError:
        if member is not None:
            keyring.revoke(name)
        raise
    typer.echo(f"secret key, which stays here: {secret}")
    typer.echo(f"public key, to be handed on:  {secret.with_suffix('.key')}")
    if member is None:
        typer.echo("nobody knows it yet; at the computer of the instrument run")
        typer.echo(f"  spm-auto keys add {name}.key --role operator --level 1")
    else:
        typer.echo(_said(member))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NAME.key of another computer.")],
    role: Annotated[str, typer.Option("--role", help=f"As what: {_ROLES}")],
    level: LevelOption = None,
    name: Annotated[str, typer.Option("--name", help="Another name than the file's.")] = "",
    folder: Folder = None,
) -> None:
    """Let somebody in whose key was made on another computer; a running server notices."""
    from .server import Keyring, read_public

    keyring = Keyring((folder or home()) / AUTHORIZED)
    named = name or file.name.removesuffix(".key")
    typer.echo(_said(_add(keyring, named, read_public(file), role, level)))


@app.command()
def revoke(name: Name, folder: Folder = None) -> None:
    """Let somebody in no more; what they have open is refused, too. A running server notices."""
    from .server import Keyring

    Keyring((folder or home()) / AUTHORIZED).revoke(name)
    typer.echo(f"{name} may come in no more")


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
    folder: Folder = None,
) -> None:
    """List who may come in, and which keys are this computer's own; nothing secret is shown."""
    from .display import print_keys
    from .server import Keyring

    root = folder or home()
    keyring = Keyring(root / AUTHORIZED)
    found: dict[str, Any] = {
        "folder": str(root),
        "members": [
            {"name": each.name, "role": each.role.value, "level": int(each.level)}
            | {"public": each.public}
            for each in keyring.members()
        ],
        "faults": list(keyring.faults()),
        "own": sorted(path.stem for path in (root / OWN).glob("*.key_secret")),
    }
    print_keys(found, as_json=as_json)


def _add(keyring: "Keyring", name: str, public: str, role: str, level: int | None) -> "Member":
    from .instrument import Level
    from .server import Role

    if role not in list(Role):
        raise AccessError(f"there is no role {role!r}; roles are {', '.join(Role)}")
    if level is None and role == Role.OPERATOR:
        raise AccessError(
            "an operator needs a level: --level 1 loads and scans, 2 takes spectra, too, "
            "3 may do everything"
        )
    return keyring.add(name, public, Role(role), Level(level or 0))


def _said(member: "Member") -> str:
    level = f" of level {member.level:d}" if member.level else ""
    return f"{member.name} may come in as {member.role}{level}"
