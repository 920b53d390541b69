"""The settings of the server: what we choose, what may be changed, and what keeps others out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from moomarkets.store.embedded.directory import PORT

CHOSEN = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
    "io_method": "sync",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    # Only warnings and worse; see SILENT for what they leave out.
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
# Statements, parameters and row values may hold what nobody should read.
SILENT = {
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
    "log_destination": "stderr",
}


def arguments(extra: Mapping[str, str], *, hba: Path, sockets: Path) -> list[str]:
    """The settings as arguments; `extra` wins over what we chose, never over what keeps others out.

    Example:
        >>> arguments({"fsync": "off"}, hba=Path("/d/pg_hba.conf"), sockets=Path("/d/socket"))[-4:]
        ['-c', 'unix_socket_permissions=0700', '-c', 'password_encryption=scram-sha-256']
    """
    closed = {
        "listen_addresses": "",
        "port": str(PORT),
        "hba_file": str(hba),
        "unix_socket_directories": _quoted(sockets),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
    }
    settings = {**CHOSEN, **extra, **SILENT}
    settings = {name: value for name, value in settings.items() if name not in closed}
    return [word for name, value in {**settings, **closed}.items() for word in ("-c", f"{name}={value}")]


def _quoted(folder: Path) -> str:
    """The setting is a list, so a comma or a space in the path must not end its entry."""
    return '"' + str(folder).replace('"', '""') + '"'
