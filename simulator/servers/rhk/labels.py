"""What the R9 calls channels, in its files and when they are read."""

from spm_auto.instrument import Channel

_LABELS = {"height": "Topography", "current": "Current", "didv": "LIA Current"}


def label_of(channel: Channel) -> str:
    """Return the label of a channel's pages."""
    return _LABELS.get(channel.name, channel.name)


def labelled(channel: Channel) -> Channel:
    """Return a channel under the name that its pages have."""
    return Channel(label_of(channel), channel.unit)


def signal_of(channel: Channel) -> str:
    """Return the name under which a channel is read."""
    return f"{label_of(channel)}-src"
