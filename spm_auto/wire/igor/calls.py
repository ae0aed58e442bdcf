"""Call: one function of Igor or of Asylum's procedures, with its parameters.

Source:
    The names are those that aespm 1.1.4 and afspm use, both public.
"""

from dataclasses import dataclass

Value = float | str

# bits of what ARGetStatus() returns
SCANNING = 0x1
ENGAGED = 0x2
FORCE = 0xF0  # a force curve or a voltage curve is being taken
MOTOR = 0x100000


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function.

    Attributes:
        name: Of the function.
        params: Numbers and texts.
    """

    name: str
    params: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} is not the name of a function of Igor")
        for param in self.params:
            if isinstance(param, str) and any(ord(letter) < 32 for letter in param):
                raise ValueError(f"{self.name}: a text must be one line, got {param!r}")


def pv(name: str, value: float) -> Call:
    """Set a global value; the vendor's checks are passed by."""
    return Call("PV", (name, value))


def gv(name: str) -> Call:
    """Read a global value; NaN where there is none of this name."""
    return Call("GV", (name,))


def td_write(name: str, value: float) -> Call:
    """Write a value of the controller."""
    return Call("td_WriteValue", (name, value))


def td_read(name: str) -> Call:
    """Read a value of the controller."""
    return Call("td_ReadValue", (name,))


def control(name: str, panel: str, number: float = 0.0, text: str = "") -> Call:
    """Press a button or fill in a field of a panel."""
    return Call("ARExecuteControl", (name, panel, number, text))


def status() -> Call:
    """Read the bits that say what the microscope is doing."""
    return Call("ARGetStatus")


def text_of(call: Call) -> str:
    """Return a call as Igor's command line takes it."""
    return f"{call.name}({','.join(map(value_text, call.params))})"


def value_text(value: Value) -> str:
    """Return a parameter as Igor's command line takes it, exact to the last bit."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
