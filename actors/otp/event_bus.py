"""Topics that servers and functions subscribe to: how pages and streams hear what happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.otp.calls import find
from actors.otp.errors import InboxFull, Killed, NoProc
from actors.otp.process import Process, acting
from actors.otp.ref import Dest, Name, Ref
from moomarkets.domain.errors import InvalidInput

if TYPE_CHECKING:
    from actors.otp.runtime import Runtime

Callback = Callable[[object], object]


class Subscription:
    """One subscriber of one topic, until `cancel`, or until the server that subscribed ends."""

    def __init__(self, topic: str, subscriber: Process | Callback, cancel: Callable[[Subscription], None]) -> None:
        self.topic = topic
        self.dropped = 0
        self.failures = 0
        self._subscriber, self._cancel = subscriber, cancel
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Deliver nothing more; a publication that is under way in another thread may still arrive. Idempotent."""
        self._cancel(self)
        if isinstance(self._subscriber, Process):
            self._subscriber.exited.unsubscribe(self.cancel)

    def deliver(self, message: object) -> BaseException | None:
        """Hand it over; returns the first error that the subscriber raises. A full inbox drops it and counts."""
        if isinstance(self._subscriber, Process):
            try:
                self._subscriber.mailbox.push(message, is_bounded=True)
            except InboxFull:
                with self._lock:
                    self.dropped += 1
            return None
        try:
            self._subscriber(message)
        except (Killed, KeyboardInterrupt):
            # Meant for the publisher, in whose thread this runs.
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a subscriber raises, the others get the message
            with self._lock:
                self.failures += 1
                return error if self.failures == 1 else None
        return None


class EventBus:
    """Hands each message to whoever subscribed to its topic. Any thread may use it; it has none of its own.

    A server gets messages in `handle_info` and is forgotten when it ends: its next incarnation subscribes anew,
    in `init`. A function is called in the publisher's thread and must be quick. A subscriber that fails or whose
    inbox is full harms nobody else; the first failure of each is reported. One publisher's messages arrive in its
    order.

    Example:
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> bus, seen = EventBus(ThreadRuntime()), []
        >>> subscription = bus.subscribe("jobs", seen.append)
        >>> bus.publish("jobs", "started"), subscription.cancel(), bus.publish("jobs", "ended"), seen
        (1, None, 0, ['started'])
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._topics: dict[str, tuple[Subscription, ...]] = {}

    def subscribe(self, topic: str, subscriber: Dest | Callback) -> Subscription:
        """Subscribe a server, by ref or name, or a function. Raises `NoProc` if no such server lives."""
        acting()
        if not isinstance(topic, str):
            raise InvalidInput("topic", "text", type(topic).__name__)
        if not isinstance(subscriber, Ref | Name | str):
            if not callable(subscriber):
                raise InvalidInput("subscriber", "a ref, a name or a function", type(subscriber).__name__)
            return self._add(Subscription(topic, subscriber, self._remove))
        process = find(Name(self._runtime, subscriber) if isinstance(subscriber, str) else subscriber)
        if process is None or process.exited.is_done:
            raise NoProc(subscriber if isinstance(subscriber, str) else str(subscriber))
        subscription = self._add(Subscription(topic, process, self._remove))
        process.exited.subscribe(subscription.cancel)
        return subscription

    def publish(self, topic: str, message: object) -> int:
        """Hand `message` to the subscribers of `topic`; how many there were."""
        acting()
        subscriptions = self._topics.get(topic, ())
        for subscription in subscriptions:
            error = subscription.deliver(message)
            if error is not None:
                self._runtime.events.emit("subscriber.failed", topic=topic, error=type(error).__name__)
        return len(subscriptions)

    def subscriptions(self, topic: str) -> tuple[Subscription, ...]:
        """Who is subscribed now, in order of subscription."""
        return self._topics.get(topic, ())

    def _add(self, subscription: Subscription) -> Subscription:
        with self._lock:
            self._topics[subscription.topic] = (*self._topics.get(subscription.topic, ()), subscription)
        return subscription

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            known = self._topics.get(subscription.topic, ())
            left = tuple(other for other in known if other is not subscription)
            if left:
                self._topics[subscription.topic] = left
            else:
                self._topics.pop(subscription.topic, None)
