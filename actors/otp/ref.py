"""How a server is addressed: by a ref to one incarnation, or by a name that survives restarts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from actors.otp.reasons import ExitReason

if TYPE_CHECKING:
    from actors.otp.process import Process
    from actors.otp.runtime import Runtime


class Ref:
    """One incarnation of a server; stays valid as an address, and becomes nobody's when the server ends."""

    __slots__ = ("process",)

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def path(self) -> str:
        """The server's place in the tree, such as `root/core/manager`."""
        return self.process.path

    @property
    def name(self) -> str | None:
        """The registered name, if it has one."""
        return self.process.name

    @property
    def is_alive(self) -> bool:
        """Whether it takes messages; says nothing about whether it answers."""
        return not self.process.exited.is_done

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why it ended; None while it lives."""
        return self.process.exited.result() if self.process.exited.is_done else None

    def __repr__(self) -> str:
        return f"<Ref {self.path}{'' if self.is_alive else ' (dead)'}>"

    def __deepcopy__(self, memo: dict[Hashable, object]) -> Ref:
        return self


@dataclass(frozen=True, slots=True)
class Name:
    """A registered name of one runtime: resolved anew for each message. See `Runtime.named`."""

    runtime: Runtime
    name: str

    def __repr__(self) -> str:
        return f"Name({self.name!r})"

    def __deepcopy__(self, memo: dict[Hashable, object]) -> Name:
        return self


Dest: TypeAlias = Ref | Name | str
"""Whom a message is for. A plain string is a name in the runtime of the server that uses it."""
