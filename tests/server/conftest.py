"""A live server with the fake classifier, and Chromium (Debian's package; its absence skips the browser tests)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi")
import uvicorn

from framelens.server import Limits, create_app

from .fakes import FakeClassifier


class LiveServer:
    """uvicorn in a thread."""

    def __init__(self, app, port: int = 0) -> None:
        self.socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        self._thread = threading.Thread(target=self._server.run, args=([self.socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.socket.close()


@pytest.fixture(scope="session")
def live() -> Iterator[LiveServer]:
    server = LiveServer(create_app(FakeClassifier(), Limits(body_bytes=2**20, sentences=20_000)))
    yield server
    server.stop()
