"""Words: numbers of things with the right ending."""

_IRREGULAR = {"spectrum": "spectra"}


def many(number: int, word: str) -> str:
    """Return a word in the plural, unless there is one of it."""
    return word if number == 1 else _IRREGULAR.get(word, f"{word}s")


def number_of(number: int, word: str) -> str:
    """Return so many of something, such as "1 spectrum" or "no lines"."""
    return f"{number or 'no'} {many(number, word)}"
