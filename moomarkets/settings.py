"""All settings as one frozen object, read once at the entry points.

Strongest first: an argument, the environment (`MOOMARKETS_…`, nested by `__`), `moomarkets.toml` in the
working directory or in `$XDG_CONFIG_HOME/moomarkets`, the default.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from moomarkets import settings_values as values
from moomarkets.domain.account import LOCAL
from moomarkets.domain.errors import SettingsError
from moomarkets.settings_faults import is_secret, sentences
from moomarkets.settings_layers import ARGUMENT, PREFIX, Written, read_layers, variable

_DEMO = "-demo"


def _text(default: Any, expected: str, meaning: str, *, is_secret: bool = False) -> Any:
    notes: dict[str, Any] = {"expected": expected, "is_secret": is_secret}
    return Field(default, description=meaning, json_schema_extra=notes)


def _seconds(default: float, low: float, high: float, meaning: str) -> Any:
    notes: dict[str, Any] = {"expected": f"seconds from {low:g} to {high:,}"}
    return Field(default, ge=low, le=high, description=meaning, json_schema_extra=notes)


def _whole(default: int | None, low: int, high: int, meaning: str) -> Any:
    notes: dict[str, Any] = {"expected": f"a whole number from {low:,} to {high:,}"}
    return Field(default, ge=low, le=high, description=meaning, json_schema_extra=notes)


def _truth(default: bool | None, meaning: str) -> Any:
    return _text(default, "true or false", meaning)


class SourceSettings(BaseModel):
    """Settings of one source; None leaves what the source itself and the database say.

    Example:
        >>> SourceSettings(limits=[[5, 60]], plan="free").limits
        (Window(count=5, seconds=60),)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: values.BaseUrl | None = _text(
        None,
        "https://…, or http:// on this machine only",
        "address of the provider; default: the source's own",
    )
    limits: values.Windows | None = _text(
        None,
        "a list of [requests, seconds] such as [[5, 60], [2, 1]]",
        "rate windows, in place of those of the plan",
    )
    plan: values.Name | None = _text(None, "a plan's name such as light", "the plan that you pay for")
    add_ons: values.Names | None = _text(
        None, "names such as minute, tdnet; in the file a list", "what you pay for beside the plan"
    )
    is_enabled: values.Truth | None = _truth(None, "whether the source is used at all")
    api_key: values.ApiKey | None = _text(
        None, "one line of visible ASCII", "key of the provider for the built-in user", is_secret=True
    )


