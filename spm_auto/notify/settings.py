"""What a lab file says about notifications: whom to tell, how, of what, and how often."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..units import Duration

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Cause = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+$", max_length=254)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MailSettings(_Table):
    """A mail server.

    Attributes:
        host: Its name.
        port: Where it listens.
        sender: From whom.
        to: To whom.
        starttls: Whether the conversation is encrypted and the server's certificate checked.
        user: Name to log in with; empty for no log-in.
        password_variable: Environment variable that has the password.
    """

    host: Text
    port: Annotated[int, Field(gt=0, lt=65536)] = 587
    sender: Address
    to: Annotated[tuple[Address, ...], Field(min_length=1, max_length=20)]
    starttls: bool = True
    user: str = ""
    password_variable: Variable | None = None

    @model_validator(mode="after")
    def _keeps_the_password(self) -> "MailSettings":
        if bool(self.user) is not (self.password_variable is not None):
            raise ValueError("user and password_variable belong together")
        if self.user and not self.starttls:
            raise ValueError("a password is sent encrypted only; starttls must be true")
        return self


class NotifySettings(_Table):
    """Who is told of alarms, and how; nobody, without any of command, webhook and mail.

    Attributes:
        command: Program and arguments; gets the message as JSON on its standard input. No shell.
        webhook: https URL that the message is sent to as JSON; http only to this computer.
        webhook_variable: Environment variable that has this URL, where it is a secret itself.
        mail: Mail server and addresses.
        causes: Of what to tell; of everything when empty.
        at_most: Messages an hour, of each cause.
        deadline: How long one delivery may take.
    """

    command: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    webhook: str = ""
    webhook_variable: Variable | None = None
    mail: MailSettings | None = None
    causes: tuple[Cause, ...] = ()
    at_most: Annotated[int, Field(ge=1, le=1000)] = 12
    deadline: Annotated[Duration, Field(gt=0, le=120)] = 10.0

    @model_validator(mode="after")
    def _has_one_webhook(self) -> "NotifySettings":
        if self.webhook and self.webhook_variable:
            raise ValueError("webhook and webhook_variable exclude each other")
        if self.webhook:
            check_webhook(self.webhook)
        return self


def check_webhook(url: str) -> None:
    """Refuse an address that is not encrypted, but for this computer's own.

    Raises:
        ValueError: With what would be right.
    """
    parts = urlsplit(url)
    is_good = parts.scheme == "https" or (parts.scheme == "http" and is_here(parts.hostname))
    # the address itself may be a secret: no message shows it
    if not is_good or not parts.hostname or parts.username or re.search(r"\s", url):
        raise ValueError("a webhook is an https URL without a password, or http://127.0.0.1:...")


def is_here(host: str | None) -> bool:
    """Say whether a host is this computer, so that nobody else can listen."""
    return host in _LOOPBACK
