"""Servers with TLS: what is not trusted is not used, and it is said what to configure."""

import socket

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.pipeline.generating import servers
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.generating.certificates import authority
from tests.pipeline.generating.model_server import LONG


async def test_a_server_of_an_own_authority_is_used(tmp_path, make_server, make_engine, page):
    ca_file, context = authority(tmp_path / "tls")
    engine = await make_engine(await make_server(tls=context), ca_file=str(ca_file))
    assert (await engine.generate(page(), LONG)).text == "read one"


async def test_a_server_that_nobody_vouches_for_is_not_used(tmp_path, make_server, make_engine):
    _, context = authority(tmp_path / "tls")
    other, _ = authority(tmp_path / "other")
    for ca_file in ("", str(other)):
        server = await make_server(tls=context)
        engine = await make_engine(server, ca_file=ca_file, start_grace=3600)
        assert engine.state is EngineState.FAILED
        assert f"{server.url}: its certificate is not trusted" in str(engine.failure)
        assert "servers.ca_file" in str(engine.failure)
        assert not server.asked


@pytest.mark.parametrize("wrong", [{"host": "127.0.0.9"}, {"days": -1}])
async def test_a_certificate_for_another_host_or_out_of_date_is_not_trusted(tmp_path, make_server, make_engine, wrong):
    ca_file, context = authority(tmp_path / "tls", **wrong)
    engine = await make_engine(await make_server(tls=context), ca_file=str(ca_file))
    assert engine.state is EngineState.FAILED
    assert "its certificate is not trusted" in str(engine.failure)


async def test_certificates_need_not_be_checked(tmp_path, make_server, make_engine, page):
    _, context = authority(tmp_path / "tls")
    engine = await make_engine(await make_server(tls=context), verify_tls=False)
    assert (await engine.generate(page(), LONG)).text == "read one"


async def test_a_server_without_tls_is_not_asked_with_it(make_server, make_engine):
    server = await make_server()
    engine = await make_engine(server.url.replace("http:", "https:"))
    assert engine.state is EngineState.FAILED
    assert "no TLS with it" in str(engine.failure)
    assert "servers.urls" in str(engine.failure)


async def test_a_server_that_keeps_silent_about_tls_may_still_be_starting(make_engine, monkeypatch):
    monkeypatch.setattr(servers, "_CONNECT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes connections, and nobody looks at them
        engine = await make_engine(f"https://127.0.0.1:{silent.getsockname()[1]}", start_grace=0.5)
        assert engine.state is EngineState.UNREACHABLE


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_a_file_of_certificates_that_is_none_is_named(tmp_path, make_server, make_engine, content):
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    engine = await make_engine(await make_server(), ca_file=str(ca_file))
    assert engine.state is EngineState.FAILED
    assert engine.failure.code is ErrorCode.ENGINE_UNREACHABLE
    assert f"servers.ca_file: {ca_file}: " in engine.failure.detail
