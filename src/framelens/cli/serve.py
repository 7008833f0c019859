"""``framelens serve``."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from framelens.cli.style import model_option


@click.command(short_help="Serve the HTTP API and the page.")
@model_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; anything but loopback needs an API key.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--api-key", envvar="FRAMELENS_API_KEY", show_envvar=True,
    help="Asked for as 'Authorization: Bearer KEY'. Other users of this machine can see a command line; the variable hides it.",
)  # fmt: skip
@click.option("--allow-host", multiple=True, metavar="NAME", help="Name under which a proxy is reached; may be repeated.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the model; all cores if left out.")
@click.option("--max-body", type=click.IntRange(min=1), default=4096, show_default=True, help="KiB in one request.")
@click.option("--max-sentences", type=click.IntRange(min=1), default=10_000, show_default=True, help="In one request.")
@click.option("--max-requests", type=click.IntRange(min=1), default=128, show_default=True, help="At work at the same time.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds for one answer.")
@click.option("--json", "as_json", is_flag=True, help='Say on stdout {"url": ..., "model": ..., "key": ...} once it listens.')
def serve(
    model: str, host: str, port: int, api_key: str | None, allow_host: Sequence[str], threads: int | None, max_body: int,
    max_sentences: int, max_requests: int, timeout: float, as_json: bool,
) -> None:  # fmt: skip
    """Serve the HTTP API and the page, to this machine unless told otherwise.

    The log on stderr has a JSON line for each request, never the text. Stop with Ctrl-C or SIGTERM: requests at work get finished.

    \b
    Examples:
      framelens serve
      framelens serve --model runs/mine/checkpoint --port 9000
      FRAMELENS_API_KEY=$(openssl rand -hex 16) framelens serve --host 0.0.0.0
      curl -s localhost:8000/classify --json '{"text": "The ministry called the tariffs illegal."}'
    """
    from framelens.classifier import Classifier
    from framelens.server import Limits
    from framelens.server import serve as run

    limits = Limits(body_bytes=1024 * max_body, sentences=max_sentences, concurrent=max_requests, seconds=timeout)
    run(
        Classifier.load(model, threads=threads),
        host,
        port,
        api_key=api_key,
        allow_hosts=allow_host,
        limits=limits,
        on_listening=(lambda fields: click.echo(json.dumps(fields))) if as_json else None,
    )
