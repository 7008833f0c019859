"""Every notebook runs from top to bottom, and what is kept in it was really produced."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook(path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    kept = _kinds(notebook)
    assert any(kept), "the notebook is kept without outputs"
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert _kinds(notebook) == kept, (
        "the outputs that are kept are of other kinds than those produced: run the notebook and save it"
    )


def _kinds(notebook):
    """For each code cell, the kinds of its outputs; warnings on stderr come and go with the machine."""
    return [
        [sorted(o.get("data", [])) or [o.get("name")] for o in cell.outputs if o.get("name") != "stderr"]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
