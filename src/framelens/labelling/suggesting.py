"""What to label next: sentences a model is unsure of, unlike one another, spread over articles.

``small-text`` and ``scikit-activeml`` were weighed and do not fit: the strategies of both drive a classifier and a data set of their own,
scikit-activeml's know one label a row, and neither knows articles. What is left of them here is k-means, scikit-learn's.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from framelens.data import Columns, LabelledSentences, load_dataset
from framelens.errors import DataError, InputError, MissingExtraError
from framelens.labelling.embedding import AUTO, Array, features, fit_predict, vectors
from framelens.labelling.sentences import PoolSentence, read_sentences
from framelens.schema import NO_FRAME
from framelens.tables import shorten, text_table

try:
    from sklearn.cluster import KMeans
except ImportError as error:
    raise MissingExtraError.for_extra("suggest", "labels") from error

Measure = Literal["margin", "entropy"]
_CANDIDATES = 5  # per sentence to choose: how far down the list of unsure ones diversity may reach
_NEAR = 0.5  # Jaccard similarity of two sentences' words from which they nearly repeat each other


@dataclass(frozen=True)
class Suggestion:
    """A sentence to label.

    Attributes:
        id, article_id, text, before, after, where: of the sentence; see :class:`PoolSentence`.
        predicted: the labels the model would give.
        scores: its probability per label.
        uncertainty: between 0 (sure) and 1.
    """

    id: str
    article_id: str | None
    text: str
    before: str
    after: str
    where: str
    predicted: tuple[str, ...]
    scores: Mapping[str, float]
    uncertainty: float

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write; ``framelens label`` reads rows of them."""
        return {**asdict(self), "predicted": list(self.predicted)}


def suggest(
    pool: str | Path | Iterable[Mapping[str, Any]] | Sequence[PoolSentence],
    n: int = 50,
    *,
    model: str | os.PathLike[str] | None = "default",
    labelled: LabelledSentences | str | Path | None = None,
    columns: Columns | None = None,
    encoder: str = AUTO,
    per_article: int | None = None,
    new_articles: bool = False,
    min_words: int = 4,
    measure: Measure = "entropy",
    seed: int = 13,
) -> list[Suggestion]:
    """Choose sentences whose labels would help most.

    Args:
        pool: sentences, see :func:`framelens.labelling.sentences.read_sentences`.
        n: how many; fewer where the pool or ``per_article`` gives no more.
        model: the checkpoint that may be unsure, or None for a logistic regression on ``labelled``.
        labelled: what is labelled already: left out of the choice, by id and by text.
        columns: of ``labelled``; None finds the label column.
        encoder: see :func:`framelens.labelling.embedding.vectors`.
        per_article: at most so many of one article; None allows twice an even share, and two at least.
        new_articles: leave out every article that holds a labelled sentence or nearly repeats one, so that test articles stay unseen.
        min_words: shorter sentences (by-lines, fragments) are left out.
        measure: see :func:`uncertainty`.
        seed: of k-means.

    Returns:
        The most uncertain first.

    Raises:
        DataError: unusable rows, or no sentence is left to choose from.
        InputError: neither ``model`` nor ``labelled``, or a number below 1.
    """
    if n < 1 or (per_article is not None and per_article < 1):
        raise InputError(f"n and per_article must be 1 or more; received {n}, {per_article}")
    if model is None and labelled is None:
        raise InputError("without a model, 'labelled' sentences are needed to fit one")
    if labelled is not None and not isinstance(labelled, LabelledSentences):
        from framelens.evaluation import guess_columns

        labelled = load_dataset(labelled, columns or guess_columns(labelled))
    rows = list(pool) if isinstance(pool, Sequence) and not isinstance(pool, (str, Path)) else pool
    sentences = rows if isinstance(rows, list) and isinstance(rows[0], PoolSentence) else read_sentences(rows)
    candidates = _free(sentences, labelled, new_articles, min_words)
    texts = [s.text for s in candidates]
    seen = labelled.texts if model is None and labelled is not None else []
    places = vectors([*seen, *texts], encoder)
    if model is None:
        assert labelled is not None
        names, scores, thresholds, multi_label = _fitted(texts, labelled, places, encoder)
    else:
        names, scores, thresholds, multi_label = _asked(texts, model)
    unsure = uncertainty(scores, thresholds, multi_label=multi_label, measure=measure)
    groups = [s.group for s in candidates]
    chosen = choose(unsure, places[len(seen) :], groups, n, per_article=per_article, seed=seed)
    return [_suggestion(candidates[i], names, scores[i], thresholds, multi_label, unsure[i]) for i in chosen]


