"""``framelens publish``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Copy a verified checkpoint to a folder.")
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print what was copied as JSON.")
def publish(source: Path, destination: Path, as_json: bool) -> None:
    """Copy a verified checkpoint, or that of a run, to DESTINATION, replacing what is there.

    \b
    Examples:
      framelens publish runs/frames models/default
    """
    from framelens.checkpoint import copy_checkpoint, open_checkpoint
    from framelens.runs import checkpoint_in

    folder = checkpoint_in(source)
    manifest = open_checkpoint(folder, need=None).manifest
    copy_checkpoint(folder, destination)
    described = {"checkpoint": str(destination), "name": manifest.get("name"), "files": sorted(manifest["files"])}
    click.echo(json.dumps(described) if as_json else f"{destination}: {described['name']} with {len(manifest['files'])} files")
