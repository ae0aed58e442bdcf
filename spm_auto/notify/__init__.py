"""Notifications: telling somebody who is not there; off unless a lab file says how."""

from .notifier import Counts, Notifier
from .settings import MailSettings, NotifySettings

__all__ = ["Counts", "MailSettings", "Notifier", "NotifySettings"]
