"""``python -m didier``."""

from didier.cli.main import main

main()
