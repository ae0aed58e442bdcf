"""The ways a notification goes: a program, a webhook, a mail; each within a deadline."""

import http.client
import json
import os
import smtplib
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from ..errors import SpmError
from .settings import MailSettings, NotifySettings, check_webhook, is_here

_LONGEST_SUBJECT = 120  # characters

# what the outside raises when it cannot be told
FAILURES = (
    *(OSError, ValueError, SpmError),
    *(subprocess.SubprocessError, http.client.HTTPException),
)


@dataclass(frozen=True, slots=True)
class Way:
    """One way.

    Attributes:
        name: For the log; has nothing secret.
        deliver: Sends a message, or raises one of `FAILURES`.
    """

    name: str
    deliver: Callable[[Mapping[str, Any]], None]


def ways(settings: NotifySettings) -> tuple[Way, ...]:
    """Return the ways that the settings name; none where nothing is switched on."""
    found = []
    command, mail, deadline = settings.command, settings.mail, settings.deadline
    if command:
        found.append(Way("command", lambda message: run_command(command, message, deadline)))
    if settings.webhook or settings.webhook_variable:
        found.append(Way("webhook", lambda message: post(settings, message)))
    if mail is not None:
        found.append(Way("mail", lambda message: send_mail(mail, message, deadline)))
    return tuple(found)


def run_command(command: tuple[str, ...], message: Mapping[str, Any], deadline: float) -> None:
    """Run a program with the message on its standard input; no shell looks at it."""
    subprocess.run(
        command,
        input=as_json(message),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=deadline,
    )


def post(settings: NotifySettings, message: Mapping[str, Any]) -> None:
    """Send a message to a URL as JSON; redirects are not followed."""
    url = settings.webhook or _from_environment(settings.webhook_variable)
    check_webhook(url)
    request = urllib.request.Request(
        url, as_json(message), {"Content-Type": "application/json"}, method="POST"
    )
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_here(urlsplit(url).hostname):
        handlers.append(urllib.request.ProxyHandler({}))  # nobody in between
    with urllib.request.build_opener(*handlers).open(request, timeout=settings.deadline):
        pass


def send_mail(settings: MailSettings, message: Mapping[str, Any], deadline: float) -> None:
    """Send a message to all addresses."""
    mail = EmailMessage()
    # no line break gets into a header, whatever a message says
    subject = " ".join(f"[spm-auto] {message['cause']}: {message['message']}".split())
    mail["Subject"] = subject[:_LONGEST_SUBJECT]
    mail["From"], mail["To"] = settings.sender, ", ".join(settings.to)
    mail.set_content(f"{message['message']}\n\n{as_json(message, indent=2).decode()}\n")
    password = _from_environment(settings.password_variable) if settings.user else ""
    with smtplib.SMTP(settings.host, settings.port, timeout=deadline) as server:
        if settings.starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.user:
            server.login(settings.user, password)
        server.send_message(mail)


def as_json(message: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Write a message as JSON."""
    return json.dumps(message, indent=indent, allow_nan=False).encode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an error: what is told goes to whom it is meant for, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _from_environment(name: str | None) -> str:
    value = os.environ.get(name or "", "")
    if not value:
        raise SpmError(f"the environment variable {name} is not set")
    return value
