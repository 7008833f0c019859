"""What stands between the network and the routes: headers, log, API key, and the limits on bodies, time and concurrency.

Plain ASGI, since a request has to be refused before its body is in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framelens.server.limits import Limits
from framelens.server.logs import LOGGER, describe

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
KEYED = ("/classify", "/batch", "/labels")  # what an API key protects; the page itself and /health are open


def problem(status: int, detail: str, **headers: str) -> JSONResponse:
    """An error as every route gives it: ``{"detail": "..."}``."""
    return JSONResponse({"detail": detail}, status, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Record:
    """Outermost: security headers on every response, one log line a request, and 500 without details for a fault of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = uuid.uuid4().hex
        facts = scope["facts"] = {}  # the routes add what they know: bytes, texts, sentences
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**SECURITY_HEADERS, "X-Request-ID": request_id})
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        fault: dict[str, Any] = {}
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            fault = describe(error)
            if not status:
                await problem(500, f"a fault of the server; its log has it under {request_id}")(
                    scope, receive, send_with_headers
                )
        route = getattr(scope.get("route"), "path", None)  # the pattern, not what was asked for
        fields = {
            "id": request_id,
            "method": scope["method"] if route else "-",
            "route": route or "-",
            "status": status or 499,  # 499: the client left
            "ms": round(1000 * (time.perf_counter() - started), 1),
            **facts,
            **fault,
        }
        (LOGGER.error if fault else LOGGER.info)("request", extra={"fields": fields})


class Guard:
    """API key, concurrency, body size, and the end of work nobody waits for.

    Args:
        app: what is guarded.
        limits: ``body_bytes``, ``concurrent`` and ``seconds`` apply here.
        api_key: what ``Authorization: Bearer`` must say for the paths in ``KEYED``; None asks for nothing.
    """

    def __init__(self, app: ASGIApp, limits: Limits, api_key: str | None) -> None:
        self.app = app
        self._limits = limits
        self._key = None if api_key is None else _digest(f"Bearer {api_key}")
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # Digests are compared, so that neither content nor length of the key shows in the time it takes.
        if (
            self._key is not None
            and scope["path"].endswith(KEYED)
            and not hmac.compare_digest(self._key, _digest(headers.get("authorization", "")))
        ):
            detail = "this server wants its API key as 'Authorization: Bearer KEY'"
            await problem(401, detail, WWW_Authenticate="Bearer")(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        if self._busy >= self._limits.concurrent:
            detail = f"{self._busy} requests are at work, which is the limit; try again shortly"
            await problem(503, detail, Retry_After="1")(scope, receive, send)
            return
        self._busy += 1
        try:
            await self._admit(scope, receive, send, headers)
        finally:
            self._busy -= 1

    async def _admit(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        declared = headers.get("content-length", "")
        too_large = problem(
            413,
            f"the body has more than {self._limits.body_bytes} bytes, which is the limit of one request",
            Connection="close",
        )
        if declared.isdigit() and int(declared[:20]) > self._limits.body_bytes:
            await too_large(scope, receive, send)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    if len(body) > self._limits.body_bytes:
                        await too_large(scope, receive, send)
                        return
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            late = problem(408, f"the request did not arrive within {self._limits.seconds:g} seconds", Connection="close")
            await late(scope, receive, send)
            return
        scope["facts"]["bytes"] = len(body)
        await self._answer(scope, receive, send, bytes(body))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Run the route, and stop it where the client leaves first."""
        gone = asyncio.Event()
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if not replayed:
                replayed = True
                return {"type": "http.request", "body": body, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        route = asyncio.ensure_future(self.app(scope, replay, send))
        watcher = asyncio.ensure_future(watch())
        try:
            await asyncio.wait((route, watcher), return_when=asyncio.FIRST_COMPLETED)
            if not route.done():
                route.cancel()
                await asyncio.wait((route,))
            if not route.cancelled():
                route.result()
        finally:
            route.cancel()
            watcher.cancel()


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
