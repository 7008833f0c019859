"""The command line: every verb of the API. Results go to stdout, progress and errors to stderr.

Exit status: 0 done, 1 a framelens error (bad input, data, configuration or checkpoint), 2 a wrong command line, 130 interrupted;
3 done, but some rows of the input are no article (``corpus``).
A verb is a module of its own, imported when it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from framelens import __version__
from framelens.errors import FramelensError

# verb -> module of this package; the command there has the module's name
VERBS = {
    "classify": "classify",
    "train": "train",
    "average": "average",
    "vary": "vary",
    "soften": "soften",
    "distil": "distil",
    "evaluate": "evaluate",
    "corpus": "corpus",
    "publish": "publish",
    "serve": "serve",
    "prevalence": "prevalence",
    "agreement": "agreement",
    "learning-curve": "learning_curve",
    "audit": "audit",
    "suggest": "suggest",
    "label": "label",
    "crossvalidate": "crossvalidate",
    "search": "search",
    "completion": "completion",
}


class _Verbs(click.Group):
    """A group that imports a verb when it is called, and turns framelens' own errors into one line and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{VERBS[cmd_name]}"), VERBS[cmd_name])
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FramelensError as error:
            click.echo(f"framelens: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("framelens: interrupted", err=True)
            ctx.exit(130)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="framelens")
def main() -> None:
    """Who frames what, how, and toward whom: framing analysis of news, sentence by sentence.

    \b
    Examples:
      framelens classify article.txt
      framelens train my-labels.yaml
      framelens evaluate --data held-out.csv

    Results go to standard output, progress and errors to standard error; --json is for programs. Exit status: 0 done, 1 input,
    data, configuration or checkpoint cannot be used, 2 wrong command line, 3 done, but some rows hold no article (corpus),
    130 interrupted. NO_COLOR turns colour off.
    """
