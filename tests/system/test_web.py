"""The web server of a whole supervisor: its address in the ready line, its health, its end."""

from __future__ import annotations

import json
import signal
import socket

import httpx

from tests.support.desk import Desk
from tests.support.supervisor import Playground


def test_the_ready_line_is_one_line_with_an_address_that_answers(office: Desk) -> None:
    supervisor = office.start(MOOMARKETS_LOG_LEVEL="error")
    ready = json.loads(supervisor.output[0])

    health = httpx.get(f"{ready['url']}/healthz", timeout=60)
    is_ready = httpx.get(f"{ready['url']}/readyz", timeout=60)

    assert set(ready) == {"event", "node", "pid", "url", "version"}
    assert (ready["event"], ready["pid"]) == ("ready", supervisor.pid)
    assert [line for line in supervisor.output if '"event": "ready"' in line] == [supervisor.output[0]]
    assert (health.status_code, is_ready.status_code) == (200, 200)


def test_a_supervisor_ends_in_order_whatever_its_clients_do(office: Desk) -> None:
    supervisor = office.start(MOOMARKETS_LOG_LEVEL="error")
    url = httpx.URL(json.loads(supervisor.output[0])["url"])
    with httpx.Client(base_url=url) as kept, socket.create_connection((url.host, url.port or 0)) as hanging:
        kept.get("/healthz", timeout=60)
        hanging.sendall(b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n")

        supervisor.signal(signal.SIGTERM)

        assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.errors


def test_without_a_web_server_there_is_no_address(office: Desk) -> None:
    supervisor = office.start(MOOMARKETS_IS_WEB_ENABLED="false")

    assert json.loads(supervisor.output[0])["url"] is None


def test_a_chosen_port_that_is_taken_is_bad_configuration(ground: Playground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        supervisor = ground.start(MOOMARKETS_WEB_PORT=str(port), MOOMARKETS_LOG_FORMAT="console")

        code = supervisor.wait()

    assert code == 78
    assert supervisor.errors == f"MOOMARKETS_WEB_PORT: expected a free port (0: any), got {port}, which is taken\n"
    assert not ground.data_dir.exists()


def test_an_address_that_others_can_reach_is_bad_configuration(ground: Playground) -> None:
    supervisor = ground.start(MOOMARKETS_WEB_HOST="0.0.0.0", MOOMARKETS_LOG_FORMAT="console")

    assert supervisor.wait() == 78
    assert supervisor.errors.startswith("MOOMARKETS_WEB_HOST: expected an address of this machine alone")
