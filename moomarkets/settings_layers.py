"""Where settings are written down: environment, the aliases of earlier designs, and `moomarkets.toml`."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource

PREFIX = "MOOMARKETS_"
ARGUMENT = "argument"
FILE_NAME = "moomarkets.toml"
ALIASES = {
    "JOB_QUEUE_WORKER_COUNT": "executors",
    "JOB_QUEUE_MAX_RETRIES": "queue_max_retries",
    "JOB_QUEUE_BATCH_SIZE": "claim_batch",
    "JOB_QUEUE_POLL_INTERVAL": "poll_s",
    "AI_REQUEST_TIMEOUT": "ai_request_timeout_s",
    "AI_MAX_CONCURRENT_REQUESTS": "ai_max_concurrent_requests",
    "AI_FALLBACK_ENABLED": "is_ai_fallback_enabled",
    "RATE_LIMIT_REQUESTS_PER_MINUTE": "rate_limit_per_minute",
    "RATE_LIMIT_BURST_SIZE": "rate_limit_burst",
}
# Read elsewhere, once, at the start of the process.
_NOT_SETTINGS = {"MOOMARKETS_FAILPOINTS"}
_MEANT = re.compile(r"did you mean ([a-z0-9_.-]+)\?$")


@dataclass(slots=True)
class Written:
    """What was found: values (nested), where each came from by its dotted path, and the faults on the way."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def spelled(self, fault: str) -> str:
        """The fault of a dotted path under the name that the person wrote."""
        path, _, words = fault.partition(": ")
        origin = self.origins.get(path, ARGUMENT)
        if origin == ARGUMENT:
            return fault
        if "/" in origin:
            return f"{origin}: {fault}"
        return f"{origin}: {_MEANT.sub(lambda meant: meant[0].replace(meant[1], variable(meant[1])), words)}"

    def rank(self, path: str) -> int:
        """How close to the person a value was given: 1 file, 2 environment, 3 argument; none is closest."""
        origin = self.origins.get(path, ARGUMENT)
        return 3 if origin == ARGUMENT else 1 if "/" in origin else 2


def variable(path: str) -> str:
    """The environment variable of a setting, by its dotted path."""
    return PREFIX + path.upper().replace(".", "__")


def read_layers(settings: type[BaseSettings], arguments: Mapping[str, object]) -> Written:
    """Collect all layers, the strongest last word: arguments, environment, its aliases, the file."""
    written = Written()
    _read_file(settings, written)
    aliased = {ALIASES[name]: text for name, text in os.environ.items() if text and name in ALIASES}
    spelled = {setting: alias for alias, setting in ALIASES.items()}
    _put(written, aliased, lambda path: spelled[path])
    _put(written, EnvSettingsSource(settings)(), variable)
    _put(written, arguments, lambda path: ARGUMENT)
    written.faults += [
        _unknown(name, (variable(known) for known in settings.model_fields))
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and not _is_known(name.upper(), settings)
    ]
    return written


def _is_known(name: str, settings: type[BaseSettings]) -> bool:
    head, nested, _ = name.removeprefix(PREFIX).lower().partition("__")
    return name in _NOT_SETTINGS or head == "sources" or (head in settings.model_fields and not nested)


def _read_file(settings: type[BaseSettings], written: Written) -> None:
    path = _file()
    if path is None:
        return
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        words = fault.strerror if isinstance(fault, OSError) else str(fault)
        written.faults.append(f"{path}: expected a TOML file, got {words}")
        return
    for name in sorted(set(content) - set(settings.model_fields)):
        written.faults.append(_unknown(name, settings.model_fields, f"{path}: "))
        del content[name]
    _put(written, content, lambda setting: str(path))


def _file() -> Path | None:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    places = (Path.cwd() / FILE_NAME, Path(home) / "moomarkets" / FILE_NAME)
    return next((path for path in places if path.is_file()), None)


def _unknown(name: str, known: Iterable[str], place: str = "") -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"{place}{name}: no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _put(written: Written, layer: Mapping[str, object], origin_of: Callable[[str], str]) -> None:
    _merge(written.values, layer, written.origins, origin_of, "")


def _merge(
    values: dict[str, object],
    layer: Mapping[str, object],
    origins: dict[str, str],
    origin_of: Callable[[str], str],
    above: str,
) -> None:
    for name, value in layer.items():
        path = f"{above}{name.lower()}"
        if isinstance(value, Mapping):
            inner = values.get(name.lower())
            merged: dict[str, object] = inner if isinstance(inner, dict) else {}
            values[name.lower()] = merged
            _merge(merged, value, origins, origin_of, f"{path}.")
        else:
            values[name.lower()] = value
            origins[path] = origin_of(path)
