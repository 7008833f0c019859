"""``framelens completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print a script for completion in your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help='Print {"shell": ..., "script": ...}.')
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print a script that completes verbs, options and names of packaged models in SHELL.

    \b
    Examples:
      framelens completion bash > ~/.framelens-completion.bash   # then: source it in ~/.bashrc
      framelens completion zsh > ~/.zfunc/_framelens             # a folder of $fpath
      framelens completion fish > ~/.config/fish/completions/framelens.fish
    """
    import json

    kind = get_completion_class(shell)
    assert kind is not None  # click knows the three
    script = kind(ctx.find_root().command, {}, "framelens", "_FRAMELENS_COMPLETE").source()
    click.echo(json.dumps({"shell": shell, "script": script}) if as_json else script)
