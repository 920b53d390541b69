"""No secret gets out: a system with canaries for secrets is put through its troubles, and everything is searched."""

from __future__ import annotations

import base64
import json
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from datasources.simulators.faults import Answer, Fault
from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.server import Question
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.cli import main
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Tokens
from moomarkets.installation import Installation
from moomarkets.services.token_box import StoredTokenBox, Ticket
from moomarkets.settings import Settings
from moomarkets.store import sources
from tests.actors.otp.patience import eventually
from tests.support.canaries import Canaries, files_below, tables_of
from tests.support.postgres import swept_directory
from tests.support.supervisor import Playground, SupervisorProcess

SOON = datetime(2099, 1, 1, tzinfo=UTC)
ROUTES = (
    "/api/v1/groups",
    "/api/v1/jobs",
    "/api/v1/runs",
    "/api/v1/executions",
    "/api/v1/sources",
    "/api/v1/status",
    "/api/v1/why?thing=reference",
    "/api/v1/why?thing=1",
    "/api/v1/schedules",
    "/api/scheduler/status",
    "/api/scheduler/jobs",
    "/api/openapi.json",
    "/healthz",
    "/readyz",
)
TALKATIVE = ("status", "why reference", "check", "jobs list", "executions list", "runs list", "sources list")
PURGE = "purge --source jquants --all --yes"
COMMANDS = (*TALKATIVE, "credentials list", "keys list", "keys verify", "users list")


class Echo(JQuantsSimulator):
    """A provider whose gateway tells everybody what they sent."""

    echoes = False

    def answer(self, question: Question) -> Answer:
        if not self.echoes:
            return super().answer(question)
        status = 403 if "calendar" in question.path else 502
        return Answer(status, json.dumps({"message": f"denied: {dict(question.headers)}"}).encode())


class House:
    """A supervisor on its own data directory, and all that was ever said by it, of it and to it."""

    def __init__(self, data_dir: Path, provider: Echo, yahoo: YahooSimulator) -> None:
        self.ground, self.provider = Playground(data_dir, provider, yahoo), provider
        del self.ground.env["MOOMARKETS_SOURCES__JQUANTS__API_KEY"]
        self.ground.env |= {"MOOMARKETS_LOG_LEVEL": "debug", "MOOMARKETS_RETRY_DELAY_S": "0"}
        self.said: dict[str, bytes] = {}
        self.key = ""

    @property
    def keyring(self) -> Path:
        return self.ground.data_dir / "keys.json"

    def url(self, supervisor: SupervisorProcess) -> str:
        """Where its web server is."""
        ready = next(line for line in supervisor.output if '"event": "ready"' in line)
        return str(json.loads(ready)["url"])

    def sign_in_wrongly(self, password: str, name: str) -> None:
        """With another password, and with a password in the place of the name."""
        with self.installation() as installation:
            for tried in ("eve", name):
                assert installation.users.authenticate(tried, Secret(password + "x")) is None

    def plant(self, leak: str) -> None:
        """Have a secret where it must not be."""
        with self.installation() as installation, installation.reads.transaction() as connection:
            connection.execute(text("UPDATE jobs SET last_error = :leak"), {"leak": f"failed: {leak}"})

    def start(self, **env: str) -> SupervisorProcess:
        return self.ground.start("--log", "json", **env)

    def listen(self, name: str, process: SupervisorProcess) -> None:
        """Keep what an ended process has said."""
        self.said[name] = ("".join(process.output) + process.errors).encode()

    def moomarkets(self, command: str, given: str = "") -> str:
        """Run a command, and keep what it says."""
        done = CliRunner().invoke(main, command.split(), input=given, env=self.ground.env)
        trace = "".join(traceback.format_exception(done.exception)) if done.exception else ""
        self.said[f"{len(self.said)} moomarkets {command}"] = (done.output + trace).encode()
        return done.output

    def ask(self, url: str) -> None:
        """Keep every answer, and its headers."""
        with httpx.Client(base_url=url, timeout=30) as client:
            for route in ROUTES:
                answer = client.get(route)
                self.said[f"{len(self.said)} GET {route}"] = answer.content + str(answer.headers).encode()

    def fail(self, words: str) -> None:
        """Run a group, which fails with these words."""
        for command in ("groups stop daily-bars", "groups stop reference"):
            self.moomarkets(command)
        assert eventually(lambda: "deleted" in self.moomarkets(PURGE)), self.moomarkets(PURGE)
        self.moomarkets("groups run reference")
        seen = lambda: words in self.moomarkets("executions list --group reference --json")  # noqa: E731
        assert any(eventually(seen) for _ in range(6)), self.told()
        for command in COMMANDS:
            self.moomarkets(command)
            self.moomarkets(f"{command} --json")

    def told(self) -> list[tuple[str, ...]]:
        """How the attempts of the group have ended."""
        found = json.loads(self.moomarkets("executions list --group reference --json"))
        return [tuple(str(one[name])[:60] for name in ("job", "status", "reason", "error_message")) for one in found]

    @contextmanager
    def installation(self) -> Iterator[Installation]:
        """The same installation, beside a supervisor or without one."""
        with ExitStack() as undo:
            settings = Settings(data_dir=self.ground.data_dir)
            yield Installation(settings, SystemClock(), NoEvents(), undo, shares=True)

    def keep_tokens(self, tokens: Tokens) -> None:
        """Have tokens in their columns, as a client with a life cycle of tokens keeps them."""
        with self.installation() as installation:
            source_id = installation.source_ids["jquants"]
            kept = installation.reads.perform(lambda connection: sources.credential(connection, 1, source_id))
            assert kept is not None
            ticket, reads = Ticket(1, source_id, kept.updated_at), installation.reads
            box = StoredTokenBox(reads, installation.keyring, ticket, lambda _: None, uuid4)
            with box.renewing(CancelToken()):
                assert box.write(tokens)

    def everything(self) -> Mapping[str, bytes]:
        """What was said, every table, and every file but the keyring."""
        with self.installation() as installation:
            server = installation.place.server
            assert server is not None
            with server.connected_as_manager("moomarkets") as manager:
                tables = tables_of(manager)
        return {**self.said, **tables, **files_below(self.ground.data_dir, but=self.keyring)}


