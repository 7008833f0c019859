"""One annotator's way through the sentences: what comes next, what was decided, what is taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from framelens.errors import DataError, InputError
from framelens.labelling.codebook import Codebook
from framelens.labelling.decisions import Decision, DecisionFile
from framelens.labelling.sentences import PoolSentence
from framelens.schema import NO_FRAME

COMMANDS = {"s": "skip", "u": "undo", "?": "unsure", "h": "codebook", "q": "quit"}
KEYS = [key for key in "123456789abcdefgijklmnoprtvwxyz" if key not in COMMANDS]


class Session:
    """Labelling that can be stopped and resumed at any moment.

    Args:
        sentences: in the order they are to be labelled.
        codebook: the labels and their definitions.
        output: the file of decisions, see :class:`DecisionFile`; what it holds of this annotator is not asked again.
        annotator: a name.
        single: exactly one label a sentence.
        stand_off: keep the text's SHA-1 instead of the text.

    Raises:
        InputError: no annotator, or more labels than keys.
        DataError: the file of decisions is unusable.
    """

    def __init__(
        self, sentences: Sequence[PoolSentence], codebook: Codebook, output: str | Path, annotator: str,
        *, single: bool = False, stand_off: bool = False,
    ) -> None:  # fmt: skip
        if not annotator.strip():
            raise InputError("an annotator's name is needed")
        if len(codebook.labels) > len(KEYS):
            raise InputError(f"{len(codebook.labels)} labels are more than there are keys ({len(KEYS)})")
        self.sentences, self.codebook, self.single, self.stand_off = list(sentences), codebook, single, stand_off
        self.annotator = annotator
        self.keys = dict(zip(KEYS, codebook.labels, strict=False))
        self.file = DecisionFile(output, annotator)
        self._decided = self._resumed()
        self._taken_back: Decision | None = None

    @property
    def current(self) -> PoolSentence | None:
        """The sentence whose decision was taken back, or the first without one; None when all are done."""
        taken_back = self._taken_back["id"] if self._taken_back else None
        waiting = next((s for s in self.sentences if s.id == taken_back and s.id not in self._decided), None)
        return waiting or next((s for s in self.sentences if s.id not in self._decided), None)

    @property
    def done(self) -> int:
        """Sentences with a decision."""
        return len(self._decided)

    @property
    def before(self) -> Decision | None:
        """What was decided on the current sentence before it was taken back."""
        current = self.current
        return self._taken_back if current and self._taken_back and self._taken_back["id"] == current.id else None

    def decide(self, labels: Sequence[str], *, unsure: bool = False, sentence: str | None = None) -> None:
        """Save the labels of the current sentence, the primary one first; none means that it carries no frame.

        Raises:
            InputError: an unknown label, not exactly one where ``single``, or ``sentence`` (an id) is not the current one.
        """
        unknown = [name for name in labels if name not in self.codebook.labels]
        if unknown or len(set(labels)) != len(labels):
            raise InputError(f"labels are {list(labels)}; accepted: {', '.join(self.codebook.labels)}, each once")
        if self.single and len(labels) != 1:
            raise InputError(f"one label is needed; received {len(labels)}")
        self._save({"labels": list(labels), "primary": labels[0] if labels else NO_FRAME, "unsure": unsure}, sentence)

    def skip(self, sentence: str | None = None) -> None:
        """Leave the current sentence without labels, for good."""
        self._save({"skip": True}, sentence)

    def undo(self) -> bool:
        """Take the last decision back, so that its sentence comes again; False if there is none."""
        if not self._decided:
            return False
        identifier, decision = list(self._decided.items())[-1]
        self.file.remove(identifier)
        del self._decided[identifier]
        self._taken_back = decision
        return True

    def _resumed(self) -> dict[str, Decision]:
        """What the file holds for these sentences."""
        digests = {s.id: _digest(s.text) for s in self.sentences}
        decided = {row["id"]: row for row in self.file.read() if row["id"] in digests}
        changed = [name for name, row in decided.items() if row.get("sha1", digests[name]) != digests[name]]
        if changed:
            raise DataError(
                f"{self.file.path}: the text of {changed[0]!r} was another when it was labelled ({len(changed)} such rows)"
            )
        return decided

    def _save(self, what: Decision, sentence: str | None) -> None:
        current = self.current
        if current is None or (sentence is not None and sentence != current.id):
            raise InputError(f"sentence {sentence!r} is not the one to decide on; that is {current.id if current else None!r}")
        text: Decision = {} if self.stand_off else {"text": current.text}
        decision = {
            "id": current.id,
            "article_id": current.article_id,
            **text,
            "sha1": _digest(current.text),
            **what,
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        }
        self.file.append(decision)
        self._decided[current.id] = decision


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()
