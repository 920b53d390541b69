"""Accounts of J-Quants V1 and the tokens that they are given: for a week to refresh, for a day to ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

REFRESH_S, ID_S = 7 * 86_400, 86_400


class Tokens:
    """Hands out tokens and knows how long they are good; thread-safe.

    Example:
        >>> tokens = Tokens({"a@example.com": "secret"}, lambda: 0.0)
        >>> refresh = tokens.log_in("a@example.com", "secret")
        >>> tokens.account_of(tokens.renew(refresh))
        'a@example.com'
    """

    def __init__(self, accounts: Mapping[str, str], monotonic: Callable[[], float]) -> None:
        self._accounts, self._monotonic = dict(accounts), monotonic
        self._lock = threading.Lock()
        self._count = 0
        self._refresh: dict[str, tuple[str, float]] = {}
        self._ids: dict[str, tuple[str, float]] = {}

    def log_in(self, mail: str, password: str) -> str:
        """A new refresh token, "" where mail and password do not belong together."""
        if not mail or self._accounts.get(mail) != password:
            return ""
        return self._issue(self._refresh, "refresh", mail, REFRESH_S)

    def renew(self, refresh_token: str) -> str:
        """A new id token, "" where the refresh token is unknown, too old or revoked."""
        account = self._known(self._refresh, refresh_token)
        return self._issue(self._ids, "id", account, ID_S) if account else ""

    def account_of(self, id_token: str) -> str:
        """Whose it is, "" where it is unknown, too old or revoked."""
        return self._known(self._ids, id_token)

    def revoke(self, *, refresh_too: bool = True) -> None:
        """Let no token be good any more; without `refresh_too` only those for asking."""
        with self._lock:
            self._ids.clear()
            if refresh_too:
                self._refresh.clear()

    def _issue(self, tokens: dict[str, tuple[str, float]], kind: str, account: str, seconds: float) -> str:
        with self._lock:
            self._count += 1
            token = f"fictional.{kind}.{self._count:06d}"
            tokens[token] = account, self._monotonic() + seconds
        return token

    def _known(self, tokens: dict[str, tuple[str, float]], token: str) -> str:
        with self._lock:
            account, until = tokens.get(token, ("", 0.0))
        return account if self._monotonic() < until else ""
