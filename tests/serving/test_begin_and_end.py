"""How a page begins and ends: a taken port, an address of elsewhere, and Ctrl-C."""

from __future__ import annotations

import signal
import socket

import pytest
import uvicorn
from fastapi import FastAPI

from kmidi_lab import stopping
from kmidi_lab.errors import ConfigError
from kmidi_lab.serving.server import check_free, listen


@pytest.fixture
def taken() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_names_one_that_is_free(taken: int) -> None:
    with pytest.raises(ConfigError) as refused:
        check_free("serve", "127.0.0.1", taken)
    line = str(refused.value)
    assert line.startswith(
        f"serve.port={taken} is taken on 127.0.0.1, perhaps by another task=serve; end that, or type "
    )
    check_free("serve", "127.0.0.1", int(line.rpartition("serve.port=")[2]))


def test_an_address_that_is_none_of_this_machine_is_said() -> None:
    with pytest.raises(ConfigError, match=r"label\.host=192\.0\.2\.1.*can't be listened on"):
        check_free("label", "192.0.2.1", 8765)


def test_ctrl_c_ends_a_page_without_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(number: signal.Signals):
        def stop(self: uvicorn.Server) -> None:
            monkeypatch.setattr(stopping, "_received", [int(number)])
            raise stopping.Stopped

        return stop

    monkeypatch.setattr(uvicorn.Server, "run", run(signal.SIGINT))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    listen(FastAPI(), "serve", "127.0.0.1", port)
    assert capsys.readouterr().out == "ended; task=serve begins it again\n"
    monkeypatch.setattr(uvicorn.Server, "run", run(signal.SIGTERM))
    with pytest.raises(stopping.Stopped):
        listen(FastAPI(), "serve", "127.0.0.1", port)
