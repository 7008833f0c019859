"""What the README shows is what happens. (That its two commands install is checked by .ci/run and by hand, see the closing notes.)"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code):
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_the_test_command_is_the_one_of_the_gate():
    gate = (ROOT / ".ci/run").read_text()
    (command,) = [line for block in blocks("bash") for line in block.splitlines() if "pytest" in line]
    assert command.endswith("python -m pytest")
    assert "\npython -m pytest\n" in gate
    assert "constraints.txt -e '.[dev]'" in command
    assert "constraints.txt -e '.[dev]'" in gate.replace("--constraint ", "-c ")


def test_every_command_exists():
    from framelens.cli import VERBS

    shown = {word for block in blocks("bash") for word in re.findall(r"framelens (\w+)", block)}
    assert shown
    assert shown <= set(VERBS)


def test_every_file_exists():
    for path in re.findall(r"(?<![\w./-])((?:examples|configs|seeds|benchmarks|models)/[\w./-]*\w)", README):
        assert (ROOT / path).exists(), path
