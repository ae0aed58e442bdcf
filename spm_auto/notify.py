"""Notifications: telling somebody who is not there; off unless a lab file says how."""
