"""``python -m framelens.cli``."""

from framelens.cli import main

main()
