"""Procrastinate: `with_procrastinate.py <url> <workload> <count>` prints seconds as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import procrastinate


async def main(url: str, workload: str, count: int) -> list[float]:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=20))

    @app.task(name="noop")
    async def noop() -> None: ...

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        started = time.perf_counter()
        if workload == "enqueue one by one":
            for _ in range(count):
                await noop.defer_async()
            return [time.perf_counter() - started]
        await noop.batch_defer_async(*({} for _ in range(count)))
        if workload == "enqueue a batch":
            return [time.perf_counter() - started]
        started = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=1 if workload == "drain" else 20, delete_jobs="never")
        return [time.perf_counter() - started]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
