"""Users: added and changed by an admin, removed with all that is theirs, and let in by their password alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS
from moomarkets.domain.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyTries
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.secret import Secret
from moomarkets.domain.submission import Submission
from moomarkets.services.users import MOST_TRIES, Users
from moomarkets.store import datasets, enqueue, groups
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from tests.moomarkets.store.scene import Scene

GOOD, BAD = Secret("correct horse battery"), Secret("incorrect horse")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
HASH = text("SELECT password_hash FROM users WHERE name = 'eve'")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, purpose="tests", pool_size=6)
    yield opened
    opened.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def acting(database: Database, clock: ManualClock) -> Callable[[str], Users]:
    """The users as somebody else deals with them."""
    return lambda name: Users(database, name, clock)


@pytest.fixture
def users(acting: Callable[[str], Users]) -> Users:
    """The users as the built-in admin deals with them."""
    return acting("local")


def test_a_user_is_added_once_with_a_role_and_an_address(users: Users) -> None:
    users.add("eve", email="eve@example.org", role="viewer", password=GOOD)

    eve = users.list()[1]
    assert (eve["name"], eve["email"], eve["role"], eve["has_password"]) == ("eve", "eve@example.org", "viewer", True)
    with pytest.raises(Conflict, match="user eve: expected a new name, got one that is taken"):
        users.add("eve")
    with pytest.raises(Conflict, match=r"email eve@example\.org: expected an address of nobody else"):
        users.add("bob", email="eve@example.org")


@pytest.mark.parametrize("name", ["", "Eve", "e v", "e\n", "x" * 65, "-e", "é"])
def test_a_name_that_cannot_be_one_is_refused(users: Users, name: str) -> None:
    with pytest.raises(InvalidInput, match="user: expected 1-64 small letters"):
        users.add(name)


def test_what_cannot_be_an_address_a_role_or_a_password_is_refused_and_nothing_stored(users: Users) -> None:
    with pytest.raises(InvalidInput, match="email: expected an address"):
        users.add("eve", email="eve")
    with pytest.raises(InvalidInput, match="role: expected one of admin, operator, viewer, got 'root'"):
        users.add("eve", role="root")
    with pytest.raises(InvalidInput, match=r"password: expected 12 to 1024 characters, got \*\*\*"):
        users.add("eve", password=Secret("canary"))

    assert len(users.list()) == 1


def test_only_an_admin_deals_with_users(users: Users, acting: Callable[[str], Users]) -> None:
    users.add("eve", role="operator")
    eve = acting("eve")

    for verb in (
        lambda: eve.add("bob"),
        lambda: eve.role("eve", "admin"),
        lambda: eve.disable("local"),
        lambda: eve.enable("local"),
        lambda: eve.password("local", GOOD),
        lambda: eve.belongings("local"),
        lambda: eve.remove("local"),
    ):
        with pytest.raises(
            Forbidden, match="user eve: expected one who may administer, got one whose role is operator"
        ):
            verb()
    eve.password("eve", GOOD)

    assert [one["name"] for one in eve.list()] == ["eve"]


def test_there_is_always_an_admin_left(users: Users) -> None:
    for verb in (lambda: users.disable("local"), lambda: users.role("local", "viewer")):
        with pytest.raises(Conflict, match="user local: expected one beside another enabled admin"):
            verb()

    users.add("eve", role="admin")
    users.role("local", "viewer")


def test_two_admins_who_demote_each_other_at_once_leave_one(users: Users, acting: Callable[[str], Users]) -> None:
    users.add("eve", role="admin")

    def demote(who: str, whom: str) -> bool:
        try:
            acting(who).role(whom, "viewer")
        except (Conflict, Forbidden):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, ("local", "eve"), ("eve", "local")))

    assert sorted(done) == [False, True]


def test_the_right_password_lets_in_and_nothing_else_does(users: Users, clock: ManualClock) -> None:
    users.add("eve", password=GOOD)
    users.add("bob")

    assert users.authenticate("eve", BAD) is None
    assert users.authenticate("bob", GOOD) is None
    assert users.authenticate("nobody", GOOD) is None
    assert users.authenticate("e\x00", GOOD) is None
    eve = users.authenticate("eve", GOOD)

    assert eve is not None
    assert (eve.name, eve.last_sign_in_at) == ("eve", NOW)
    users.disable("eve")
    assert users.authenticate("eve", GOOD) is None


def test_a_hash_of_another_cost_is_made_anew_at_sign_in(users: Users, database: Database) -> None:
    users.add("eve")
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD.reveal())
    change = text("UPDATE users SET password_hash = :hash WHERE name = 'eve'")
    database.perform(lambda connection: connection.execute(change, {"hash": weak}) and None)

    assert users.authenticate("eve", GOOD) is not None

    kept = database.perform(lambda connection: connection.scalar(HASH))
    assert str(kept).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert users.authenticate("eve", GOOD) is not None


def test_guessing_stops_after_ten_tries_and_goes_on_five_minutes_later(users: Users, clock: ManualClock) -> None:
    users.add("eve", password=GOOD)
    for _ in range(MOST_TRIES):
        assert users.authenticate("eve", BAD, "10.0.0.1") is None

    with pytest.raises(TooManyTries) as refusal:
        users.authenticate("eve", GOOD, "10.0.0.1")

    assert refusal.value.retry_after_s == pytest.approx(300)
    assert users.authenticate("eve", GOOD, "10.0.0.2") is not None
    clock.advance(300.1)
    assert users.authenticate("eve", GOOD, "10.0.0.1") is not None


def test_a_sign_in_forgets_the_failures_before_it(users: Users) -> None:
    users.add("eve", password=GOOD)

    for _ in range(3):
        for _ in range(MOST_TRIES - 1):
            users.authenticate("eve", BAD)
        assert users.authenticate("eve", GOOD) is not None


def test_of_many_tries_at_once_no_more_than_ten_are_compared(users: Users) -> None:
    users.add("eve", password=GOOD)

    def guess(_: int) -> bool:
        try:
            return users.authenticate("eve", BAD) is None
        except TooManyTries:
            return False

    with ThreadPoolExecutor(6) as pool:
        compared = sum(pool.map(guess, range(30)))

    assert compared == MOST_TRIES


def test_no_name_that_was_tried_is_kept(users: Users, database: Database) -> None:
    users.authenticate("my password by mistake", BAD)

    rows = database.perform(lambda connection: str(connection.execute(text("SELECT * FROM sign_in_failures")).all()))

    assert "mistake" not in rows


def test_a_user_goes_with_all_that_is_theirs_and_nothing_of_anybody_else(users: Users, scene: Scene) -> None:
    for name in ("eve", "bob"):
        fill(scene, users.add(name))

    assert users.belongings("eve") | {"yahoo_daily_bars": 2} == users.belongings("eve")
    removed = users.remove("eve")

    assert removed.belongings["groups"] == 2
    assert (removed.belongings["jobs"], removed.belongings["yahoo_daily_bars"]) == (1, 2)
    assert removed.belongings == users.belongings("bob")
    for table in ("job_groups", "jobs", "yahoo_daily_bars"):
        assert scene.one(f"SELECT count(*) FROM {table} WHERE user_id NOT IN (SELECT id FROM users)")[0] == 0
    with pytest.raises(NotFound, match="user eve does not exist; there are: local, bob"):
        users.remove("eve")


def test_the_built_in_user_and_oneself_cannot_go(users: Users, acting: Callable[[str], Users]) -> None:
    users.add("eve", role="admin")

    with pytest.raises(Conflict, match="got the built-in one"):
        acting("eve").remove("local")
    with pytest.raises(Conflict, match="got the one who acts"):
        acting("eve").remove("eve")


def fill(scene: Scene, user_id: int) -> None:
    """Two groups, one of which waits for the other and lies below it, a lone job, and two rows of data."""
    scene.do(groups.create, user_id, GroupDefinition("first", "sim", ("fetch",)))
    scene.do(
        groups.create, user_id, GroupDefinition("second", "sim", ("fetch",), depends_on=("first",), parent="first")
    )
    scene.do(enqueue.enqueue_many, Submission("fetch", [{}], ("same",)), None, None, None, user_id)
    columns = len(YAHOO_DAILY_BARS.columns) - 2
    rows: list[tuple[object, ...]] = [("AAPL", date(2026, 11, day), *[None] * columns) for day in (19, 20)]
    owner = Owner(user_id, scene.source_id)
    scene.do(datasets.upsert, Batch(YAHOO_DAILY_BARS, rows), owner, execution_id=1, fetched_at=NOW)
