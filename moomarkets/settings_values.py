"""How a setting's text becomes its value; a reader refuses by ValueError and takes the value itself too."""

from __future__ import annotations

import ipaddress
import json
import math
import re
import shlex
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, InstanceOf

from moomarkets.domain.account import check_name
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d)?", re.ASCII)
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_MAX_NAMES_TEXT = 1000
_MAX_WINDOWS = 20


def read_seconds(value: object) -> object:
    """Seconds from a number, or from text such as `5`, `0.5s`, `200ms`, `2m`, `1h`, `7d`."""
    if isinstance(value, str):
        parts = _DURATION.fullmatch(value.strip())
        if not parts:
            raise ValueError(value)
        return float(parts[1]) * _UNITS_S[parts[2] or "s"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def read_whole(value: object) -> object:
    """A whole number; neither 2.0 nor true is one."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if type(value) is not int:
        raise ValueError(value)
    return value


def read_truth(value: object) -> object:
    """True or false from the usual words."""
    if isinstance(value, str) and value.strip().lower() in _TRUTH:
        return _TRUTH[value.strip().lower()]
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def read_path(value: object) -> object:
    """An absolute path; `~` is the home directory, anything relative starts at the working directory."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError(value)
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:  # a home directory that cannot be found
        raise ValueError(value) from None


def read_secret(value: object) -> object:
    """A secret text; printable, without blanks at its ends."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not text.strip() or not text.isascii():
        raise ValueError
    return Secret(text.strip())


def read_api_key(value: object) -> object:
    """A secret that may stand in an HTTP header: one line of visible ASCII."""
    secret = read_secret(value)
    if not isinstance(secret, Secret) or not all("!" <= mark <= "~" for mark in secret.reveal()):
        raise ValueError
    return secret


def read_database_url(value: object) -> object:
    """The address of a Postgres server; a secret, for it may hold a password."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    secret = read_secret(value)
    if not isinstance(secret, Secret) or urlsplit(secret.reveal()).scheme not in _SCHEMES:
        raise ValueError
    try:
        conninfo_to_dict(f"postgresql:{secret.reveal().partition(':')[2]}")
    except ProgrammingError:  # an option that Postgres does not know; its text may quote the password
        raise ValueError from None
    return secret


def read_base_url(value: object) -> object:
    """A provider's address: https, or http on this machine; without account, query, fragment."""
    if not isinstance(value, str) or not value.isascii() or not all("!" <= mark <= "~" for mark in value):
        raise ValueError(value)
    parts = urlsplit(value)
    host = parts.hostname or ""
    is_plain = parts.username is None and not parts.query and not parts.fragment and parts.port != 0
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    if not host or not is_plain or not is_safe:
        raise ValueError(value)
    return value.rstrip("/")


def read_windows(value: object) -> object:
    """Rate windows from `[[5, 60], [2, 1]]`: at most 5 requests in any 60 s, and 2 in any second."""
    try:
        pairs = json.loads(value) if isinstance(value, str) else value
    except RecursionError:
        raise ValueError(value) from None
    if not isinstance(pairs, list | tuple) or not 1 <= len(pairs) <= _MAX_WINDOWS:
        raise ValueError(value)
    return tuple(pair if isinstance(pair, Window) else _window(pair) for pair in pairs)


def read_name(value: object) -> object:
    """A short name in small letters."""
    if not isinstance(value, str) or not _NAME.fullmatch(value.strip().lower()):
        raise ValueError(value)
    return value.strip().lower()


def read_names(value: object) -> object:
    """Several short names, as a list, as one in JSON or separated by commas."""
    names = value
    if isinstance(value, str):
        is_json = value.lstrip().startswith("[") and len(value) <= _MAX_NAMES_TEXT
        names = json.loads(value) if is_json else value.split(",")
    if not isinstance(names, list | tuple) or len(names) > _MAX_WINDOWS:
        raise ValueError(value)
    return tuple(read_name(name) for name in names)


def read_user(value: object) -> object:
    """The name of a user."""
    return check_name(value.strip() if isinstance(value, str) else value)


def read_host(value: object) -> object:
    """An address or host name to listen on."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.:_-]{1,255}", value.strip(), re.ASCII):
        raise ValueError(value)
    return value.strip()


def read_command(value: object) -> object:
    """A command with its arguments, split as a shell would; it is run without one."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or not shlex.split(value):
        raise ValueError(value)
    return value.strip()


def read_word(value: object) -> object:
    """A word out of a fixed list, in any case; `warn` is `warning`."""
    if not isinstance(value, str):
        raise ValueError(value)
    word = value.strip().lower()
    return "warning" if word == "warn" else word


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _window(pair: object) -> Window:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(pair)
    count, seconds = pair
    if type(seconds) not in (int, float):
        raise ValueError(pair)
    return Window(count, seconds)


Seconds = Annotated[float, BeforeValidator(read_seconds)]
Whole = Annotated[int, BeforeValidator(read_whole)]
Truth = Annotated[bool, BeforeValidator(read_truth)]
FilePath = Annotated[Path, BeforeValidator(read_path)]
SecretText = Annotated[InstanceOf[Secret], BeforeValidator(read_secret)]
ApiKey = Annotated[InstanceOf[Secret], BeforeValidator(read_api_key)]
DatabaseUrl = Annotated[InstanceOf[Secret], BeforeValidator(read_database_url)]
BaseUrl = Annotated[str, BeforeValidator(read_base_url)]
Windows = Annotated[tuple[InstanceOf[Window], ...], BeforeValidator(read_windows)]
Name = Annotated[str, BeforeValidator(read_name)]
Names = Annotated[tuple[str, ...], BeforeValidator(read_names)]
Command = Annotated[str, BeforeValidator(read_command)]
UserName = Annotated[str, BeforeValidator(read_user)]
Host = Annotated[str, BeforeValidator(read_host)]
