"""What an edge is set up with, unless it is told otherwise."""

CONTROL_PORT, CALLS_PORT = 5080, 5081
USER = "kamailio"
SECRET_FILE = "control.cfg"  # noqa: S105  # its name
