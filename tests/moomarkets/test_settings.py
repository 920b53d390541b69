from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from moomarkets.domain.errors import SettingsError
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.settings import Settings, forget_secrets
from moomarkets.settings_layers import ALIASES, PREFIX
from moomarkets.settings_table import settings_page

CANARY = "canary-9f2c41"


@pytest.fixture(autouse=True)
def empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) or name in ALIASES or name == "STATE_DIRECTORY":
            monkeypatch.delenv(name)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def faults(**arguments: object) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        Settings.load(**arguments)
    return list(refusal.value.faults)


def test_all_defaults_are_good() -> None:
    settings = Settings.load()

    assert (settings.executors, settings.lease_s, settings.poll_s) == (8, 6, 5)
    assert settings.database_url is None
    assert settings.origin("executors") == "default"


def test_an_argument_beats_the_environment_beats_an_alias_beats_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("moomarkets.toml").write_text("executors = 1\nqueue_max_retries = 1\nkeep_days = 1\ncrash_limit = 1\n")
    monkeypatch.setenv("JOB_QUEUE_WORKER_COUNT", "2")
    monkeypatch.setenv("JOB_QUEUE_MAX_RETRIES", "2")
    monkeypatch.setenv("MOOMARKETS_EXECUTORS", "3")
    monkeypatch.setenv("MOOMARKETS_KEEP_DAYS", "3")

    settings = Settings.load(keep_days=4)

    found = {
        name: (getattr(settings, name), settings.origin(name))
        for name in ("executors", "queue_max_retries", "keep_days")
    }
    assert found == {
        "executors": (3, "MOOMARKETS_EXECUTORS"),
        "queue_max_retries": (2, "JOB_QUEUE_MAX_RETRIES"),
        "keep_days": (4, "argument"),
    }
    assert settings.crash_limit == 1
    assert settings.origin("crash_limit") == str(Path.cwd() / "moomarkets.toml")


def test_the_file_may_lie_in_the_configuration_directory(tmp_path: Path) -> None:
    (tmp_path / "config" / "moomarkets").mkdir(parents=True)
    (tmp_path / "config" / "moomarkets" / "moomarkets.toml").write_text('poll_s = "200ms"')

    assert Settings.load().poll_s == 0.2


def test_an_argument_of_none_and_an_empty_variable_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOMARKETS_DATABASE_URL", "")
    monkeypatch.setenv("MOOMARKETS_EXECUTORS", "3")

    settings = Settings.load(executors=None)

    assert settings.executors == 3
    assert settings.database_url is None


def test_sources_are_set_by_nested_variables_over_the_table_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("moomarkets.toml").write_text(
        '[sources.jquants]\nplan = "free"\nlimits = [[9, 60]]\n[sources.yahoo]\nis_enabled = false'
    )
    monkeypatch.setenv("MOOMARKETS_SOURCES__JQUANTS__BASE_URL", "http://127.0.0.1:8123/v2/")
    monkeypatch.setenv("MOOMARKETS_SOURCES__JQUANTS__LIMITS", "[[5, 60], [2, 0.5]]")
    monkeypatch.setenv("MOOMARKETS_SOURCES__JQUANTS__API_KEY", CANARY)

    settings = Settings.load()

    jquants = settings.sources["jquants"]
    assert jquants.base_url == "http://127.0.0.1:8123/v2"
    assert jquants.limits == (Window(5, 60), Window(2, 0.5))
    assert jquants.plan == "free"
    assert jquants.api_key == Secret(CANARY)
    assert settings.sources["yahoo"].is_enabled is False
    assert settings.origin("sources.jquants.limits") == "MOOMARKETS_SOURCES__JQUANTS__LIMITS"
    assert CANARY not in repr(settings) + str(settings) + str(settings.model_dump())


