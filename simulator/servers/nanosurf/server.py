"""Serving the emulated Studio: one script after the other on each connection."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from spm_auto.wire.nanosurf import (
    HEADER,
    LuaError,
    encode,
    error_reply,
    length_of,
    read_script,
)

from ..service import ClientGone, Conversation, Service
from ..settings import Server
from ..station import Station
from ..wire_faults import WireFaults
from .interpreter import commands, reply_to
from .settings import NanosurfEmulatorSettings, address
from .storage import Storage
from .studio import Studio


def serve(settings: NanosurfEmulatorSettings, station: Station) -> Server:
    """Start an emulated Studio around a station.

    Raises:
        InstrumentError: The port is not free.
    """
    closing: list[Callable[[], None]] = []
    if settings.data_folder is None:
        folder = Path(tempfile.mkdtemp(prefix="studio_"))
        closing.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    else:
        folder = settings.data_folder
        folder.mkdir(parents=True, exist_ok=True)
    faults = WireFaults(settings.faults)
    storage = Storage(folder, settings.file_version, settings.rotation_sign)
    studio = Studio(settings, station, storage, faults)

    def converse(conversation: Conversation) -> None:
        while True:
            text = _next(conversation)
            command = _command(text)
            reply = reply_to(text, studio.tree, studio.interfere)
            try:
                framed = encode(reply)
            except ValueError as error:
                framed = encode(error_reply(f"{error}"))
            conversation.reply(framed, command)

    service = Service(converse, settings.host, settings.port, faults)
    closing[:0] = [studio.end, service.close]
    told = address(settings, service.port, folder, station)
    return Server(station, told, closing, faults)


def _next(conversation: Conversation) -> str:
    try:
        length = length_of(conversation.receive(HEADER))
    except ValueError as error:  # no client of ours
        raise ClientGone from error
    return conversation.receive(length).decode("utf-8", "replace")


def _command(text: str) -> str:
    """Return what a script asks for first; empty when it is none."""
    try:
        return next(commands(read_script(text)), "")
    except LuaError:
        return ""
