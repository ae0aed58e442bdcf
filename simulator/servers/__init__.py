"""Servers: a simulated microscope behind the wire protocols of real ones."""

from .emulated import EmulatedMicroscope, EmulatedSettings
from .picture import Picture
from .service import ClientGone, Conversation, Service
from .settings import Server, ServerSettings
from .station import Station
from .wire_faults import WireFault, WireFaults

__all__ = [
    "ClientGone",
    "Conversation",
    "EmulatedMicroscope",
    "EmulatedSettings",
    "Picture",
    "Server",
    "ServerSettings",
    "Service",
    "Station",
    "WireFault",
    "WireFaults",
]
