"""A server on this machine that behaves as a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path


@dataclass
class LocalServer:
    """What a server on this machine has, how it behaves, and what it was asked for."""

    files: Mapping[str, bytes]
    address: str = ""
    knows_ranges: bool = True
    tells_version: bool = True
    cut_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    redirect: str | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    encodings: set[str | None] = field(default_factory=set)


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *args: object, behaviour: LocalServer) -> None:
        self.behaviour = behaviour
        super().__init__(*args)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.behaviour
        name, wanted = self.path.removeprefix("/ogle/"), self.headers.get("Range")
        server.asked.append((name, wanted))
        server.encodings.add(self.headers.get("Accept-Encoding"))
        if server.redirect is not None:
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if name not in server.files:
            self.send_error(404)
            return
        content = server.files[name]
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        partial_content = server.knows_ranges and wanted is not None
        if partial_content and first >= len(content):
            self.send_error(416)
            return
        body = content[first:] if partial_content else content
        self.send_response(206 if partial_content else 200)
        if partial_content:
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        if server.tells_version:
            self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
        for header, value in server.headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut_after])


Serve = Callable[..., LocalServer]


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