def test_every_alias_of_the_earlier_design_is_read_in_its_own_form(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["5", "3", "10", "5s", "30s", "10", "true", "100", "10"]
    for name, value in zip(ALIASES, values, strict=True):
        monkeypatch.setenv(name, value)

    settings = Settings.load()

    assert [getattr(settings, name) for name in ALIASES.values()] == [5, 3, 10, 5, 30, 10, True, 100, 10]


def test_all_faults_come_at_once_under_the_names_that_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("moomarkets.toml").write_text("executers = 3\nmax_retries = 2.0\n[sources.jquants]\nplann = 'x'\n")
    file = Path.cwd() / "moomarkets.toml"
    monkeypatch.setenv("MOOMARKETS_EXECUTOR", "4")
    monkeypatch.setenv("JOB_QUEUE_WORKER_COUNT", "many")
    monkeypatch.setenv("MOOMARKETS_LEASE_S", "601")
    monkeypatch.setenv("MOOMARKETS_SOURCES__JQUANTS__BASE_ULR", "https://x")
    monkeypatch.setenv("MOOMARKETS_SOURCES__YAHOO__LIMITS", "[[0, 60]]")

    assert sorted(faults(keep_days=0)) == sorted(
        [
            f"{file}: executers: no such setting; did you mean executors?",
            f"{file}: max_retries: expected a whole number from 0 to 1,000, got 2.0",
            f"{file}: sources.jquants.plann: no such setting; did you mean sources.jquants.plan?",
            "MOOMARKETS_EXECUTOR: no such setting; did you mean MOOMARKETS_EXECUTORS?",
            "JOB_QUEUE_WORKER_COUNT: expected a whole number from 1 to 200, got 'many'",
            "MOOMARKETS_LEASE_S: expected seconds from 1 to 600, got 601.0",
            "MOOMARKETS_SOURCES__JQUANTS__BASE_ULR: no such setting; "
            "did you mean MOOMARKETS_SOURCES__JQUANTS__BASE_URL?",
            "MOOMARKETS_SOURCES__YAHOO__LIMITS: expected a list of [requests, seconds] "
            "such as [[5, 60], [2, 1]], got '[[0, 60]]'",
            "keep_days: expected a whole number from 1 to 36,500, got 0",
        ]
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MOOMARKETS_DATABASE_URL", f"mysql://user:{CANARY}@host/db"),
        ("MOOMARKETS_DATABASE_URL", f"{CANARY} \u00fc"),
        ("MOOMARKETS_SOURCES__JQUANTS__API_KEY", f"{CANARY}\r\nHost: evil"),
        ("MOOMARKETS_SOURCES__JQUANTS__BASE_URL", f"https://user:{CANARY}@api.example"),
        ("MOOMARKETS_SOURCES__JQUANTS", CANARY),
        ("MOOMARKETS_SOURCES", CANARY),
        ("MOOMARKETS_SAUCES__API_KEY", CANARY),
    ],
)
def test_a_fault_never_shows_a_secret(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    found = faults()

    assert len(found) == 1
    assert found[0].startswith(f"{variable}: ")
    assert CANARY not in found[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"executors": 0},
        {"executors": 201},
        {"executors": True},
        {"executors": 2.0},
        {"executors": "\uff15"},
        {"poll_s": 0.09},
        {"poll_s": "5 parsecs"},
        {"poll_s": float("nan")},
        {"poll_s": True},
        {"lease_s": "-1s"},
        {"log_level": "loud"},
        {"log_format": 5},
        {"demo": "perhaps"},
        {"data_dir": ""},
        {"data_dir": "a\0b"},
        {"web_port": 65536},
        {"web_host": "a b"},
        {"permit_use_s": 90, "request_deadline_s": 60},
        {"sources": {"jquants": {"base_url": "http://api.jquants.com"}}},
        {"sources": {"jquants": {"base_url": "ftp://localhost"}}},
        {"sources": {"jquants": {"base_url": "https://"}}},
        {"sources": {"jquants": {"base_url": "https://x:99999"}}},
        {"sources": {"jquants": {"base_url": "https://x/?q=1"}}},
        {"sources": {"jquants": {"base_url": "http://127.0.0.1.evil.example"}}},
        {"sources": {"jquants": {"limits": []}}},
        {"sources": {"jquants": {"limits": "[[1, 60]"}}},
        {"sources": {"jquants": {"limits": [[1.0, 60]]}}},
        {"sources": {"jquants": {"limits": [[True, 60]]}}},
        {"sources": {"jquants": {"limits": [[1, True]]}}},
        {"sources": {"jquants": {"limits": [[1, 0.01]]}}},
        {"sources": {"jquants": {"limits": "[" * 50_000}}},
        {"sources": {"jquants": {"plan": "a plan"}}},
        {"sources": {"bad name": {}}},
    ],
)
def test_a_value_out_of_its_range_or_form_is_one_fault(wrong: dict[str, object]) -> None:
    assert len(faults(**wrong)) == 1
    with pytest.raises(SettingsError):
        Settings(**wrong)


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://[::1]:80", "http://127.8.8.8", "https://api.jquants.com/v2"]
)
def test_a_base_url_is_https_or_on_this_machine(url: str) -> None:
    assert Settings(sources={"jquants": {"base_url": url}}).sources["jquants"].base_url == url


