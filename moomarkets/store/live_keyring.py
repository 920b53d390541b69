"""The keyring of a running process: opens and seals with the keys as they are now, wherever they come from."""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections.abc import Collection
from pathlib import Path

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import CannotDecrypt, InvalidInput, SettingsError
from moomarkets.domain.events import Events
from moomarkets.domain.secret import Secret
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import create_keyring_file, read_keyring_file, signature_of
from moomarkets.store.seal import Place, open_sealed, seal

COMMAND_S = 30.0
"""How long the command that gives the keyring may take."""

ASK_AGAIN_S = 10.0
"""How often at most that command is asked anew because something does not open."""


class LiveKeyring:
    """Keys from the file if there is one, else from `given`, else from `command`. Thread-safe.

    A file that changes is read again when something is to be opened or sealed; the command is asked again when
    something does not open. Whatever goes wrong with that leaves the keys that are known in use. Where there are none,
    nothing opens and nothing is sealed until they are put back.
    """

    def __init__(self, path: Path, given: Secret | None, command: str | None, clock: Clock, events: Events) -> None:
        """Reads the keys; a file is not made.

        Raises:
            SettingsError: there is a keyring, but it is unsafe or no keyring.
        """
        self.path, self._command, self._clock, self._events = path, command, clock, events
        self._lock = threading.Lock()
        self._keyring: Keyring | None = None
        self._seen = signature_of(path)
        self._asked_at = clock.monotonic()
        if self._seen is not None:
            self.origin = "file"
            self._keyring = read_keyring_file(path)
        elif given is not None:
            self.origin = "MOOMARKETS_KEYS"
            self._keyring = _parsed("MOOMARKETS_KEYS", given)
        elif command is not None:
            self.origin = "MOOMARKETS_KEYS_CMD"
            self._keyring = _asked(command)
        else:
            self.origin = "file"

    def __repr__(self) -> str:
        return f"<LiveKeyring from {self.origin}>"

    @property
    def place(self) -> str:
        """Where the keys come from, in words."""
        return f"the file {self.path}" if self.origin == "file" else self.origin

    def current(self) -> Keyring | None:
        """The keys as they are now; None where there are none."""
        with self._lock:
            self._look()
            return self._keyring

    def create(self, taken: Collection[str] = ()) -> Keyring:
        """Make a file with one fresh key of an id that is not `taken`, unless somebody else has just done so."""
        create_keyring_file(self.path, self._events, Keyring.generate(taken))
        found = self.current()
        assert found is not None
        return found

    def open(self, blob: bytes, place: Place) -> bytes:
        """What was sealed there.

        Raises:
            CannotDecrypt: it does not open, not even with the keys read anew.
        """
        keyring = self.current()
        try:
            return open_sealed(blob, place, _there(keyring, self.place))
        except CannotDecrypt as error:
            failure = error
        with self._lock:
            newer = self._ask_again()
        if newer is None or newer is keyring:
            raise failure
        return open_sealed(blob, place, newer)

    def seal(self, value: bytes, place: Place) -> bytes:
        """The blob of `value` under the primary key as it is now; `CannotDecrypt` where there are no keys."""
        return seal(value, place, _there(self.current(), self.place))

    def _look(self) -> None:
        """Read the file again if it is another one than before."""
        if self.origin != "file":
            return
        seen = signature_of(self.path)
        if seen is None or seen == self._seen:
            return
        self._seen = seen
        try:
            self._keyring = read_keyring_file(self.path)
        except SettingsError as error:
            self._events.emit("keyring.rejected", note=f"{error}; the keys that were read before stay in use")
            return
        self._events.emit("keyring.reread", path=str(self.path), primary=self._keyring.primary)

    def _ask_again(self) -> Keyring | None:
        """The keys of the command, asked anew where that may help."""
        if self._command is None or self.origin == "file":
            return None
        now = self._clock.monotonic()
        if now - self._asked_at < ASK_AGAIN_S:
            return self._keyring
        self._asked_at = now
        try:
            self._keyring = _asked(self._command)
        except SettingsError as error:
            self._events.emit("keyring.rejected", note=f"{error}; the keys that were got before stay in use")
        return self._keyring


def _there(keyring: Keyring | None, place: str) -> Keyring:
    if keyring is None:
        raise CannotDecrypt(f"keyring: expected keys from {place}, got none")
    return keyring


def _parsed(thing: str, text: Secret) -> Keyring:
    try:
        return Keyring.parse(text)
    except InvalidInput as fault:
        raise SettingsError([f"{thing}: {fault}"]) from None


def _asked(command: str) -> Keyring:
    """The keyring that the command prints; what else it says may hold secrets, and is not shown."""
    thing = "MOOMARKETS_KEYS_CMD"
    try:
        # A person's own setting, split into words, run without a shell.
        done = subprocess.run(shlex.split(command), capture_output=True, timeout=COMMAND_S, check=False)  # noqa: S603
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SettingsError([f"{thing}: expected a command that prints the keyring, got {_fault(error)}"]) from None
    if done.returncode != 0:
        raise SettingsError([f"{thing}: expected a command that ends with 0, got {done.returncode}"])
    return _parsed(thing, Secret(done.stdout.decode("utf-8", "replace")))


def _fault(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"one that takes longer than {COMMAND_S:g} s"
    return str(getattr(error, "strerror", None) or "words that cannot be split")
