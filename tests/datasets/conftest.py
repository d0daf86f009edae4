"""A server on this machine for the tests of downloads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import ThreadingHTTPServer

import pytest
from local_server import Handler, LocalServer, Serve


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = []

    def start(files: Mapping[str, bytes], **behaviour: object) -> LocalServer:
        state = LocalServer(files, **behaviour)  # type: ignore[arg-type]
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, behaviour=state))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        state.address = f"http://127.0.0.1:{server.server_port}/ogle"
        return state

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