def test_every_time_can_be_shortened_on_its_own() -> None:
    assert Settings(request_deadline_s=1).permit_use_s == 1
    assert Settings(lease_s=1, drain_deadline_s=1, permit_use_s=0.5, poll_s="100ms").poll_s == 0.1


@pytest.mark.parametrize(("text", "seconds"), [("5", 5), ("5s", 5), ("0.5 s", 0.5), ("200ms", 0.2), ("1m", 60)])
def test_seconds_are_read_with_their_unit(text: str, seconds: float) -> None:
    assert Settings(poll_s=text).poll_s == seconds


def test_the_demo_keeps_its_data_in_a_directory_of_its_own(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path / "data", demo=True)

    assert settings.data_dir == tmp_path / "data-demo"
    assert settings.keys_path == tmp_path / "data-demo" / "keys.json"
    assert Settings(data_dir=settings.data_dir, demo=True).data_dir == settings.data_dir


def test_the_demo_does_not_fill_a_database_that_was_set_for_real_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOOMARKETS_DATABASE_URL", f"postgresql://me:{CANARY}@host/db")

    assert faults(demo=True)[0].startswith("MOOMARKETS_DATABASE_URL: expected no database beside the demo")
    assert Settings.load(demo=True, database_url="postgresql://host/db").demo


@pytest.mark.parametrize("url", ["mysql://me:CANARY@host/db", "postgresql://me:CANARY@host/db?sslmod=disable"])
def test_an_address_of_a_database_that_postgres_would_not_take_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match=r"database_url: expected postgresql://…") as refused:
        Settings.load(database_url=url)

    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    ("surroundings", "expected"),
    [
        ({"STATE_DIRECTORY": "/srv/moo:/srv/other"}, "/srv/moo"),
        ({"XDG_DATA_HOME": "/srv/xdg"}, "/srv/xdg/moomarkets"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": ""}, "/home/me/.local/share/moomarkets"),
    ],
)
def test_data_lie_where_the_system_wants_them(
    monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)

    assert Settings.load().data_dir == Path(expected)


def test_data_of_root_lie_in_the_system_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert Settings.load().data_dir == Path("/var/lib/moomarkets")


def test_relative_paths_and_the_home_directory_become_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert Settings(data_dir="~/moo", keys_file="keys.json").data_dir == Path("/home/me/moo")
    assert Settings(keys_file="keys.json").keys_path == Path.cwd() / "keys.json"


@pytest.mark.parametrize("content", [b"executors = ", b"\xff\xfe", b"a=" + b"[" * 20_000])
def test_a_file_that_is_no_toml_is_one_fault(content: bytes) -> None:
    Path("moomarkets.toml").write_bytes(content)

    found = faults()

    assert len(found) == 1
    assert "moomarkets.toml: expected a TOML file" in found[0]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().executors = 3


def test_only_load_looks_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOMARKETS_EXECUTORS", "3")

    assert Settings().executors == 8


def test_a_pickle_of_settings_carries_no_secret() -> None:
    assert CANARY.encode() not in pickle.dumps(Settings(database_url=f"postgresql://me:{CANARY}@host/db"))


def test_secrets_are_taken_out_of_the_environment_and_nothing_else() -> None:
    environ = {
        "MOOMARKETS_KEYS": CANARY,
        "moomarkets_database_url": CANARY,
        "MOOMARKETS_SOURCES__JQUANTS__API_KEY": CANARY,
        "MOOMARKETS_SOURCES__JQUANTS__PLAN": "light",
        "MOOMARKETS_KEYS_FILE": "/keys.json",
        "PATH": "/bin",
    }

    forget_secrets(environ)

    assert CANARY not in environ.values()
    assert set(environ) == {"MOOMARKETS_SOURCES__JQUANTS__PLAN", "MOOMARKETS_KEYS_FILE", "PATH"}


@pytest.mark.parametrize("text", ["minute,tdnet", "minute, tdnet", '["minute", "tdnet"]'])
def test_names_are_read_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MOOMARKETS_SOURCES__JQUANTS__ADD_ONS", text)

    assert Settings.load().sources["jquants"].add_ons == ("minute", "tdnet")


def test_the_page_on_settings_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"

    assert page.read_text(encoding="utf-8") == settings_page(), "python -m moomarkets.settings_table writes it"
    assert all(f"`{name}`" in settings_page() for name in Settings.model_fields if name != "sources")
