"""Fifty viewers at once: ``python -m benchmarks.dashboards [HOME] [--viewers N]``.

The dashboards are served as `studio dashboards` does. Every viewer gets the page of ``studio.ipynb``, speaks with its
kernel over a websocket as the page's own script would, opens every page of the dashboard and then filters the gallery
again and again, with a pause between. Then one more viewer floods its kernel with wishes while the others go on. What
is told: memory of a kernel, how long a page takes to open, and how long a filter takes with and without the flood.
Without HOME a home of some hundred small pictures is made.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import studio_kernel as sk
from benchmarks.report import failed, report
from studio_kernel.dashboards import launch
from studio_kernel.dashboards.environment import TOKEN_VARIABLE

TOKEN = "a-token-for-this-measurement"
RUNS = 300
WORDS = ("boat", "house", "star", "tree", "moon", "fish", "hill", "sea")
FILTERS, PAUSE_S = 6, 2.0
OPENING_AT_ONCE = 4
BOUNDS = {"memory": 150.0, "p50": 500.0, "p95": 1500.0, "flooded p95": 2000.0}


def make_home(root: Path) -> None:
    """Fill a home with small pictures."""
    with sk.open(root, runner="inline") as studio:
        for seed in range(RUNS):
            prompt = f"a {random.Random(seed).choice(WORDS)} in the evening"
            studio.generate(prompt, model="procedural", width=64, height=64, seed=seed, progress=False)


@contextmanager
def served(home: Path, viewers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the dashboards that ship; yields their address and process."""
    options = [f"--home={home}", "--port=0", f"--max-viewers={viewers + 1}", f"--per-address={viewers + 1}"]
    server = subprocess.Popen(
        launch.command(*options), env={**os.environ, TOKEN_VARIABLE: TOKEN}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[1].partition("?")[0].rstrip("/")
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(60)


class Viewer:
    """One viewer: a kernel, and the page's side of its websocket."""

    def __init__(self, address: str) -> None:
        self._address, self._number = address, random.randrange(10**6)
        self._socket: ClientConnection
        self._url = self._header = ""
        self.pages: list[str] = []

    async def open(self) -> float:
        """Open the page; return how long it took until its header was there, in ms."""
        began = time.perf_counter()
        async with httpx.AsyncClient(headers={"Authorization": f"token {TOKEN}"}, timeout=300) as client:
            text = (await client.get(f"{self._address}/voila/render/studio.ipynb")).text
        kernel = text.split('"kernelId": "')[1][:36]
        self._url = f"ws{self._address[4:]}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        await self._connect()
        comm = uuid.uuid4().hex
        await self._send("comm_open", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
        await self._send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        async for message in self._heard():
            if message["content"].get("data", {}).get("method") == "update_states":
                states = message["content"]["data"]["states"]
                self._header, state = next((i, s["state"]) for i, s in states.items() if "answered" in s["state"])
                self.pages = [name for name, _title in state["pages"]]
                return (time.perf_counter() - began) * 1000
        raise RuntimeError("the page has no header")

    async def go(self, query: str) -> float:
        """Go to a place; return how long until the kernel had it, in ms."""
        began, number = time.perf_counter(), await self.wish(query)
        async for message in self._heard():
            content = message["content"]
            state = content.get("data", {}).get("state", {}) if content.get("comm_id") == self._header else {}
            if state.get("answered") == number:
                break
        return (time.perf_counter() - began) * 1000

    async def wish(self, query: str) -> int:
        """Ask for a place without waiting."""
        self._number += 1
        wished = {"kind": "go", "query": query, "number": self._number}
        await self._send("comm_msg", {"comm_id": self._header, "data": {"method": "custom", "content": wished}})
        return self._number

    async def flood(self) -> None:
        """Ask for places as fast as the socket takes them, again and again where it is closed."""
        while True:
            with suppress(ConnectionClosed):
                while True:
                    await self.wish(f"?page=gallery&text={random.choice(WORDS)}{self._number}")
            await self._connect()

    async def close(self) -> None:
        """Leave."""
        await self._socket.close()

    async def _connect(self) -> None:
        headers = {"Authorization": f"token {TOKEN}"}
        self._socket = await connect(self._url, additional_headers=headers, max_size=None, max_queue=None)

    async def _heard(self) -> Any:
        async with asyncio.timeout(120):
            while True:
                text = await self._socket.recv()
                yield _header_of(text) if isinstance(text, bytes) else json.loads(text)

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "s", "version": "5.3"}
        message = {"header": {**header, "date": ""}, "parent_header": {}, "metadata": {"version": "1.0.0"}}
        await self._socket.send(json.dumps({**message, "content": content, "buffers": [], "channel": "shell"}))


def _header_of(message: bytes) -> dict[str, Any]:
    """Return the JSON part of a message with buffers: a count, that many offsets, then the parts."""
    parts = int.from_bytes(message[:4], "big")
    first, second = (int.from_bytes(message[4 * i : 4 * i + 4], "big") for i in (1, 2))
    opened: dict[str, Any] = json.loads(message[first : second if parts > 1 else None])
    return opened


async def filter_often(viewer: Viewer) -> list[float]:
    """Filter the gallery again and again, as somebody who looks would."""
    took = []
    for _ in range(FILTERS):
        await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.5))
        took.append(await viewer.go(f"?page=gallery&text={random.choice(WORDS)}"))
    return took


