"""What a model decided on labelled sentences, as arrays, and every metric that is a function of sums over sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from framelens.classifier import Scores
from framelens.data import LabelledSentences
from framelens.intervals import confusion_counts, matrix_f1, ratios, summaries
from framelens.schema import NO_FRAME, LabelSet

Array = np.ndarray[Any, Any]
RATIOS = ("precision", "recall", "f1")
Key = tuple[str, ...]  # where a metric stands in an Evaluation: ("per_label", name, "f1"), ("macro", "f1"), ("exact_match",)


@dataclass(frozen=True, eq=False)
class Decisions:
    """Labels and decisions of ``n`` sentences over ``k`` frames (a label that means "no frame" is not one of them).

    Attributes:
        names: the frames, length ``k``.
        articles: of the sentences, length ``n``.
        scores: probabilities, shape ``(n, k)``.
        truth, guess: 0/1, shape ``(n, k)``.
        primary_names: the frames, and ``"none"`` where a sentence may carry none; length ``m``.
        true_primary, guessed_primary: positions in ``primary_names``, shape ``(n,)``.
    """

    names: tuple[str, ...]
    articles: tuple[str, ...]
    scores: Array
    truth: Array
    guess: Array
    primary_names: tuple[str, ...]
    true_primary: Array
    guessed_primary: Array

    @classmethod
    def of(cls, scores: Scores, data: LabelledSentences, labels: LabelSet) -> Decisions:
        """Decide as ``labels`` says from probabilities of shape ``(len(data), len(labels.labels))``."""
        names = tuple(name for name in labels.labels if name != labels.none_label)
        chosen = [labels.select(row) for row in scores.tolist()]
        primary = (*names, NO_FRAME) if labels.multi_label or labels.none_label else names
        place = {name: i for i, name in enumerate(primary)}
        return cls(
            names=names,
            articles=tuple(data.articles),
            scores=np.asarray(scores)[:, [labels.labels.index(name) for name in names]],
            truth=np.array(data.matrix(names)).reshape(-1, len(names)),
            guess=np.array([[int(name in row) for name in names] for row in chosen]).reshape(-1, len(names)),
            primary_names=primary,
            true_primary=np.array(
                [place[NO_FRAME if s.primary in (None, labels.none_label) else str(s.primary)] for s in data]
            ),
            guessed_primary=np.array([place[row[0] if row else NO_FRAME] for row in chosen]),
        )

    def select(self, keep: Array) -> Decisions:
        """Those of the sentences at these positions."""
        fields = {name: getattr(self, name)[keep] for name in ("scores", "truth", "guess", "true_primary", "guessed_primary")}
        return Decisions(self.names, tuple(self.articles[i] for i in keep), primary_names=self.primary_names, **fields)

    @property
    def keys(self) -> list[Key]:
        """Where each metric of :meth:`metrics` stands in an :class:`Evaluation`."""
        return [
            *(("per_label", name, ratio) for name in self.names for ratio in RATIOS),
            *((mean, ratio) for mean in ("macro", "micro") for ratio in RATIOS),
            ("exact_match",),
            ("primary", "macro_f1"),
            ("primary", "accuracy"),
        ]

    @property
    def summands(self) -> Array:
        """What :meth:`metrics` needs the sums of, one row a sentence."""
        n, k, m = len(self.truth), len(self.names), len(self.primary_names)
        matrix = np.zeros((n, m, m))
        matrix[np.arange(n), self.true_primary, self.guessed_primary] = 1
        exact = (self.truth == self.guess).all(axis=1, keepdims=True)
        counts = confusion_counts(self.truth, self.guess).reshape(n, 3 * k)
        return np.concatenate([counts, exact, matrix.reshape(n, m * m)], axis=1)

    def metrics(self, sums: Array, occurring: Array | None = None) -> Array:
        """The metrics named by :attr:`keys` from sums of :attr:`summands`, shape ``(b, ...)`` to ``(b, len(keys))``.

        ``occurring`` are the positions of the primary frames that macro-F1 is the mean of, by default those labelled or guessed.
        """
        b, k, m = len(sums), len(self.names), len(self.primary_names)
        counts = sums[:, : 3 * k].reshape(b, k, 3)
        matrix = sums[:, 3 * k + 1 :].reshape(b, m, m)
        occurring = np.union1d(self.true_primary, self.guessed_primary) if occurring is None else occurring
        size = np.maximum(matrix.sum(axis=(1, 2)), 1)
        primary = [matrix_f1(matrix)[:, occurring].mean(axis=1), np.einsum("bii->b", matrix) / size]
        parts = [ratios(counts).reshape(b, -1), summaries(counts).reshape(b, -1), (sums[:, 3 * k] / size)[:, None]]
        return np.concatenate([*parts, np.stack(primary, axis=1)], axis=1)
