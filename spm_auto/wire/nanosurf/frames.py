"""Framing: a text is sent as its length in four bytes, the lowest first, and UTF-8."""

HEADER = 4  # bytes that say how long the text is
LONGEST = 32 * 2**20  # bytes; a whole tree is below one million


def encode(text: str) -> bytes:
    """Return a text as it goes over the wire.

    Raises:
        ValueError: It is longer than anything that is ever said.
    """
    body = text.encode("utf-8")
    if len(body) > LONGEST:
        raise ValueError(f"a message of {len(body)} bytes is longer than {LONGEST}")
    return len(body).to_bytes(HEADER, "little") + body


def length_of(header: bytes) -> int:
    """Return how many bytes follow a header.

    Raises:
        ValueError: It is no header, or announces more than anything that is ever said.
    """
    if len(header) != HEADER:
        raise ValueError(f"a header has {HEADER} bytes, got {len(header)}")
    length = int.from_bytes(header, "little")
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes was announced; {LONGEST} is the longest")
    return length
