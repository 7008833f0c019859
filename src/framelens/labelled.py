"""A labelled sentence, a data set of them, and the columns they come from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framelens.annotations import Offsets, TargetStance
from framelens.errors import DataError
from framelens.readers import BadRow
from framelens.schema import NO_FRAME, TASKS


@dataclass(frozen=True)
class Columns:
    """Which column holds what.

    Attributes:
        text: the sentence.
        label: one label a row (labels exclude one another); name this or ``labels``.
        labels: several labels a row: one column (a list, a JSON list, or names joined by ``separator``; empty for no
            label), or a sequence of columns, one a label, holding 0/1 or true/false.
        primary, id, article_id, split: used where the column exists.
        separator: what joins names in ``labels``.
        scores: soft labels, as a teacher gives them: a column with an object of label -> probability.
        source: the span that names the source, or null where the author speaks; see :func:`framelens.annotations.parse_source`.
        stances: targets and the stance toward each; see :func:`framelens.annotations.parse_stances`.
    """

    text: str = "text"
    label: str | None = None
    labels: str | Sequence[str] | None = None
    primary: str = "primary"
    id: str = "id"
    article_id: str = "article_id"
    split: str = "split"
    separator: str = ";"
    scores: str | None = None
    source: str | None = None
    stances: str | None = None

    def __post_init__(self) -> None:
        frames = [name for name in ("label", "labels", "scores") if getattr(self, name) is not None]
        if len(frames) > 1 or not (frames or self.source or self.stances):
            raise DataError(
                "name either 'label' (a column with one label a row), 'labels' (several) or 'scores' (a probability for each), "
                f"and 'source' or 'stances' where there are such columns; received {', '.join(frames) or 'none of them'}"
            )

    @property
    def framed(self) -> bool:
        """Whether the rows say anything about frames."""
        return self.label is not None or self.labels is not None or self.scores is not None


@dataclass(frozen=True)
class LabelledSentence:
    """One sentence with its labels.

    ``meta`` keeps every other column of its row (and, for stand-off data, of its row in the file of texts), ``where`` its file
    and row, ``context`` the sentences before and after it in its article, as the file (of texts) orders them, or ``""``.
    ``framed`` is False where the row does not say which frames the sentence has; ``scores`` holds soft labels. ``source`` (spans;
    none where the author speaks) and ``stances`` are None where the row does not say.
    """

    text: str
    labels: tuple[str, ...] = ()
    primary: str | None = None
    id: str | None = None
    article_id: str | None = None
    split: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    context: tuple[str, str] = ("", "")
    framed: bool = True
    scores: Mapping[str, float] | None = None
    source: tuple[Offsets, ...] | None = None
    stances: tuple[TargetStance, ...] | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the row is labelled for: of ``frames``, ``source`` and ``stance``."""
        known = (self.framed, self.source is not None, bool(self.stances))
        return tuple(task for task, labelled in zip(TASKS, known, strict=True) if labelled)

    def joined(self, other: LabelledSentence) -> LabelledSentence:
        """This sentence with what ``other``, the same sentence elsewhere, knows besides."""
        scores, labels, primary = self.scores, self.labels, self.primary
        if self.framed and other.framed:
            both = [s.scores if s.scores is not None else dict.fromkeys(s.labels, 1.0) for s in (self, other)]
            scores = {name: (both[0].get(name, 0.0) + both[1].get(name, 0.0)) / 2 for name in {**both[0], **both[1]}}
        elif other.framed:
            scores, labels, primary = other.scores, other.labels, other.primary
        return replace(
            self,
            framed=self.framed or other.framed,
            scores=scores,
            labels=labels,
            primary=primary,
            source=other.source if self.source is None else self.source,
            stances=other.stances if not self.stances else self.stances,
        )


@dataclass(frozen=True)
class LabelledSentences:
    """A data set: sentences, the labels they may carry, and the rows that could not be used (empty unless asked for)."""

    sentences: tuple[LabelledSentence, ...]
    labels: tuple[str, ...]
    multi_label: bool
    bad_rows: tuple[BadRow, ...] = ()

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[LabelledSentence]:
        return iter(self.sentences)

    @property
    def texts(self) -> list[str]:
        """The sentences' texts."""
        return [s.text for s in self.sentences]

    @property
    def articles(self) -> list[str]:
        """One id per sentence: its article, or, where the data name none, the sentence itself."""
        return [s.article_id if s.article_id is not None else f"row {i}" for i, s in enumerate(self.sentences)]

    def matrix(self, labels: Sequence[str] | None = None) -> list[list[int]]:
        """0/1 rows, shape ``(len(self), len(labels))``, in the order of ``labels`` (default: the data set's own)."""
        return [[int(name in s.labels) for name in labels or self.labels] for s in self.sentences]

    def targets(self, labels: Sequence[str]) -> list[list[float]]:
        """What a model is to give for each label, as :meth:`matrix`, but soft labels where there are, and NaN where nothing is known."""
        unknown = [float("nan")] * len(labels)
        return [
            unknown
            if not s.framed
            else [s.scores.get(x, 0.0) if s.scores is not None else float(x in s.labels) for x in labels]
            for s in self
        ]

    def having(self, task: str) -> LabelledSentences:
        """The sentences that are labelled for ``frames``, ``source`` or ``stance``."""
        return self.select(i for i, s in enumerate(self) if task in s.tasks)

    def joined(self) -> LabelledSentences:
        """One row per text: labels for other tasks are joined, and of several labellings for frames the mean is taken."""
        rows: dict[str, LabelledSentence] = {}
        for sentence in self:
            first = rows.get(sentence.text)
            rows[sentence.text] = sentence if first is None else first.joined(sentence)
        return replace(self, sentences=tuple(rows.values()))

    def select(self, keep: Iterable[int]) -> LabelledSentences:
        """The sentences at these positions."""
        return replace(self, sentences=tuple(self.sentences[i] for i in keep), bad_rows=())

    def __add__(self, other: LabelledSentences) -> LabelledSentences:
        if self.multi_label != other.multi_label and self.labels and other.labels:
            raise DataError("a data set with one label a row cannot be joined with one that has several")
        labels = tuple(dict.fromkeys((*self.labels, *other.labels)))
        return LabelledSentences(
            (*self.sentences, *other.sentences),
            labels,
            (self if self.labels else other).multi_label,
            (*self.bad_rows, *other.bad_rows),
        )


def sha1(text: str) -> str:
    """Hexadecimal SHA-1 of a text: what stand-off rows carry, and the id of a row that has none."""
    return hashlib.sha1(text.encode()).hexdigest()


def count_labels(data: LabelledSentences) -> dict[str, int]:
    """Sentences per label, and without any under ``"none"``."""
    counts = Counter(label for s in data if s.framed for label in s.labels or (NO_FRAME,))
    return {name: counts[name] for name in (*data.labels, NO_FRAME) if counts[name] or name != NO_FRAME}
