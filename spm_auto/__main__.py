"""``python -m spm_auto`` is the command line."""

from .cli import main

main()
