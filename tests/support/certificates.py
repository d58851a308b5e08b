"""Certificates for the loopback address."""

import subprocess
from pathlib import Path

from support.missing import program


def certificate(directory: Path, name: str) -> None:
    """Make the files `<name>.pem` and `<name>.key` in *directory*."""
    subprocess.run(
        [
            program("openssl", "openssl"), "req", "-x509", "-nodes", "-newkey", "ec",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", f"{name}.key", "-out", f"{name}.pem",
            "-days", "2", "-subj", "/CN=didier", "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
