"""J-Quants V1 over HTTP, as it was until it ended: tokens, its own paths and names, over the same data as V2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datasources.simulators.faults import Answer
from datasources.simulators.jquants.answers import NotNow
from datasources.simulators.jquants.refusals import Refusal
from datasources.simulators.jquants.service import Service
from datasources.simulators.jquants.tokens import Tokens
from datasources.simulators.jquants.v1_names import renamed
from datasources.simulators.server import Question, json_answer

_MARGIN_FIELDS = frozenset({"MarginCode", "MarginCodeName"})


@dataclass(frozen=True, slots=True)
class Route:
    """Where V2 has the data, the key of V1's envelope, and parameters that have another name in V2."""

    path: str
    envelope: str
    parameters: Mapping[str, str] = field(default_factory=dict)


_POSITIONS = {
    "disclosed_date": "disc_date",
    "disclosed_date_from": "disc_date_from",
    "disclosed_date_to": "disc_date_to",
    "calculated_date": "calc_date",
}
ROUTES: Mapping[str, Route] = {
    "/listed/info": Route("/equities/master", "info"),
    "/prices/daily_quotes": Route("/equities/bars/daily", "daily_quotes"),
    "/prices/prices_am": Route("/equities/bars/daily/am", "prices_am"),
    "/fins/statements": Route("/fins/summary", "statements"),
    "/fins/fs_details": Route("/fins/details", "fs_details"),
    "/fins/dividend": Route("/fins/dividend", "dividend"),
    "/fins/announcement": Route("/equities/earnings-calendar", "announcement"),
    "/indices": Route("/indices/bars/daily", "indices"),
    "/indices/topix": Route("/indices/bars/daily/topix", "topix"),
    "/markets/trades_spec": Route("/equities/investor-types", "trades_spec"),
    "/markets/weekly_margin_interest": Route("/markets/margin-interest", "weekly_margin_interest"),
    "/markets/daily_margin_interest": Route("/markets/margin-alert", "daily_margin_interest"),
    "/markets/short_selling": Route("/markets/short-ratio", "short_selling", {"sector33code": "s33"}),
    "/markets/short_selling_positions": Route("/markets/short-sale-report", "short_selling_positions", _POSITIONS),
    "/markets/breakdown": Route("/markets/breakdown", "breakdown"),
    "/markets/trading_calendar": Route("/markets/calendar", "trading_calendar", {"holidaydivision": "hol_div"}),
    "/option/index_option": Route("/derivatives/bars/daily/options/225", "index_option"),
    "/derivatives/futures": Route("/derivatives/bars/daily/futures", "futures"),
    "/derivatives/options": Route("/derivatives/bars/daily/options", "options"),
}


class V1:
    """Answers requests below /v1 with `Authorization: Bearer <id token>`; with `is_gone` it is over for all."""

    def __init__(self, service: Service, tokens: Tokens, *, is_gone: bool) -> None:
        self._service, self._tokens, self._is_gone = service, tokens, is_gone

    def answer(self, question: Question) -> Answer:
        """Tokens for those who log in, rows for those who have one."""
        try:
            return self._answer(question)
        except Refusal as refusal:
            return json_answer(refusal.status, {"message": refusal.message})
        except NotNow:
            return json_answer(210, {"message": "This API is not available at this time."})

    def _answer(self, question: Question) -> Answer:
        path = question.path.removeprefix("/v1")
        if self._is_gone:
            raise Refusal(410, "Gone")
        if question.method == "POST" and path == "/token/auth_user":
            return self._log_in(question)
        if question.method == "POST" and path == "/token/auth_refresh":
            return self._renew(question)
        if path not in ROUTES or question.method != "GET":
            raise Refusal(403, "Missing Authentication Token. The method or resources may not be supported.")
        account = self._check_token(question)
        return self._data(question, ROUTES[path], account)

    def _log_in(self, question: Question) -> Answer:
        mail, password = _credentials(question.body)
        token = self._tokens.log_in(mail, password)
        if not token:
            raise Refusal(400, "'mailaddress' or 'password' is incorrect.")
        return json_answer(200, {"refreshToken": token})

    def _renew(self, question: Question) -> Answer:
        given = question.query.get("refreshtoken", "")
        if not given:
            raise Refusal(400, "'refreshtoken' is required.")
        token = self._tokens.renew(given)
        if not token:
            raise Refusal(400, "The incoming token is invalid or expired.")
        return json_answer(200, {"idToken": token})

    def _check_token(self, question: Question) -> str:
        token = question.headers.get("authorization", "").removeprefix("Bearer ")
        account = self._tokens.account_of(token)
        if not account or any(fault.kind == "revoked_token" for fault in question.faults):
            raise Refusal(401, "The incoming token is invalid or expired.")
        return account

    def _data(self, question: Question, route: Route, account: str) -> Answer:
        self._service.admit(account, route.path)
        query = {route.parameters.get(name, name): value for name, value in question.query.items()}
        self._service.check_plan(route.path, query)
        rows = self._service.rows(route.path, query)
        # Margin codes were not for everybody.
        without = _MARGIN_FIELDS if self._service.plan.name in ("free", "light") else frozenset()
        page, key = self._service.page(question, route.path, rows)
        told = renamed(route.path, page, without)
        ending = f',"pagination_key":{json.dumps(key)}' if key else ""
        body = f'{{"{route.envelope}":[{",".join(told)}]{ending}}}'
        return Answer(200, body.encode(), rows=len(told))


def _credentials(body: bytes) -> tuple[str, str]:
    """Mail and password of a log-in, "" for what is not there."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(content, dict):
        return "", ""
    return str(content.get("mailaddress", "")), str(content.get("password", ""))
