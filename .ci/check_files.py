"""Small checks of the files of a commit: readable TOML, one line feed at the end, size.

Usage: python .ci/check_files.py toml|end|size FILE...
"""

import sys
import tomllib
from pathlib import Path

LARGEST = 500_000  # [byte]


def fault(check: str, path: Path) -> str:
    """Say what is wrong with a file; nothing when it is right."""
    data = path.read_bytes()
    if check == "size" and len(data) >= LARGEST:
        return f"{len(data)} bytes, {LARGEST} are too many for a checkout"
    if check == "end" and data and (not data.endswith(b"\n") or data.endswith(b"\n\n")):
        return "does not end with one line feed"
    if check == "toml":
        try:
            tomllib.loads(data.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            return str(error)
    return ""


def main() -> None:
    """Check the files named and leave with 1 when one of them is wrong."""
    check, *names = sys.argv[1:]
    faults = {name: fault(check, Path(name)) for name in names}
    wrong = [f"{name}: {said}\n" for name, said in faults.items() if said]
    sys.stderr.writelines(wrong)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