def uncertainty(scores: Array, thresholds: Array, *, multi_label: bool, measure: Measure = "entropy") -> Array:
    """How unsure probabilities leave a decision, from 0 to 1.

    Args:
        scores: shape ``(n, k)``.
        thresholds: shape ``(k,)``, the probability from which a label counts (multi-label).
        multi_label: each label on its own, or one label a row.
        measure: ``"margin"``: of the label nearest its threshold in log-odds, or of the two most probable labels (Scheffer et al. 2001);
            ``"entropy"``: mean of the labels' entropies, with thresholds moved to one half, or that of the row (Shannon, per ``log k``).

    Returns:
        Array of shape ``(n,)``.
    """
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    if not multi_label:
        if measure == "entropy":
            return np.asarray(-(p * np.log(p)).sum(axis=1) / np.log(max(p.shape[1], 2)))
        top = np.sort(p, axis=1)[:, -2:]
        return np.asarray(1 - (top[:, -1] - top[:, 0]) if p.shape[1] > 1 else 1 - p[:, 0])
    odds = np.log(p / (1 - p)) - np.log(thresholds / (1 - thresholds))
    moved = 1 / (1 + np.exp(-odds))
    if measure == "entropy":
        return np.asarray(-(moved * np.log2(moved) + (1 - moved) * np.log2(1 - moved)).mean(axis=1))
    return np.asarray((1 - np.abs(2 * moved - 1)).max(axis=1))


