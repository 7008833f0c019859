"""What people see of the command line: colour on a terminal only, and the model, with completion of its names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem


def coloured(stream: TextIO) -> bool:
    """Whether to write colours: on a terminal that can show them, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold_headers(text: str) -> str:
    """The text with the header of each table in bold: the lines above a line of dashes."""
    lines = text.split("\n")
    ruled = [bool(line) and not line.strip("- ") for line in [*lines[1:], ""]]
    return "\n".join(click.style(line, bold=True) if header else line for line, header in zip(lines, ruled, strict=True))


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of packaged checkpoints, and folders."""
    from framelens.checkpoint import available_checkpoints

    names = [CompletionItem(name) for name in available_checkpoints() if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="dir"), *names]  # bash drops what stands before a folder


def model_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--model``: the checkpoint that reads."""
    return click.option(
        "--model", default="default", show_default=True, shell_complete=complete_model,
        help="Name of a packaged checkpoint, or a folder.",
    )(command)  # fmt: skip
