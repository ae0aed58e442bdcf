"""The agent: what it believes, where it goes next and why, and every way to overrule it."""