def flood(address: str) -> None:
    """Be a viewer who floods the server; in a process of its own, or the others could not ask."""

    async def begin() -> None:
        viewer = Viewer(address)
        await viewer.open()
        await viewer.flood()

    asyncio.run(begin())


def kernels_mib(server: psutil.Process) -> list[float]:
    """Return the memory of each kernel in MiB, shared pages divided among those who share them."""
    found = (child for child in server.children(recursive=True) if "studio_kernel.dashboards.kernel" in child.cmdline())
    return [kernel.memory_full_info().pss / 2**20 for kernel in found]


async def measure(address: str, server: psutil.Process, viewers: int) -> None:
    """Let the viewers come, look around and filter; print the figures."""
    gate, everybody = asyncio.Semaphore(OPENING_AT_ONCE), [Viewer(address) for _ in range(viewers)]

    async def come(viewer: Viewer) -> tuple[float, list[float]]:
        async with gate:
            opened = await viewer.open()
            return opened, [await viewer.go(f"?page={page}") for page in viewer.pages if page != "run"]

    came = await asyncio.gather(*map(come, everybody))
    opened = [ms for ms, _pages in came]
    pages = [ms for _ms, each in came for ms in each]
    print(f"  {viewers} viewers, {OPENING_AT_ONCE} coming at a time; pages: {', '.join(everybody[0].pages)}")
    print(f"  a page until it can be used   p50 {_p(opened, 50):7.0f} ms   p95 {_p(opened, 95):7.0f} ms")
    print(f"  another page of it opened     p50 {_p(pages, 50):7.0f} ms   p95 {_p(pages, 95):7.0f} ms")
    quiet = [ms for each in await asyncio.gather(*map(filter_often, everybody)) for ms in each]
    taken = kernels_mib(server)
    report(
        f"memory of a kernel, of {len(taken)}, all pages opened (mean)", statistics.mean(taken), BOUNDS["memory"], "MiB"
    )
    report("a filter, p50", _p(quiet, 50), BOUNDS["p50"], "ms")
    report("a filter, p95", _p(quiet, 95), BOUNDS["p95"], "ms")
    hostile = multiprocessing.get_context("spawn").Process(target=flood, args=(address,), daemon=True)
    hostile.start()
    await asyncio.sleep(PAUSE_S * 2)
    flooded = [ms for each in await asyncio.gather(*map(filter_often, everybody)) for ms in each]
    hostile.kill()
    print(f"  a filter while one floods     p50 {_p(flooded, 50):7.0f} ms")
    report("a filter while one viewer floods its kernel, p95", _p(flooded, 95), BOUNDS["flooded p95"], "ms")
    await asyncio.gather(*(viewer.close() for viewer in everybody))


def _p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else values[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--viewers", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        home = asked.home or Path(made) / "home"
        if not asked.home:
            make_home(home)
        with served(home, asked.viewers) as (address, server):
            asyncio.run(measure(address, server, asked.viewers))


if __name__ == "__main__":
    main()
    sys.exit(1 if failed() else 0)
