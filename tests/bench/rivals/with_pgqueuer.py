"""PgQueuer: `with_pgqueuer.py <url> <workload> <count>` prints seconds (or milliseconds per job) as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

PAUSE_S = 0.02


async def main(url: str, workload: str, count: int) -> list[float]:
    connection = await asyncpg.connect(url)
    queries = Queries.from_asyncpg_connection(connection)
    await queries.install()
    if workload == "enqueue one by one":
        started = time.perf_counter()
        for _ in range(count):
            await queries.enqueue("noop", b"")
        return [time.perf_counter() - started]
    if workload == "enqueue a batch":
        started = time.perf_counter()
        await queries.enqueue(["noop"] * count, [b""] * count, [0] * count)
        return [time.perf_counter() - started]
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))
    if workload == "latency":
        return await latency(queue, queries, count)

    @queue.entrypoint("noop")
    async def noop(job: object) -> None: ...

    await queries.enqueue(["noop"] * count, [b""] * count, [0] * count)
    batch = {"drain": 10, "drain at its best": 1000}[workload]
    started = time.perf_counter()
    await queue.run(mode=QueueExecutionMode.drain, batch_size=batch)
    seconds = time.perf_counter() - started
    assert not await queries.queue_size()
    return [seconds]


async def latency(queue: PgQueuer, queries: Queries, count: int) -> list[float]:
    """Milliseconds from the call of enqueue to the start of the code, one job at a time."""
    begun: asyncio.Queue[float] = asyncio.Queue()

    @queue.entrypoint("note")
    async def note(job: object) -> None:
        begun.put_nowait(time.perf_counter())

    worker = asyncio.create_task(queue.run())
    await asyncio.sleep(1)
    values = []
    for _ in range(count):
        asked = time.perf_counter()
        await queries.enqueue("note", b"")
        values.append((await begun.get() - asked) * 1000)
        await asyncio.sleep(PAUSE_S)
    queue.shutdown.set()
    await worker
    return values


if __name__ == "__main__":
    runner = asyncio.run if sys.argv[2] == "drain" else uvloop.run  # its own default, and its best
    print(json.dumps(runner(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
