"""Text for headers that know ASCII only, and that a stray character would break."""

import re

_ENDS = {"SCANIT_END": "SCANIT END", "[DATA]": "(DATA)"}  # what readers take for a header's end


def ascii_text(text: str, keep: str = "") -> str:
    """Write text in ASCII: other characters by their codes, control characters as blanks.

    Args:
        text: The text.
        keep: Control characters that stay, such as a line's end.
    """
    plain = "".join(c if c in keep or c.isprintable() else " " for c in text)
    for end, harmless in _ENDS.items():
        plain = plain.replace(end, harmless)
    return plain.encode("ascii", "backslashreplace").decode("ascii")


def one_word(text: str) -> str:
    """Write a name as one word, for readers that split lines on blanks."""
    return "_".join(ascii_text(text).split())


def file_word(text: str) -> str:
    """Write a name as part of a file's name, on any system: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
