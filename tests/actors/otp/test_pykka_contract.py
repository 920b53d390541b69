"""The parts of Pykka's inside that the servers stand on: fails loudly if a release moves one of them."""

from __future__ import annotations

import inspect
import threading
from importlib.metadata import version
from types import SimpleNamespace

import pykka
import pytest
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.otp.errors import NoProc
from actors.otp.gen_server import GenServer
from actors.otp.messages import Continue
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.servers import Counter, Get


class _Inbox:
    """The smallest inbox: hands out what it was given, then stops the actor."""

    def __init__(self, actor: pykka.ThreadingActor, *messages: object) -> None:
        self._actor, self._left = actor, list(messages)

    def get(self) -> Envelope[object]:
        message = self._left.pop(0)
        if not self._left:
            self._actor.actor_stopped.set()
        return Envelope(message)

    def empty(self) -> bool:
        return True


class _Bare(pykka.ThreadingActor):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def on_start(self) -> None:
        self.seen.append("on_start")

    def _handle_receive(self, message: object) -> object:
        self.seen.append(message)
        return None

    def _actor_loop_teardown(self) -> None:
        self.seen.append("teardown")


def test_the_release_is_one_that_these_tests_were_written_for() -> None:
    assert (4, 5) <= tuple(int(part) for part in version("pykka").split(".")[:2]) < (5, 0)


def test_the_loop_is_start_then_messages_then_teardown() -> None:
    actor = _Bare()
    actor.actor_inbox = _Inbox(actor, "a", "b")  # type: ignore[assignment]

    actor._actor_loop()

    assert actor.seen == ["on_start", "a", "b", "teardown"]


def test_the_loop_takes_no_message_once_stopped_in_on_start() -> None:
    actor = _Bare()
    actor.actor_inbox = _Inbox(actor, "a")  # type: ignore[assignment]
    actor.actor_stopped.set()

    actor._actor_loop()

    assert actor.seen == ["on_start", "teardown"]


def test_what_the_inbox_raises_ends_the_loop_without_teardown() -> None:
    actor = _Bare()
    actor.actor_inbox = _Inbox(actor)  # type: ignore[assignment]

    with pytest.raises(IndexError):
        actor._actor_loop()

    assert actor.seen == ["on_start"]


def test_making_an_actor_asks_it_for_its_inbox_and_registers_nothing() -> None:
    """`_create_actor_inbox`: called once for each actor, on the actor itself."""
    inbox = object()

    class Own(_Bare):
        def _create_actor_inbox(self) -> object:  # type: ignore[override]
            return inbox

    before = pykka.ActorRegistry.get_all()

    actor = Own()

    assert actor.actor_inbox is inbox
    assert isinstance(actor.actor_stopped, threading.Event)
    assert pykka.ActorRegistry.get_all() == before


def test_an_actor_is_set_going_by_the_hook_for_other_kinds_of_threads() -> None:
    """`_start_actor_loop`: `start` leaves the thread to it, and `_actor_loop` is what a thread runs."""
    begun: list[pykka.ThreadingActor] = []

    class Own(_Bare):
        def _start_actor_loop(self) -> None:
            begun.append(self)

    ref = Own.start()
    pykka.ActorRegistry.unregister(ref)

    assert [actor.actor_ref for actor in begun] == [ref]
    assert "target=self._actor_loop" in inspect.getsource(pykka.ThreadingActor._start_actor_loop)


def test_an_ask_makes_its_future_by_a_hook_of_the_actor() -> None:
    """`_create_future`: the future goes into the envelope, and the inbox answers it."""
    made: list[pykka.ThreadingFuture[object]] = []
    put: list[Envelope[object]] = []

    class Own(_Bare):
        def _create_actor_inbox(self) -> object:  # type: ignore[override]
            return SimpleNamespace(put=put.append)

        @staticmethod
        def _create_future() -> pykka.Future[object]:
            made.append(pykka.ThreadingFuture[object]())
            return made[-1]

    future = Own().actor_ref.ask("hello", block=False)

    assert [future] == made
    assert [(envelope.message, envelope.reply_to) for envelope in put] == [("hello", future)]


def test_what_is_no_exception_would_stop_every_actor_of_the_process() -> None:
    """`_stop`: the reason why no `BaseException` may leave `_handle_receive`."""
    stopped: list[str] = []

    class Own(_Bare):
        def _handle_receive(self, message: object) -> object:
            raise SystemExit

        def _stop(self) -> None:
            stopped.append("this one")
            self.actor_stopped.set()

    actor = Own()
    actor.actor_inbox = _Inbox(actor, "a")  # type: ignore[assignment]
    actor._actor_loop()

    assert stopped == ["this one"]
    assert "ActorRegistry.stop_all()" in inspect.getsource(pykka.Actor._actor_loop_running)


def test_only_start_registers_an_actor() -> None:
    """Servers are never registered because a runtime does not use `Actor.start`."""
    source = inspect.getsource(pykka.Actor)

    assert source.count("ActorRegistry.register(") == 1
    assert "ActorRegistry.register(" in inspect.getsource(pykka.Actor.start)


@pytest.mark.parametrize(
    "name",
    [
        "_start_actor_loop",
        "_create_actor_inbox",
        "_handle_receive",
        "_actor_loop_teardown",
        "on_start",
        "stop",
    ],
)
def test_what_the_servers_override_still_exists(name: str) -> None:
    assert callable(getattr(pykka.ThreadingActor, name))
    assert getattr(GenServer, name) is not getattr(pykka.ThreadingActor, name)


def test_an_envelope_carries_a_message_and_where_to_reply() -> None:
    future = pykka.ThreadingFuture[object]()
    envelope = Envelope("message", reply_to=future)

    assert (envelope.message, envelope.reply_to) == ("message", future)


def test_a_future_can_be_settled_with_a_value_or_an_error() -> None:
    good, bad = pykka.ThreadingFuture[int](), pykka.ThreadingFuture[int]()

    good.set(1)
    bad.set_exception((ValueError, ValueError("no"), None))

    assert good.get(timeout=0) == 1
    with pytest.raises(ValueError, match="no"):
        bad.get(timeout=0)


def test_an_actor_ref_of_a_server_can_ask_tell_and_stop(runtime: ThreadRuntime) -> None:
    """Whoever gets hold of Pykka's own ref reaches the server through Pykka's door, in order."""
    refs: list[pykka.ActorRef[Counter]] = []

    class Open(Counter):
        def handle_continue(self, arg: object) -> None:
            refs.append(self.actor_ref)

        def init(self, *args: object, **kwargs: object) -> object:
            super().init()
            return Continue()

    server = runtime.start(Open)
    runtime.call(server, Get())
    (ref,) = refs

    ref.tell("info")
    assert ref.ask("seen", timeout=5) == ["info"]
    assert server.process.unanswered == {}
    assert ref.stop(timeout=5) is True
    assert server.exit_reason == "normal"
    assert not ref.is_alive()
    ref.actor_inbox.put(Envelope("late", future := pykka.ThreadingFuture[object]()))
    with pytest.raises(NoProc):
        future.get(timeout=5)


def test_the_stop_message_is_what_an_actor_ref_sends() -> None:
    assert "_ActorStop()" in inspect.getsource(pykka.ActorRef.stop)
    assert _ActorStop() == ()
