"""APScheduler 3 with its jobs in Postgres: `with_apscheduler.py <url> <workload> <count>` prints seconds as JSON."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

WIDE, SECONDS = 100, 0.05
done = threading.Semaphore(0)


def noop() -> None:
    done.release()


def sleep() -> None:
    time.sleep(SECONDS)
    done.release()


def main(url: str, workload: str, count: int) -> list[float]:
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url.replace("postgresql://", "postgresql+psycopg://"))},
        executors={"default": ThreadPoolExecutor(WIDE)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    now = datetime.now(UTC)
    started = time.perf_counter()
    for _ in range(count):
        scheduler.add_job(sleep if workload == "width" else noop, "date", run_date=now)
    if workload == "enqueue one by one":
        return [time.perf_counter() - started]
    started = time.perf_counter()
    scheduler.resume()
    for _ in range(count):
        done.acquire()
    seconds = time.perf_counter() - started
    scheduler.shutdown()
    return [seconds]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
