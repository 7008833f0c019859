"""Labelling in the terminal: one key per label, one to save; nothing but the keyboard."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size

import click

from framelens.labelling.session import Session

_MOST = 100  # columns of text
_SAVE = ("\r", "\n")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O.|.)?")  # what arrows and function keys send


def label_in_terminal(session: Session) -> None:
    """Ask for labels until all sentences are done or the annotator leaves with ``q`` or Ctrl-C; every decision is saved at once."""
    with _keys() as keys:
        _ask(session, keys)


def _ask(session: Session, keys: Iterator[str]) -> None:
    chosen, unsure, notice = _fresh(session)
    while session.current is not None:
        click.clear()
        click.echo(_screen(session, chosen, unsure, notice))
        notice = ""
        try:
            key = next(keys)
        except (KeyboardInterrupt, EOFError):
            return
        lower = key.lower()
        if key in ("\x03", "\x04") or lower == "q":
            return
        if key in _SAVE:
            if session.single and not chosen:
                notice = "One label is needed; s skips the sentence."
                continue
            session.decide(chosen, unsure=unsure)
            chosen, unsure, _ = _fresh(session)
        elif lower == "s":
            session.skip()
            chosen, unsure, notice = _fresh(session)[0], False, "Skipped."
        elif lower == "u":
            undone = session.undo()
            chosen, unsure, _ = _fresh(session)
            notice = "The last decision is taken back." if undone else "There is nothing to take back."
        elif key == "?":
            unsure = not unsure
        elif lower == "h":
            click.clear()
            click.echo_via_pager(session.codebook.text)
        elif key == "0":
            chosen = []
        elif lower in session.keys:
            label = session.keys[lower]
            chosen = [x for x in chosen if x != label] if label in chosen else [*([] if session.single else chosen), label]


@contextmanager
def _keys() -> Iterator[Iterator[str]]:
    """Keys as they are pressed. The terminal changes its mode once, so that nothing typed ahead is lost as with ``click.getchar``."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield iter(click.getchar, None)
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield _pressed(handle)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _pressed(handle: int) -> Iterator[str]:
    while data := os.read(handle, 1024):
        yield from _ESCAPE.sub("", data.decode(errors="ignore"))
    raise EOFError


def _fresh(session: Session) -> tuple[list[str], bool, str]:
    """Nothing chosen, or what was before the decision on this sentence was taken back."""
    before = session.before or {}
    return list(before.get("labels", [])), bool(before.get("unsure")), ""


def _screen(session: Session, chosen: list[str], unsure: bool, notice: str) -> str:
    width = min(get_terminal_size((80, 24)).columns, _MOST)
    sentence = session.current
    assert sentence is not None
    lines = [
        click.style(f"{session.done + 1} of {len(session.sentences)}   {session.annotator}   {sentence.where}", dim=True),
        "",
    ]
    lines += [click.style(line, dim=True) for line in _wrapped(sentence.before, width)]
    lines += [click.style(line, bold=True) for line in _wrapped(sentence.text, width)]
    lines += [click.style(line, dim=True) for line in _wrapped(sentence.after, width)]
    lines.append("")
    for key, definition in zip(session.keys, session.codebook.definitions, strict=True):
        place = chosen.index(definition.label) + 1 if definition.label in chosen else 0
        mark = "[ ]" if not place else "[x]" if session.single else f"[{place}]"
        line = f"{key} {mark} {definition.label}"
        lines.append(click.style(line, fg="green", bold=True) if place else line)
        for head, said in definition.parts:
            lines += _wrapped(f"{head}: {said}" if head else said, width, indent=" " * 6)
    if not session.single:
        lines.append("0     none" + ("" if chosen else "  (as it stands)"))
    lines += ["", "Enter save   ? unsure" + (" [x]" if unsure else "") + "   s skip   u undo   h codebook   q quit"]
    if len(chosen) > 1:
        lines.append(f"primary: {chosen[0]}")
    return "\n".join([*lines, notice] if notice else lines)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Lines of at most ``width`` columns; what a terminal would take for a command turns into a space."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return textwrap.wrap(clean, width, initial_indent=indent, subsequent_indent=indent)
