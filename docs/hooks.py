"""What mkdocs runs while it builds: the command line reference from the command line itself, and roles out of docstrings."""

from __future__ import annotations

import re

import click
from click.testing import CliRunner

from framelens.cli import main


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put every verb's help where a page says so."""
    return markdown.replace("<!-- every verb's --help -->", command_line())


def on_page_content(html: str, **_: object) -> str:
    """Docstrings say :class:`X`, which Markdown does not know: keep the name."""
    return re.sub(r":(?:class|meth|func|attr|mod):(?=<code>|<a )", "", html)


def command_line() -> str:
    """A heading and the text of ``--help`` for the program and each of its verbs."""
    verbs = main.list_commands(click.Context(main))
    return "\n\n".join(f"## framelens{' ' * bool(verb)}{verb}\n\n```text\n{_help(verb)}\n```" for verb in ["", *verbs])


def _help(verb: str) -> str:
    result = CliRunner().invoke(main, [verb, "--help"] if verb else ["--help"], prog_name="framelens", terminal_width=78)
    if result.exit_code:
        raise RuntimeError(f"framelens {verb} --help failed: {result.output}")
    return result.stdout.rstrip()
