"""What one request, and all of them together, may cost."""

from __future__ import annotations

from dataclasses import dataclass, fields

from framelens.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Bounds of the server; with ``body_bytes`` times ``concurrent`` they also bound its memory.

    Attributes:
        body_bytes: of one request (413 beyond it, before the rest is read).
        texts: in one request (422).
        sentences: in one request to ``/classify``, or one line of ``/batch`` (422).
        concurrent: requests that are read, wait or run at the same time (503 beyond it).
        seconds: for the answer once the request has arrived (504), and for the request to arrive (408).
        batch_sentences: in one engine call, where several requests share it.
        engines: engine calls at the same time; with 2 a long article does not hold up the short ones behind it.
    """

    body_bytes: int = 4 * 2**20
    texts: int = 1000
    sentences: int = 10_000
    concurrent: int = 128
    seconds: float = 60.0
    batch_sentences: int = 256
    engines: int = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise InputError(f"{field.name} must be above 0; received {value}")
