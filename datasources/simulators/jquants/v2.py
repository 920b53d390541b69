"""J-Quants V2 over HTTP: the checks in their order, then rows in pages, each path in its own envelope."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from datasources.simulators.faults import Answer
from datasources.simulators.jquants import refusals
from datasources.simulators.jquants.answers import NotNow
from datasources.simulators.jquants.asking import Asking
from datasources.simulators.jquants.cursors import PATHS as WITH_CURSOR
from datasources.simulators.jquants.cursors import cursor_after, newer_rows
from datasources.simulators.jquants.downloads import Downloads
from datasources.simulators.jquants.refusals import Refusal
from datasources.simulators.jquants.service import Service, addon_of, is_known
from datasources.simulators.server import Question, json_answer

_FILE_PATHS: Mapping[str, Callable[[Downloads, Asking], dict[str, Any]]] = {
    "/bulk/list": Downloads.bulk_list,
    "/bulk/get": Downloads.bulk_get,
    "/td/files": Downloads.papers,
    "/td/bulk": Downloads.index,
}


class V2:
    """Answers requests below /v2 with a key in the header `x-api-key`."""

    def __init__(self, service: Service, keys: Collection[str]) -> None:
        self._service, self._keys = service, keys

    def answer(self, question: Question, url: str) -> Answer:
        """Route, key, limit, plan, parameters, window, rows: the first that fails is the answer."""
        try:
            return self._answer(question, url)
        except Refusal as refusal:
            return json_answer(refusal.status, {"message": refusal.message})
        except NotNow:
            return Answer(210, b"{}")

    def _answer(self, question: Question, url: str) -> Answer:
        path = question.path.removeprefix("/v2")
        if not is_known(path) or question.method != "GET":
            raise refusals.no_such_path()
        key = self._check_key(question)
        self._service.admit(key, path)
        self._service.check_plan(path, question.query)
        if path in _FILE_PATHS:
            asking = self._service.asking(path, question.query)
            content = _FILE_PATHS[path](self._service.downloads(url), asking)
            return json_answer(200, content, rows=len(content.get("data", ())))
        return self._paged(question, path)

    def _paged(self, question: Question, path: str) -> Answer:
        rows = self._service.rows(path, question.query)
        ending = ""
        if path in WITH_CURSOR:
            asking = self._service.asking(path, question.query)
            self._check_cursor(path, asking)
            rows = newer_rows(path, asking, rows)
        page, key = self._service.page(question, path, rows)
        if key:
            ending = f',"pagination_key":{json.dumps(key)}'
        elif path in WITH_CURSOR and self._has_cursors(path) and (cursor := cursor_after(path, asking, rows)):
            ending = f',"cursor":{json.dumps(cursor)}'
        body = f'{{"data":[{",".join(page)}]{ending}}}'
        return Answer(200, body.encode(), rows=len(page))

    def _check_cursor(self, path: str, asking: Asking) -> None:
        if asking.text("cursor") and not self._has_cursors(path):
            raise refusals.not_in_plan()

    def _has_cursors(self, path: str) -> bool:
        return bool(addon_of(path)) or self._service.plan.name == "premium"

    def _check_key(self, question: Question) -> str:
        key = question.headers.get("x-api-key", "")
        if not key:
            raise refusals.no_key()
        if key not in self._keys or any(fault.kind == "revoked_key" for fault in question.faults):
            raise refusals.bad_key()
        return key
