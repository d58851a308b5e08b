"""A channel of Asterisk that asks a running Didier where its call goes."""

import socket


class Channel:
    """A channel of Asterisk that asks where its call goes."""

    def __init__(self, port, extension, caller="7275551212", uniqueid="1.1", script="did-route"):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._lines = self._socket.makefile("rb")
        environment = {"network_script": script, "uniqueid": uniqueid, "channel": "SIP/1", "type": "SIP",
                       "callerid": caller, "extension": extension}  # fmt: skip
        said = "".join(f"agi_{name}: {value}\n" for name, value in environment.items())
        self._socket.sendall(f"{said}\n".encode())

    def told(self, reply=b"200 result=0\n"):
        """Return the next command, which gets *reply*: it is done; an empty one at the end."""
        line = self._lines.readline().decode().rstrip("\n")
        if line:
            self._socket.sendall(reply)
        return line

    def rest(self):
        """Return all commands to the end."""
        return list(iter(self.told, ""))
