"""Labelling on a local page: a server on the loopback address, for one annotator, without anything from the network.

The address carries a key in its fragment, which a browser sends nowhere; the page sends it back in a header. So no other page
and no other user of the machine who does not know the key can read or decide anything.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from framelens.errors import FramelensError, InputError
from framelens.labelling.session import COMMANDS, Session

_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_BYTES = 100_000
_HOST = "127.0.0.1"


class LabelServer(ThreadingHTTPServer):
    """Serves one session. ``serve_forever`` runs it, ``shutdown`` ends it.

    Args:
        session: what to ask.
        port: on the loopback address; 0 takes a free one.

    Raises:
        InputError: the port is in use.
    """

    daemon_threads = True

    def __init__(self, session: Session, port: int = 0) -> None:
        self.session, self.key, self.lock = session, secrets.token_urlsafe(24), threading.Lock()
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            raise InputError(f"port {port} on {_HOST}: {error.strerror}") from error

    @property
    def address(self) -> str:
        """What to open in the browser."""
        return f"http://{_HOST}:{self.server_port}/#{self.key}"

    def state(self) -> dict[str, Any]:
        """All the page shows."""
        session = self.session
        current = session.current
        return {
            "annotator": session.annotator,
            "done": session.done,
            "total": len(session.sentences),
            "output": str(session.file.path),
            "single": session.single,
            "codebook": session.codebook.text,
            "labels": [
                {"key": key, "label": d.label, "parts": [list(part) for part in d.parts]}
                for key, d in zip(session.keys, session.codebook.definitions, strict=True)
            ],
            "commands": COMMANDS,
            "sentence": current and {k: getattr(current, k) for k in ("id", "article_id", "where", "before", "text", "after")},
            "chosen": (session.before or {}).get("labels", []),
            "unsure": bool((session.before or {}).get("unsure")),
        }

    def act(self, verb: str, body: dict[str, Any]) -> None:
        """Do what the page asks: ``decide``, ``skip`` or ``undo``."""
        sentence = body.get("id")
        if verb == "undo":
            self.session.undo()
            return
        if not isinstance(sentence, str):
            raise InputError(f"id must be the sentence's; received {sentence!r:.80}")
        if verb == "skip":
            self.session.skip(sentence)
            return
        labels = body.get("labels")
        if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
            raise InputError(f"labels must be a list of names; received {labels!r:.80}")
        self.session.decide(labels, unsure=bool(body.get("unsure")), sentence=sentence)


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    server_version, sys_version = "framelens", ""

    def do_GET(self) -> None:  # named by http.server
        if self.path in _FILES:
            name, kind = _FILES[self.path]
            if self._is_local():
                self._send(200, files("framelens.labelling").joinpath("web", name).read_bytes(), kind)
        elif self.path == "/state":
            if self._is_local() and self._knows_key():
                with self.server.lock:
                    self._send_json(200, self.server.state())
        else:
            self._send_json(404, {"error": "no such page"})

    def do_POST(self) -> None:
        verb = self.path.removeprefix("/")
        length = self.headers.get("Content-Length", "")
        if not self._is_local() or not self._knows_key():
            return
        if verb not in ("decide", "skip", "undo"):
            self._send_json(404, {"error": "no such page"})
            return
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self._send_json(413, {"error": f"accepted: at most {_MOST_BYTES} bytes"})
            return
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
            if not isinstance(body, dict):
                raise InputError("an object is needed")
            with self.server.lock:
                self.server.act(verb, body)
                state = self.server.state()
        except (FramelensError, ValueError, OSError) as error:
            self._send_json(409, {"error": str(error)})
            return
        self._send_json(200, state)

    def _is_local(self) -> bool:
        """Refuses requests under another name (DNS rebinding) or from another page."""
        port = self.server.server_port
        hosts = {f"{_HOST}:{port}", f"localhost:{port}"}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") in hosts and (origin is None or origin.removeprefix("http://") in hosts):
            return True
        self._send_json(403, {"error": "only this machine's own page may ask"})
        return False

    def _knows_key(self) -> bool:
        if hmac.compare_digest(self.headers.get("X-Framelens-Key", "").encode(), self.server.key.encode()):
            return True
        self._send_json(403, {"error": "the key is missing or wrong: open the whole address that the terminal shows"})
        return False

    def _send_json(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content, ensure_ascii=False).encode(), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        if status >= 400:  # a body that was not read must not be taken for the next request
            self.close_connection = True
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
