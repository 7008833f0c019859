"""Running the application under uvicorn."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import uvicorn

from framelens.errors import InputError
from framelens.server.app import Reads, create_app
from framelens.server.limits import Limits
from framelens.server.logs import LOGGER, configure

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_MIN_KEY = 16  # characters


def serve(
    classifier: Reads,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    api_key: str | None = None,
    allow_hosts: Sequence[str] = (),
    limits: Limits | None = None,
    grace: float = 30.0,
    on_listening: Callable[[Mapping[str, Any]], Any] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests at work and return.

    Args:
        classifier: usually ``Classifier.load()``.
        host: address to listen on. Anything but a loopback address needs an ``api_key``.
        port: 0 takes a free one; the log says which.
        api_key: at least 16 characters.
        allow_hosts: names beside the loopback ones under which the server is reached, as behind a proxy; need an ``api_key``.
        limits: None takes the defaults.
        grace: seconds that requests at work get to finish.
        on_listening: called once with ``url``, ``model`` and ``key`` (whether one is needed).

    Raises:
        InputError: no key where one is needed, a short key, or an address that cannot be used.
    """
    check_exposure(host, api_key, allow_hosts)
    hosts = (*_LOOPBACK_NAMES, *allow_hosts) if is_loopback(host) else allow_hosts or ("*",)
    app = create_app(classifier, limits, api_key=api_key, hosts=hosts)
    with _listen(host, port) as listener:
        configure()
        name = f"[{host}]" if ":" in host else host
        fields = {"url": f"http://{name}:{listener.getsockname()[1]}/", "model": classifier.name, "key": api_key is not None}
        LOGGER.info("listening", extra={"fields": fields})
        if on_listening is not None:
            on_listening(fields)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="on", timeout_graceful_shutdown=int(grace)
        )
        # uvicorn hands the signal on once it has shut down; being asked to stop is a normal end here.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        uvicorn.Server(config).run(sockets=[listener])
    LOGGER.info("stopped")


def check_exposure(host: str, api_key: str | None, allow_hosts: Sequence[str] = ()) -> None:
    """Refuse to be reachable from elsewhere without a key, or with one that can be guessed. Raises InputError."""
    if api_key is not None and len(api_key) < _MIN_KEY:
        raise InputError(f"the API key has {len(api_key)} characters; accepted: {_MIN_KEY} or more")
    if api_key is not None and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise InputError("the API key must consist of printable ASCII characters without spaces: it travels in a header")
    if api_key is None and not (is_loopback(host) and not allow_hosts):
        what = f"host {host}" if not is_loopback(host) else f"host name {allow_hosts[0]}"
        raise InputError(f"{what} can be reached from other machines: an API key is needed (--api-key or FRAMELENS_API_KEY)")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot listen on {host} port {port}: {error}") from error
