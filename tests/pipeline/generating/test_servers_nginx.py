"""The load balancer of docs/servers.md, as it stands there, before two servers: no page is lost on its way through."""

import asyncio
import contextlib
import signal
import socket

import pytest

from pdfocr_watcher.pipeline.reader import EngineState
from tests.needs import needs_programs
from tests.pages import blocks
from tests.pipeline.doubles import until
from tests.pipeline.generating.certificates import authority
from tests.pipeline.generating.model_server import LONG, hold, read

#: What nginx needs to run in a folder of its own, as whoever runs the tests.
_AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    {documented}
}}
"""


def documented(port, servers, chain):
    """The configuration of the page, with the addresses and the certificate of this test."""
    (text,) = blocks("docs/servers.md", "nginx")
    for old, new in {
        "gpu1:8000": f"127.0.0.1:{servers[0].port}",
        "gpu2:8000": f"127.0.0.1:{servers[1].port}",
        "listen 8443": f"listen 127.0.0.1:{port}",
        "/etc/nginx/ocr.pem": str(chain),
        "/etc/nginx/ocr.key": str(chain),
        "fail_timeout=10s": "fail_timeout=1s",
    }.items():
        assert old in text, f"{old} is no longer in the page"
        text = text.replace(old, new)
    return text


@pytest.fixture
async def balanced(tmp_path, make_server):
    """Two servers, the address of nginx before them, and the certificate that it is checked against."""
    needs_programs(nginx="nginx-light")
    servers = [await make_server(), await make_server()]
    ca_file, _ = authority(tmp_path / "tls")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path / "nginx"
    folder.mkdir()
    configuration = folder / "nginx.conf"
    text = documented(port, servers, ca_file.with_name("server.pem"))
    configuration.write_text(_AROUND.format(folder=folder, documented=text))
    nginx = await asyncio.create_subprocess_exec("nginx", "-p", str(folder), "-c", str(configuration))
    try:
        await until(lambda: _answers(port) or nginx.returncode is not None)
        assert nginx.returncode is None
        yield servers, f"https://127.0.0.1:{port}", str(ca_file)
    finally:
        with contextlib.suppress(ProcessLookupError):
            nginx.send_signal(signal.SIGTERM)
        await nginx.wait()


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


async def test_large_pages_go_to_both_servers(balanced, make_engine, page):
    servers, url, ca_file = balanced
    for server in servers:
        server.behave = hold
    engine = await make_engine(url, ca_file=ca_file, concurrency=8)
    calls = []
    for number in range(8):
        request = page(f"page-{number}")
        request.picture.write_bytes(b"%d" % number * 3_000_000)
        calls.append(asyncio.create_task(engine.generate(request, LONG)))
    await until(lambda: sum(server.in_hand for server in servers) == 8)
    assert all(server.in_hand for server in servers)
    for server in servers:
        server.released.set()
    assert [(await call).text[:6] for call in calls] == [f"read {number}" for number in range(8)]
    assert engine.state is EngineState.READY


async def test_a_server_that_dies_behind_it_costs_no_page(balanced, make_engine, page):
    servers, url, ca_file = balanced
    for server in servers:
        server.behave = hold
    engine = await make_engine(url, ca_file=ca_file, concurrency=8)
    calls = [asyncio.create_task(engine.generate(page(f"page-{number}"), LONG)) for number in range(12)]
    await until(lambda: sum(server.in_hand for server in servers) == 8)
    assert all(server.in_hand for server in servers)
    servers[1].behave = read
    servers[1].released.set()
    await servers[0].stop()
    assert [(await call).text for call in calls] == [f"read page-{number}" for number in range(12)]


async def test_when_all_servers_behind_it_are_gone_pages_wait(balanced, make_engine, page):
    servers, url, ca_file = balanced
    engine = await make_engine(url, ca_file=ca_file)
    for server in servers:
        await server.stop()
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert engine.failure.detail == f"{url}: HTTP 502."
    assert not call.done()
    await servers[1].start()
    assert (await call).text == "read one"
    assert engine.state is EngineState.READY
