"""The tokens of J-Quants V1: got with mail address and password, renewed before they expire, by one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

from datasources.jquants.answers import OK, REFUSED
from datasources.jquants.paging import message_of, opened
from datasources.jquants.v1_endpoints import JQUANTS_V1, LOGIN_ENDPOINT, REFRESH_ENDPOINT
from datasources.transport import Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Endpoint, TokenBox, Tokens

REFRESH_LIFE, ID_LIFE = timedelta(days=7), timedelta(hours=24)
REFRESH_MARGIN, ID_MARGIN = timedelta(days=1), timedelta(hours=1)
"""How long before its end a token is renewed."""

Send = Callable[[Endpoint, Mapping[str, str], CancelToken, bytes], Reply]
"""Sends one request behind a permit, without any token."""


class V1Tokens:
    """Gives the id token that goes with each request. Thread-safe; of many who find it old one alone renews it.

    A login that was refused is not tried again: the credential has to change first, and with it this object.
    """

    def __init__(
        self, transport: Transport, send: Send, box: TokenBox, credential: Mapping[str, Secret], clock: Clock
    ) -> None:
        self._transport, self._send, self._box, self._clock = transport, send, box, clock
        self._credential = credential
        self._held = Tokens()
        self._refusal: tuple[str, int | None] | None = None

    def id_token(self, token: CancelToken, refused: Secret | None = None) -> Secret:
        """A token that is good for a while yet, and another one than `refused`.

        Raises `SourceError` (auth) where the credential is refused, and what sending raises.
        """
        held = self._usable(self._held, refused)
        if held is None:
            held = self._renewed(token, refused)
        return held

    def log_in(self, token: CancelToken) -> None:
        """Have the credential itself judged, whatever tokens there are; keeps what comes of it."""
        with self._box.renewing(token) as tokens:
            self._box.write(self._logged_in(tokens, token))

    def _renewed(self, token: CancelToken, refused: Secret | None) -> Secret:
        with self._box.renewing(token) as tokens:
            found = self._usable(tokens, refused)
            if found is None:
                tokens = self._refreshed(tokens, token)
                found = tokens.id_token
        assert found is not None
        self._held = tokens
        self._transport.hide(found.reveal())
        return found

    def _usable(self, tokens: Tokens, refused: Secret | None) -> Secret | None:
        found, ends_at = tokens.id_token, tokens.id_expires_at
        if found is None or ends_at is None or ends_at - ID_MARGIN <= self._clock.now():
            return None
        return None if refused is not None and found.reveal() == refused.reveal() else found

    def _refreshed(self, tokens: Tokens, token: CancelToken) -> Tokens:
        """A new id token, with the refresh token that there is or else with a new one."""
        ends_at = tokens.refresh_expires_at
        if tokens.refresh_token is not None and ends_at is not None and ends_at - REFRESH_MARGIN > self._clock.now():
            reply = self._ask_refresh(tokens.refresh_token, token)
            if reply.status != REFUSED:
                return self._kept(tokens, reply)
            self._box.clear()
        tokens = self._logged_in(Tokens(), token)
        self._box.write(tokens)
        assert tokens.refresh_token is not None
        return self._kept(tokens, self._ask_refresh(tokens.refresh_token, token))

    def _kept(self, tokens: Tokens, reply: Reply) -> Tokens:
        found = self._token_in(reply, "idToken")
        kept = Tokens(tokens.refresh_token, tokens.refresh_expires_at, found, self._clock.now() + ID_LIFE)
        self._box.write(kept)
        return kept

    def _ask_refresh(self, refresh_token: Secret, token: CancelToken) -> Reply:
        self._transport.hide(refresh_token.reveal())
        return self._send(REFRESH_ENDPOINT, {"refreshtoken": refresh_token.reveal()}, token, b"")

    def _logged_in(self, tokens: Tokens, token: CancelToken) -> Tokens:
        if self._refusal is not None:
            raise self._transport.failure(Reason.AUTH, f"{self._refusal[0]} (not asked again until it changes)")
        content = json.dumps({name: secret.reveal() for name, secret in self._credential.items()}).encode()
        reply = self._send(LOGIN_ENDPOINT, {}, token, content)
        if reply.status == REFUSED:
            message = message_of(self._transport, reply)
            self._refusal = (message, reply.status)
            raise self._transport.failure(Reason.AUTH, message, reply)
        found = self._token_in(reply, "refreshToken")
        return Tokens(found, self._clock.now() + REFRESH_LIFE, tokens.id_token, tokens.id_expires_at)

    def _token_in(self, reply: Reply, name: str) -> Secret:
        if reply.status != OK:
            opened(self._transport, reply)
        try:
            content = self._transport.json(reply)
        except SourceError:
            content = None
        value = content.get(name) if isinstance(content, dict) else None
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
            # Nothing of the body: it may hold a token, or half of one.
            detail = f"{name}: expected JSON with a text of visible ASCII characters, got something else"
            raise SourceError(Reason.SCHEMA, detail, source=JQUANTS_V1.code, status=reply.status)
        self._transport.hide(value)
        return Secret(value)
