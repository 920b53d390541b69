from __future__ import annotations

import gzip
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from datasources.download import Downloads, unpacked
from datasources.simulators.faults import Answer, Fault
from datasources.simulators.server import Question
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import AttemptError, Cancelled, Reason, SourceError
from moomarkets.domain.secret import Secret
from tests.datasources.support import ScriptedProvider

CONTENT = b"Date,Code\n2026-11-20,72030\n"
SIGNATURE = "s1gn4ture"
REFUSAL = f"<Error><Code>AccessDenied</Code><Message>{SIGNATURE}</Message></Error>".encode()


def script(question: Question) -> Answer:
    """A file, unless the path names a status."""
    if question.path != "/files/a.csv.gz":
        return Answer(int(question.path[1:]), REFUSAL, "application/xml")
    return Answer(200, gzip.compress(CONTENT), "application/gzip", may_compress=False)


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider(script) as provider:
        yield provider


@pytest.fixture
def downloads() -> Iterator[Downloads]:
    downloads = Downloads("sim", SystemClock(), silent_s=0.5)
    yield downloads
    downloads.close()


def address(provider: ScriptedProvider, path: str = "/files/a.csv.gz") -> Secret:
    return Secret(f"{provider.url}{path}?Signature={SIGNATURE}")


def failure(downloads: Downloads, where: Secret, token: CancelToken | None = None) -> AttemptError:
    with pytest.raises(AttemptError) as raised:
        downloads.fetch(where, token or CancelToken())
    assert SIGNATURE not in f"{raised.value!r} {raised.value}"
    return raised.value


def test_a_file_is_fetched_from_its_address_without_any_key(provider: ScriptedProvider, downloads: Downloads) -> None:
    with downloads.fetch(address(provider), CancelToken()) as file:
        content = b"".join(unpacked(file, "sim"))

    (entry,) = provider.ledger.entries()
    assert content == CONTENT
    assert entry.target == f"/files/a.csv.gz?Signature={SIGNATURE}"


def test_nothing_of_a_key_goes_along(downloads: Downloads) -> None:
    seen: list[dict[str, str]] = []

    def look(question: Question) -> Answer:
        seen.append({name.lower(): value for name, value in question.headers.items()})
        return script(question)

    with ScriptedProvider(look) as provider:
        downloads.fetch(address(provider), CancelToken()).close()

    assert set(seen[0]) == {"host", "accept", "accept-encoding", "user-agent"}
    assert seen[0]["accept-encoding"] == "identity"


def test_the_address_is_in_no_log(
    provider: ScriptedProvider, downloads: Downloads, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        downloads.fetch(address(provider), CancelToken()).close()
        failure(downloads, address(provider, "/403"))

    assert SIGNATURE not in caplog.text


@pytest.mark.parametrize("status", [403, 404, 302, 500])
def test_a_refusal_says_its_status_and_code_alone(
    provider: ScriptedProvider, downloads: Downloads, status: int
) -> None:
    error = failure(downloads, address(provider, f"/{status}"))

    assert isinstance(error, SourceError)
    assert (error.status, error.detail) == (status, "file: expected it, got a refusal (AccessDenied)")


@pytest.mark.parametrize(
    "url", ["http://example.com/a?s1gn4ture", "ftp://127.0.0.1/s1gn4ture", "s1gn4ture", "https://u:s1gn4ture@x/", "http://[/"]
)  # fmt: skip
def test_an_address_that_is_not_safe_is_not_asked(downloads: Downloads, url: str) -> None:
    error = failure(downloads, Secret(url))

    assert error.reason is Reason.SCHEMA
    assert "expected https, or http on a loopback host" in error.detail


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("drop", Reason.UPSTREAM), ("reset", Reason.UPSTREAM), ("half_body", Reason.UPSTREAM), ("hang", Reason.TIMEOUT),
        ("html", Reason.MALFORMED), ("garbage", Reason.MALFORMED), ("truncated_json", Reason.MALFORMED),
    ],
)  # fmt: skip
def test_trouble_on_the_way_leaves_no_file(
    provider: ScriptedProvider, downloads: Downloads, kind: str, reason: Reason
) -> None:
    before = _open_files()
    provider.faults.add(Fault(kind))

    assert failure(downloads, address(provider)).reason is reason

    assert _open_files() == before


def test_a_server_that_sends_slowly_is_waited_for(provider: ScriptedProvider, downloads: Downloads) -> None:
    provider.faults.add(Fault("slow_body", interval_s=0.02))

    with downloads.fetch(address(provider), CancelToken()) as file:
        assert b"".join(unpacked(file, "sim")) == CONTENT


def test_a_cancel_ends_the_wait(provider: ScriptedProvider) -> None:
    patient, token = Downloads("sim", SystemClock(), silent_s=60), CancelToken()
    provider.faults.add(Fault("hang"))
    cancel = threading.Thread(target=lambda: provider.asked.wait(10) and token.cancel())
    cancel.start()

    assert isinstance(failure(patient, address(provider), token), Cancelled)

    cancel.join()
    patient.close()


def test_a_file_may_not_be_larger_than_is_allowed(provider: ScriptedProvider) -> None:
    downloads = Downloads("sim", SystemClock(), max_bytes=10)

    assert failure(downloads, address(provider)).reason is Reason.TOO_LARGE

    downloads.close()


def test_a_disk_without_room_is_not_the_providers_fault(
    provider: ScriptedProvider, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")

    error = failure(downloads, address(provider))

    assert (error.reason, error.detail) == (
        Reason.INTERRUPTED, "file: expected room for it, got: No such file or directory",
    )  # fmt: skip


def test_a_file_of_200_mb_is_fetched_in_little_memory() -> None:
    patient = Downloads("sim", SystemClock())
    packed = gzip.compress(os.urandom(1024 * 1024), 0) * 200
    answer = Answer(200, packed, "application/gzip", may_compress=False)

    with ScriptedProvider(lambda question: answer) as provider, patient.fetch(address(provider), CancelToken()) as file:
        most = max(map(len, unpacked(file, "sim")))

        assert file.tell() == len(packed)
    assert most <= 256 * 1024
    patient.close()


def _open_files() -> int:
    return len([link for link in Path("/proc/self/fd").iterdir() if "moomarkets-" in _target(link)])


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
