"""How long a GPU that reads ten pages a second waits for pages while there are some.

The real daemon works off documents with the engine `vllm-server`; the server stands for the GPU (`model_server`): it
answers at a set rate and counts the seconds between the first page and the last in which it had nothing to read.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.daemon import Daemon, Settings
from benchmarks.documents import make_documents, page_count
from benchmarks.model_server import ModelServer, Served
from benchmarks.report import print_machine, print_table, print_target

#: The share of the time that the GPU may wait.
TARGET = 0.02
_GIVE_UP = 1200.0


async def measure(rate: float, concurrency: int, documents: int, pages: int, dpi: int, folder: Path) -> None:
    """Run it once and print it."""
    server = ModelServer(rate)
    address = await server.start()
    made = make_documents(folder / "made", documents, pages)
    total = page_count(made)
    settings: Settings = {
        "engine": {"name": "vllm-server", "max_concurrency": concurrency},
        "servers": {"urls": [address]},
        "render": {"dpi": dpi},
        "inbox": {"settle_seconds": 0.2},
    }
    daemon = Daemon(folder / "daemon", settings)
    daemon.start()
    try:
        await asyncio.to_thread(daemon.wait_until_ready)
        staged = daemon.stage([document.path for document in made])
        server.served = Served()  # the daemon has asked already what the server can do
        daemon.drop(staged)
        await asyncio.to_thread(daemon.wait_for_results, documents, _GIVE_UP)
        statuses = daemon.take_statuses()
    finally:
        await asyncio.to_thread(daemon.stop)
        await server.stop()
    bad = [status["error_code"] for status in statuses if status["status"] != "completed" or status["failed_pages"]]
    assert not bad, bad
    served = server.served
    assert served.pages == total, (served.pages, total)
    row = (
        f"{total} pages",
        f"{served.seconds:.1f}",
        f"{served.idle:.2f}",
        f"{total / served.seconds:.2f}",
        str(served.most),
    )
    print_table(("", "seconds", "idle", "pages/s", "most at a time"), [row])
    print_target(f"a GPU of {rate:g} pages/s, time without a page", served.idle / served.seconds, "<=", TARGET)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starvation", description=__doc__)
    parser.add_argument("--rate", type=float, default=10.0, help="pages that the GPU reads in a second")
    parser.add_argument("--concurrency", type=int, default=100, help="engine.max_concurrency")
    parser.add_argument("--documents", type=int, default=4)
    parser.add_argument("--pages", type=int, default=150, help="of each document")
    parser.add_argument("--dpi", type=int, default=0, help="render.dpi; default: what the profile says")
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="starvation-", dir=given.folder) as name:
        asyncio.run(measure(given.rate, given.concurrency, given.documents, given.pages, given.dpi, Path(name)))


if __name__ == "__main__":
    main()