def choose(
    unsure: Array, rows: Array, groups: Sequence[str], n: int, *, per_article: int | None = None, seed: int = 13
) -> list[int]:
    """Positions of ``n`` sentences, uncertain and diverse (weighted k-means over the most uncertain; Zhdanov 2019).

    Args:
        unsure: shape ``(m,)``, uncertainty.
        rows: shape ``(m, width)``, unit vectors.
        groups: the article of each.
        n: how many.
        per_article: at most so many of one article; None as in :func:`suggest`.
        seed: of k-means.

    Returns:
        At most ``n`` positions, the most uncertain first.
    """
    if per_article is None:
        per_article = max(2, -(-2 * n // len(set(groups))))
    order = np.argsort(-unsure, kind="stable")
    near: list[int] = _capped(order.tolist(), groups, per_article * _CANDIDATES)[: n * _CANDIDATES]
    if len(near) > n:
        clusters = KMeans(n, n_init=1, random_state=seed).fit_predict(rows[near], sample_weight=unsure[near] + 1e-9)
        # The most uncertain of each cluster first, then the second of each, and so on: the cap may need more than one.
        depth: Counter[int] = Counter()
        rank = []
        for position, cluster in zip(near, clusters.tolist(), strict=True):
            rank.append((depth[cluster], -unsure[position], position))
            depth[cluster] += 1
        near = [position for _, _, position in sorted(rank)]
    taken = set(near)
    chosen = _capped([*near, *(i for i in order.tolist() if i not in taken)], groups, per_article)[:n]
    return sorted(chosen, key=lambda i: -unsure[i])


def suggestion_table(suggestions: Sequence[Suggestion], width: int = 80) -> str:
    """A table for a terminal."""
    articles = len({s.article_id or s.id for s in suggestions})
    rows = [[s.id, f"{s.uncertainty:.2f}", " + ".join(s.predicted) or NO_FRAME, shorten(s.text, width)] for s in suggestions]
    return f"{len(rows)} sentences of {articles} articles\n\n" + text_table(
        ["id", "uncertainty", "predicted", "sentence"], rows
    )


def near_duplicates(one: Sequence[frozenset[str]], other: Sequence[frozenset[str]]) -> bool:
    """Whether two articles, each a list of its sentences' words, nearly share a sentence of seven words or more."""
    return any(len(a) > 6 and len(a & b) / len(a | b) > _NEAR for a in one for b in other)


def words(text: str) -> frozenset[str]:
    """A sentence as a set of lower-case words."""
    return frozenset(text.lower().split())


def _capped(order: Sequence[int], groups: Sequence[str], most: int) -> list[int]:
    """``order`` without what exceeds ``most`` of one group."""
    counts: Counter[str] = Counter()
    kept = []
    for position in order:
        counts[groups[position]] += 1
        if counts[groups[position]] <= most:
            kept.append(position)
    return kept


def _free(
    sentences: Sequence[PoolSentence], labelled: LabelledSentences | None, new_articles: bool, min_words: int
) -> list[PoolSentence]:
    """Sentences that may be chosen: not labelled, not too short, each text once."""
    done = list(labelled) if labelled is not None else []
    ids, texts = {s.id for s in done if s.id is not None}, {s.text for s in done}
    barred: set[str] = set()
    if new_articles and labelled is not None:
        barred = {s.article_id for s in done if s.article_id is not None}
        barred |= {s.group for s in sentences if s.id in ids or s.text in texts}
        held = defaultdict(list)
        for article, text in zip(labelled.articles, labelled.texts, strict=True):
            held[article].append(words(text))
        articles = defaultdict(list)
        for s in sentences:
            articles[s.group].append(words(s.text))
        barred |= {a for a, own in articles.items() if a not in barred and any(near_duplicates(own, o) for o in held.values())}
    free: dict[str, PoolSentence] = {}
    for s in sentences:
        if s.id not in ids and s.text not in texts and s.group not in barred and len(s.text.split()) >= min_words:
            free.setdefault(s.text, s)
    if not free:
        raise DataError(
            f"none of {len(sentences)} sentences is left to choose from: all are labelled, short or in barred articles"
        )
    return list(free.values())


_Scores = tuple[tuple[str, ...], Array, Array, bool]  # label names, probabilities, thresholds, whether labels may go together


def _asked(texts: Sequence[str], model: str | os.PathLike[str]) -> _Scores:
    """What a checkpoint says."""
    from framelens.classifier import Classifier

    classifier = Classifier.load(model)
    labels = classifier.labels
    thresholds = np.array([labels.threshold(name) for name in labels.labels])
    return labels.labels, classifier.scores(texts), thresholds, labels.multi_label


def _fitted(texts: Sequence[str], labelled: LabelledSentences, places: Array, encoder: str) -> _Scores:
    """What a logistic regression on ``labelled`` says; ``places`` are the vectors of labelled and other texts."""
    rows = features([*labelled.texts, *texts], encoder, places)
    truth = np.array(labelled.matrix())
    scores = fit_predict(rows[: len(truth)], truth, rows[len(truth) :], multi_label=labelled.multi_label)
    return labelled.labels, scores, np.full(len(labelled.labels), 0.5), labelled.multi_label


def _suggestion(
    sentence: PoolSentence, names: Sequence[str], scores: Array, thresholds: Array, multi_label: bool, unsure: float
) -> Suggestion:
    order = np.argsort(-scores)
    predicted = [names[i] for i in order if scores[i] >= thresholds[i]] if multi_label else [names[order[0]]]
    return Suggestion(
        **{key: getattr(sentence, key) for key in ("id", "article_id", "text", "before", "after", "where")},
        predicted=tuple(predicted),
        scores={name: round(float(p), 4) for name, p in zip(names, scores, strict=True)},
        uncertainty=round(float(unsure), 4),
    )
