"""Dispatcher: reads requests, finds who answers them, and makes replies."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from spm_auto.errors import OutOfStep, SpmError
from spm_auto.wire.nanonis import (
    HEADER,
    Command,
    Header,
    Malformed,
    Values,
    decode_request,
    encode_reply,
    find,
    read_header,
)

from ..service import ClientGone, Conversation
from ..wire_faults import WireFaults
from .commands import commands
from .desk import Desk

Handler = Callable[[Values], Values | None]
COERCED = {"pixels": -16, "lines": -16}  # of numbers; all others are made smaller by a share
COERCED_SHARE = 0.75


_log = logging.getLogger(__name__)


class Arguments(dict[str, Any]):
    """Arguments of a request; one that is asked for and missing is an error that names it."""

    def __missing__(self, name: str) -> Any:
        raise Malformed(f"the argument {name!r} is missing")


class Dispatcher:
    """Answers requests, from however many connections.

    Args:
        desk: What is operated.
        release: Whose layouts are spoken.
        faults: What goes wrong on purpose.
    """

    def __init__(self, desk: Desk, release: int, faults: WireFaults) -> None:
        self._desk, self._release, self._faults = desk, release, faults
        self._handlers: dict[str, Handler] = {
            name.lower(): handler for name, handler in commands(desk, release).items()
        }

    @property
    def served(self) -> tuple[str, ...]:
        """Names of the commands that are answered in this release."""
        found = (find(name, self._release) for name in self._handlers)
        return tuple(command.name for command in found if command)

    def serve(self, conversation: Conversation) -> None:
        """Hold one conversation, until the client leaves or sends what cannot be read on."""
        while True:
            try:
                header = read_header(conversation.receive(HEADER))
            except OutOfStep as error:
                raise ClientGone from error
            body = conversation.receive(header.size)
            reply = self.answer(header, body)
            if header.wants_reply:
                conversation.reply(reply, header.command)

    def answer(self, header: Header, body: bytes) -> bytes:
        """Do what a request asks for, and return the whole reply."""
        try:
            values, error = self._values(header, body), ""
        except (SpmError, ValueError) as trouble:
            values, error = {}, str(trouble) or type(trouble).__name__
        except (LookupError, ArithmeticError, TypeError) as trouble:
            # a fault of ours; the client is told, and the port goes on serving
            _log.exception("%s could not be answered", header.command)
            values, error = {}, f"internal error: {trouble!r}"
        try:
            return encode_reply(header.name, values, error, self._release)
        except ValueError as trouble:
            return encode_reply(header.name, {}, str(trouble), self._release)

    def _values(self, header: Header, body: bytes) -> Values:
        command = find(header.command, self._release)
        if command is None:
            raise Malformed(f"unknown command {header.command!r}")
        handler = self._handlers.get(command.name.lower())
        if handler is None:
            raise Malformed(f"{command.name} is not emulated")
        request = decode_request(header, body, self._release)
        arguments = Arguments(request.values)
        self._misbehave(command, arguments)
        given = handler(arguments) or {}
        return {field.name: given[field.name] for field in command.reply}

    def _misbehave(self, command: Command, arguments: Arguments) -> None:
        # what changes right after it was read would be seen next time only
        if not command.name.endswith("Get") and self._faults.strike(command.name, "meddled"):
            self._desk.meddle()
        if command.name.endswith("Set") and self._faults.strike(command.name, "coerced"):
            for name, value in arguments.items():
                if name in COERCED:
                    arguments[name] = max(16, value + COERCED[name])
                elif isinstance(value, float) and np.isfinite(value):
                    arguments[name] = COERCED_SHARE * value
        if self._faults.strike(command.name, "error"):
            raise Malformed(f"{command.name} was refused by the controller")
