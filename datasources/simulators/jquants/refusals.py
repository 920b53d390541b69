"""What the service says when it refuses, in its own words."""

from __future__ import annotations

from datetime import date

_MORE = "If you want more data, please check other plans:https://jpx-jquants.com/#dataset"


class Refusal(Exception):
    """The request is answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


def no_such_path() -> Refusal:
    return Refusal(403, "The requested endpoint does not exist. Please check the URL, HTTP method.")


def no_key() -> Refusal:
    return Refusal(403, "The api key is required.")


def bad_key() -> Refusal:
    return Refusal(403, "The incoming api key is invalid or expired.")


def not_in_plan() -> Refusal:
    return Refusal(403, f"This API is not available on your subscription. {_MORE}")


def too_many() -> Refusal:
    return Refusal(429, "Too Many Requests")


def out_of_window(first: date, last: date | None) -> Refusal:
    return Refusal(400, f"Your subscription covers the following dates: {first} ~ {last or ''}. {_MORE}")


def missing(*names: str) -> Refusal:
    return Refusal(400, f"This API requires at least 1 parameter as follows; {', '.join(names)}")


def not_together(*names: str) -> Refusal:
    quoted = " and ".join(f"'{name}'" for name in names)
    return Refusal(400, f"{quoted} cannot be specified at the same time.")


def bad_date(name: str) -> Refusal:
    return Refusal(400, f"'{name}' must be a date like 2026-11-20 or 20261120.")


def wrong_order() -> Refusal:
    return Refusal(400, "'from' must be older than 'to'.")


def bad_code(name: str = "code") -> Refusal:
    return Refusal(400, f"'{name}' must have 4 or 5 characters.")


def bad_page() -> Refusal:
    return Refusal(400, "The pagination_key does not belong to this query.")


def bad_cursor() -> Refusal:
    return Refusal(400, "The cursor does not belong to this query; it goes with 'date' of today alone.")
