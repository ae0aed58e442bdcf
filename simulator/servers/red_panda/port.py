"""Port: the firmware's end of the serial line, byte by byte, with its number reader."""

from ..service import Conversation

NOTHING = -1


class Port:
    """What has been received and not been read yet.

    Args:
        conversation: With the client.
        silence: After which the number reader gives up [s].
    """

    def __init__(self, conversation: Conversation, silence: float) -> None:
        self._conversation = conversation
        self._silence = silence
        self._held = bytearray()

    def wait(self, seconds: float) -> bool:
        """Wait a while for bytes [s]; says whether there are any."""
        if not self._held:
            self._held += self._conversation.poll(seconds)
        return bool(self._held)

    def read(self) -> int:
        """Take the next byte, without waiting; -1 when there is none."""
        if not self.wait(0.0):
            return NOTHING
        return self._held.pop(0)

    def number(self) -> int:
        """Read a whole number, as the firmware's parser does; 0 when none comes."""
        return int(self._digits(""))

    def decimal(self) -> float:
        """Read a decimal number; 0 when none comes."""
        return float(self._digits("."))

    def _digits(self, point: str) -> str:
        """Pass over what is no number, take it, and leave the first byte behind it."""
        while (byte := self._peek()) != NOTHING and not (
            chr(byte).isdigit() or chr(byte) in "-" + point
        ):
            self._held.pop(0)
        text = ""
        while (byte := self._peek()) != NOTHING:
            character = chr(byte)
            is_sign = character == "-" and not text
            is_point = character == point and point not in text if point else False
            if not (character.isascii() and character.isdigit()) and not is_sign and not is_point:
                break
            text += character
            self._held.pop(0)
        return text if text.strip("-.") else "0"

    def _peek(self) -> int:
        return self._held[0] if self.wait(self._silence) else NOTHING
