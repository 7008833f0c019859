"""The documentation: every code block runs, the site builds without a warning, and asks no other server for anything.

A page's blocks run in order in a folder of its own, which holds ``examples`` and ``seeds``: Python in one namespace, bash with
``framelens`` on the path. A block with a title is a file of that name. ``text`` is output and not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)(?:[^\n]*title=\"([^\"]+)\")?[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN = {"python", "bash"}
NOT_RUN = {"text"}
PAGES = {
    str(page.relative_to(DOCS)): blocks
    for page in sorted(DOCS.rglob("*.md"))
    if (blocks := BLOCK.findall(page.read_text(encoding="utf-8")))
}


def script(blocks: list[tuple[str, str, str]]) -> str:
    """A Python program of a page's blocks."""
    lines = ["import subprocess", "names = {'__name__': '__main__'}"]
    for number, (language, title, code) in enumerate(blocks, start=1):
        if title:
            lines.append(f"open({title!r}, 'w', encoding='utf-8').write({code!r})")
        elif language == "python":
            lines.append(f"exec(compile({code!r}, 'block {number}', 'exec'), names)")
        elif language == "bash":
            lines.append(f"subprocess.run(['bash', '-euo', 'pipefail', '-c', {code!r}], check=True)")
        else:
            assert language in NOT_RUN, f"block {number} is {language}: give it a title, or make it one of {RUN | NOT_RUN}"
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page, tmp_path):
    blocks = PAGES[page]
    if page == "install.md":  # what it installs is checked below; a venv of its own is made by the gate
        blocks = [block for block in blocks if "-m venv" not in block[2]]
    (tmp_path / "page").mkdir()
    for name in ("examples", "seeds"):
        (tmp_path / "page" / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "framelens"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m framelens.cli "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        "MPLBACKEND": "agg",
    }
    done = subprocess.run(
        [sys.executable, "-c", script(blocks)],
        cwd=tmp_path / "page", env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_a_failing_block_fails():
    for code in (script([("python", "", "1 / 0\n")]), script([("bash", "", "false | true\n")])):
        assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1


def test_every_extra_that_is_named_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = [*DOCS.rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "src").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = {extra for group in re.findall(r"framelens\[([\w,-]+)\]", text) for extra in group.split(",")}
    named |= set(re.findall(r"for_extra\([^)]*, \"(\w+)\"\)", text))
    assert "train" in named
    assert named <= set(project["optional-dependencies"])


class Requests(HTMLParser):
    """Addresses that a browser asks for by itself when it shows a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(values.get("href") or "")
        elif tag in ("script", "img", "iframe", "source", "video", "audio"):
            self.found.append(values.get("src") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING" not in done.stderr
    return folder


def test_no_page_asks_another_server(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    outside = {
        (str(page.relative_to(site)), address)
        for page in pages
        for address in Requests(page.read_text(encoding="utf-8")).found
        if re.match(r"(https?:)?//", address)
    }
    assert not outside
    styles = [css for css in site.rglob("*.css") if re.search(r"url\([\"']?(https?:)?//", css.read_text(encoding="utf-8"))]
    assert not styles


def test_references_are_generated(site):
    from framelens.cli import VERBS

    cli = (site / "reference/cli/index.html").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f'id="framelens-{verb}"' in cli
    api = (site / "reference/api/index.html").read_text(encoding="utf-8")
    for name in ("classifier.classify", "schema.Document.frame_shares", "integrations.sklearn.FrameClassifier.fit"):
        assert f'id="framelens.{name}"' in api
    assert "Hard cases" in (site / "reference/codebook/index.html").read_text(encoding="utf-8")


def test_every_benchmark_is_listed():
    page = (DOCS / "reference/benchmarks.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`python benchmarks/(\w+)\.py", page))
    programs = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if "__main__" in p.read_text(encoding="utf-8")}
    assert listed == programs - {"speed_worker"}  # which speed.py starts
