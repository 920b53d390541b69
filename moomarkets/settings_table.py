"""The page on settings, made from them: `python -m moomarkets.settings_table > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from moomarkets.settings import Settings, SourceSettings
from moomarkets.settings_faults import expected
from moomarkets.settings_layers import ALIASES, variable

_INTRODUCTION = """\
# Settings

Strongest first: an argument (or a flag of the command), the environment, `moomarkets.toml` in the working
directory or else in `$XDG_CONFIG_HOME/moomarkets`, the default. In the file a setting has its name
(`executors = 8`), and those of a source stand in a table of their own (`[sources.jquants]`). Seconds may be
written as `0.5s`, `200ms`, `2m`, `1h` or `7d`. Wrong and unknown names and values are all reported at once,
and nothing starts.
"""
_TABLE_HEAD = "| name | variable | default | takes | meaning |\n|---|---|---|---|---|"


def settings_page() -> str:
    """The whole page as Markdown; one row per setting."""
    sources = [_row(f"sources.<source>.{name}", known) for name, known in SourceSettings.model_fields.items()]
    aliases = [f"| `{alias}` | `{variable(name)}` |" for alias, name in ALIASES.items()]
    parts = [
        _INTRODUCTION,
        _TABLE_HEAD,
        *_rows(Settings),
        "\n## Settings of a source\n\n`<source>` is its code, such as `jquants`.\n",
        _TABLE_HEAD,
        *sources,
        "\n## Aliases\n\nThese are read too; our own variable wins where both are set.\n",
        "| alias | stands for |\n|---|---|",
        *aliases,
    ]
    return "\n".join(parts) + "\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    return (_row(name, known) for name, known in model.model_fields.items() if name != "sources")


def _row(name: str, known: FieldInfo) -> str:
    default = "" if known.default is None else f"`{_plain(known.default)}`"
    if known.default_factory is not None:
        default = "`~/.local/share/moomarkets`; as root `/var/lib/moomarkets`; `$STATE_DIRECTORY` where set"
    return f"| `{name}` | `{variable(name)}` | {default} | {expected(known)} | {known.description} |"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(settings_page())