@pytest.fixture
def house(canaries: Canaries) -> Iterator[House]:
    """A house whose provider knows one key, which is a canary."""
    with swept_directory() as path:
        path.chmod(0o711)
        key = canaries.new("key")
        with Echo(plan="light", issues=20, keys=(key,)) as provider, YahooSimulator() as yahoo:
            house = House(path / "data", provider, yahoo)
            house.key = key
            try:
                yield house
            finally:
                house.ground.close()


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


def keyring_into(canaries: Canaries, path: Path) -> None:
    """The keys themselves must not get out either: as bytes, and as the file spells them."""
    for key_id, key in json.loads(path.read_text())["keys"].items():
        canaries.add(f"keyring {key_id}", base64.b64decode(key))


@pytest.mark.parametrize(
    "spell",
    [
        lambda raw: raw,
        lambda raw: raw.hex().encode(),
        lambda raw: quote(raw, safe="").encode(),
        lambda raw: base64.b64encode(raw),
        lambda raw: base64.b64encode(b"x" + raw),
        lambda raw: base64.urlsafe_b64encode(b"xy" + raw),
        lambda raw: json.dumps({"a": raw.decode()}).encode(),
    ],
)
def test_the_search_finds_a_canary_in_every_form(spell: Callable[[bytes], bytes], canaries: Canaries) -> None:
    secret = canaries.new("key").encode()

    found = canaries.found_in({"there": b"before " + spell(secret) + b" after", "not there": b"nothing"})

    assert set(found) == {"there: key"}


def test_no_secret_gets_out_whatever_goes_wrong(house: House, canaries: Canaries) -> None:
    wrong, password, mistyped = (canaries.new(name) for name in ("wrong", "password", "mistyped"))
    refresh, token = canaries.new("refresh"), canaries.new("id")
    supervisor = house.start()
    supervisor.wait_for_line('"event": "ready"')
    keyring_into(canaries, house.keyring)

    house.moomarkets("credentials set jquants", house.key)
    house.moomarkets("credentials validate jquants")
    house.keep_tokens(Tokens(Secret(refresh), SOON, Secret(token), SOON))
    house.moomarkets("users add eve --password", password)
    house.sign_in_wrongly(password, mistyped)
    go_wrong(house, wrong)
    rotate(house, canaries)
    house.ask(house.url(supervisor))
    supervisor.signal(signal.SIGTERM)
    house.said["exit code"] = str(supervisor.wait()).encode()
    house.listen("supervisor", supervisor)
    refuse(house, canaries)

    assert canaries.found_in(house.everything()) == []
    house.plant(base64.b64encode(house.key.encode()).decode())
    assert {line.partition(":")[0] for line in canaries.found_in(house.everything())} >= {"table jobs"}


def go_wrong(house: House, wrong: str) -> None:
    """The provider repeats what it was sent, answers nonsense, breaks off, and does not know the credential."""
    house.provider.faults.add(Fault("truncated_json", 4, "master"), Fault("reset", 2, "calendar"))
    house.fail("malformed")
    house.provider.echoes = True
    house.fail("denied")
    house.moomarkets("credentials validate jquants")
    house.moomarkets("credentials set jquants", wrong)
    house.moomarkets("credentials validate jquants")
    house.fail("denied")
    house.provider.echoes = False
    house.fail("auth")
    house.moomarkets("credentials set jquants", f"{wrong} {wrong}")
    house.moomarkets("credentials set jquants", house.key)


def rotate(house: House, canaries: Canaries) -> None:
    """A new key, everything under it, the old one away; then none at all for a while."""
    house.moomarkets("keys new")
    keyring_into(canaries, house.keyring)
    house.moomarkets("keys rotate")
    house.moomarkets("keys remove k1")
    aside = house.keyring.rename(house.keyring.with_name("aside"))
    for command in COMMANDS:
        house.moomarkets(command)
    house.moomarkets("credentials validate jquants")
    aside.rename(house.keyring)


def refuse(house: House, canaries: Canaries) -> None:
    """Settings and files that hold a secret where it cannot be."""
    text, kept = house.keyring.read_text(), house.keyring.read_bytes()
    house.keyring.unlink()
    for name, value in {"MOOMARKETS_KEYS": text[5:], "MOOMARKETS_SOURCES__JQUANTS__API_KEY": f"{house.key} x"}.items():
        refused = house.start(**{name: value})
        assert refused.wait() == 78
        house.listen(name, refused)
    house.keyring.write_bytes(kept[5:])
    house.keyring.chmod(0o600)
    house.moomarkets("check")
    house.keyring.write_bytes(kept)