class Settings(BaseSettings):
    """Everything that can be set. `Settings.load()` reads all layers; `Settings(…)` takes only its arguments.

    Wrong values raise `SettingsError` with all faults at once.

    Example:
        >>> settings = Settings(executors=2, poll_s="200ms")
        >>> settings.executors, settings.poll_s
        (2, 0.2)
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: values.DatabaseUrl | None = _text(
        None, "postgresql://…", "the Postgres server to use; default: an embedded one", is_secret=True
    )
    data_dir: values.FilePath = Field(
        default_factory=lambda: _default_data_dir(),
        description="embedded Postgres and keyring; the demo uses the directory of that name with `-demo`",
        json_schema_extra={"expected": "a directory"},
    )
    demo: values.Truth = _truth(False, "run against the built-in simulators, in a data directory of its own")
    user: values.UserName = _text(LOCAL, "a user's name", "who acts: whose groups, jobs, keys and data are meant")
    keys_file: values.FilePath | None = _text(
        None, "a file of mode 0600", "keyring of the credentials; default: `keys.json` in the data directory"
    )
    keys: values.SecretText | None = _text(
        None, "the keyring as JSON", "the keyring itself, where there is no file", is_secret=True
    )
    keys_cmd: values.Command | None = _text(
        None, "a command and its arguments", "prints the keyring, where there is neither file nor `keys`"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(values.read_word)] = _text(
        "info", "one of debug, info, warning, error", "the least level that is logged"
    )
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(values.read_word)] = _text(
        "auto", "one of auto, console, json", "form of the log; auto: console on a terminal, else JSON"
    )
    executors: values.Whole = _whole(8, 1, 200, "slots for jobs that wait for providers")
    process_workers: values.Whole = _whole(2, 1, 64, "processes for computations, started when needed")
    abandoned_limit: values.Whole | None = _whole(
        None, 1, 10_000, "hung jobs that are borne before no work is taken; default: twice `executors`"
    )
    claim_batch: values.Whole = _whole(200, 1, 500, "jobs claimed in one statement, at most")
    attempt_deadline_s: values.Seconds = _seconds(3600, 1, 604800, "one attempt of a job, which is cancelled then")
    lease_s: values.Seconds = _seconds(6, 1, 600, "how long a silent executor keeps its job")
    request_deadline_s: values.Seconds = _seconds(60, 1, 600, "one request, from its permit to the last byte")
    drain_deadline_s: values.Seconds = _seconds(30, 1, 600, "how long running jobs may take to finish at the end")
    permit_use_s: values.Seconds = _seconds(
        5, 0.5, 600, "a permit is used within this or not at all; at most `request_deadline_s`"
    )
    poll_s: values.Seconds = _seconds(5, 0.1, 60, "look for due work that nobody announced")
    rescue_every_s: values.Seconds = _seconds(1, 0.1, 60, "look for jobs whose executor died")
    max_retries: values.Whole = _whole(3, 0, 1000, "retries of a job that says nothing else")
    retry_delay_s: values.Seconds = _seconds(300, 0, 604800, "longest wait before the first retry; doubles each time")
    queue_max_retries: values.Whole = _whole(3, 0, 1000, "retries of a job that stands alone and says nothing else")
    queue_retry_delay_s: values.Whole = _whole(
        1, 0, 604800, "longest wait in whole seconds before its first retry; doubles each time"
    )
    crash_limit: values.Whole = _whole(5, 1, 1000, "deaths of the process under a job before it is given up")
    keep_days: values.Whole = _whole(30, 1, 36500, "history of executions and occurrences; market data stay for ever")
    prune_every_s: values.Seconds = _seconds(3600, 1, 604800, "look for history that is old enough to be forgotten")
    long_running_s: values.Seconds = _seconds(3600, 1, 604800, "warn of an attempt that lasts longer")
    is_web_enabled: values.Truth = _truth(True, "whether the supervisor serves health and REST")
    web_host: values.Host = _text("127.0.0.1", "an address or host name", "where the web server listens")
    web_port: values.Whole = _whole(8420, 0, 65535, "its port; 0: any free one; the default moves on where it is taken")
    ai_request_timeout_s: values.Seconds = _seconds(30, 1, 86400, "one request to an AI provider")
    ai_max_concurrent_requests: values.Whole = _whole(10, 1, 1000, "requests to AI providers at a time")
    is_ai_fallback_enabled: values.Truth = _truth(True, "whether another AI provider takes over from one that fails")
    rate_limit_per_minute: values.Whole = _whole(100, 1, 1_000_000, "requests a minute to an AI provider")
    rate_limit_burst: values.Whole = _whole(10, 1, 1_000_000, "of these, requests in any second")
    sources: dict[values.Name, SourceSettings] = Field(
        default_factory=dict,
        description="settings by source",
        json_schema_extra={"expected": "a table of tables, such as sources.jquants.plan", "is_secret": True},
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise SettingsError(sentences(error, Settings, {"sources": SourceSettings})) from None
        if "permit_use_s" not in given and self.permit_use_s > self.request_deadline_s:
            # A shorter deadline alone must not turn the default into a fault.
            object.__setattr__(self, "permit_use_s", self.request_deadline_s)
        if self.permit_use_s > self.request_deadline_s:
            allowed = f"at most request_deadline_s ({self.request_deadline_s:g} s)"
            raise SettingsError([f"permit_use_s: expected {allowed}, got {self.permit_use_s:g}"])
        if self.demo and not self.data_dir.name.endswith(_DEMO):
            object.__setattr__(self, "data_dir", self.data_dir.with_name(self.data_dir.name + _DEMO))
        self._origins = dict.fromkeys(given, ARGUMENT)

    @classmethod
    def load(cls, **arguments: object) -> Self:
        """Read all layers, raising `SettingsError` with every fault; an argument of None is not given."""
        written = read_layers(cls, {name: value for name, value in arguments.items() if value is not None})
        faults = list(written.faults)
        try:
            settings = cls(**written.values)
        except SettingsError as error:
            faults += [written.spelled(fault) for fault in error.faults]
            raise SettingsError(faults) from None
        if settings.demo and written.rank("database_url") < written.rank("demo"):
            faults.append(
                f"{written.origins['database_url']}: expected no database beside the demo, whose made-up "
                "data keep to their own; got one (give it as an argument if that is meant)"
            )
        if faults:
            raise SettingsError(faults)
        settings._origins = written.origins
        return settings

    @property
    def keys_path(self) -> Path:
        """Where the keyring's file is, or will be made."""
        return self.keys_file or self.data_dir / "keys.json"

    def spelled(self, error: SettingsError) -> SettingsError:
        """A fault that was found later, under the names that the person wrote."""
        return SettingsError([Written(origins=self._origins).spelled(fault) for fault in error.faults])

    def origin(self, name: str) -> str:
        """`argument`, the variable, the file, or `default`; the names of nested values are dotted."""
        return self._origins.get(name, "default")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: Any,
        **named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments: `load` reads the other layers itself, to know where each value came from."""
        return (init_settings,)


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Take every secret out of an environment after loading, so that no child process inherits one."""
    hidden = {variable(name) for name, known in Settings.model_fields.items() if is_secret(known)}
    nested = tuple(f"__{name.upper()}" for name, known in SourceSettings.model_fields.items() if is_secret(known))
    for name in list(environ):
        spelled = name.upper()
        if spelled in hidden or (spelled.startswith(variable("sources.")) and spelled.endswith(nested)):
            del environ[name]


def _default_data_dir() -> Path:
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/moomarkets")
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(home).absolute() / "moomarkets"
