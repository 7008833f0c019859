"""What makes a figure on a test set worth less than it looks, reported beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from framelens.data import LabelledSentence, LabelledSentences
from framelens.errors import MissingExtraError

try:
    from sklearn.feature_extraction.text import HashingVectorizer
except ImportError as error:
    raise MissingExtraError.for_extra("evaluation", "evaluate") from error

SIMILAR = 0.8  # cosine of character 4-gram counts from which two sentences count as nearly the same
FEWEST_WORDS = 5  # shorter sentences ("He agreed.") repeat without being copied
FEWEST_POSITIVES = 30
FEWEST_ARTICLES = 20
_CELLS = 2**23  # similarities held at once


@dataclass(frozen=True)
class Guard:
    """One check of a test set.

    Attributes:
        name: what was checked.
        status: ``"pass"``, ``"warn"``, or ``"unknown"`` where the data do not allow the check.
        message: what was found, and the rule.
        examples: the cases found (all of them), as plain dictionaries.
    """

    name: str
    status: Literal["pass", "warn", "unknown"]
    message: str
    examples: tuple[Mapping[str, Any], ...] = field(default=())


def check_leakage(test: LabelledSentences, seen: LabelledSentences | None) -> list[Guard]:
    """Articles on both sides of the split, and test sentences nearly the same as one that training saw.

    Args:
        test: what is evaluated.
        seen: what the model was trained and tuned on, or None.
    """
    if seen is None or not len(seen):
        why = "no training sentences were given, so this could not be checked"
        return [Guard("article in train and test", "unknown", why), Guard("near-duplicates of training", "unknown", why)]
    return [_shared_articles(test, seen), _near_duplicates(test, seen)]


def _shared_articles(test: LabelledSentences, seen: LabelledSentences) -> Guard:
    name = "article in train and test"
    trained, tested = ({s.article_id for s in data if s.article_id is not None} for data in (seen, test))
    if not trained or not tested:
        return Guard(name, "unknown", "the data name no articles, so this could not be checked")
    shared = sorted(trained & tested)
    count = sum(s.article_id in trained for s in test if s.article_id is not None)
    if not shared:
        return Guard(name, "pass", f"none of {len(tested)} test articles is among {len(trained)} training articles")
    return Guard(
        name,
        "warn",
        f"{len(shared)} of {len(tested)} test articles ({count} sentences) are in the training data too: figures are too high",
        tuple({"article": article} for article in shared),
    )


def _near_duplicates(test: LabelledSentences, seen: LabelledSentences) -> Guard:
    found = near_duplicates(test.texts, seen.texts)
    rule = f"cosine of character 4-grams {SIMILAR} or more, sentences of {FEWEST_WORDS} words or more"
    if not found:
        return Guard("near-duplicates of training", "pass", f"no test sentence nearly repeats a training sentence ({rule})")
    examples = tuple(
        {"test": _name(test.sentences[i]), "training": _name(seen.sentences[j]), "similarity": round(s, 3)} for i, j, s in found
    )
    message = f"{len(found)} of {len(test)} test sentences nearly repeat a training sentence ({rule}): figures may be too high"
    return Guard("near-duplicates of training", "warn", message, examples)


def near_duplicates(texts: Sequence[str], others: Sequence[str], similar: float = SIMILAR) -> list[tuple[int, int, float]]:
    """For each text that has a near-duplicate among ``others``: its position, that of the most similar one, and their cosine.

    Similarity is the cosine of counts of character 4-grams inside words. The most similar pairs come first.
    """
    kept, pool = ([i for i, x in enumerate(side) if len(x.split()) >= FEWEST_WORDS] for side in (texts, others))
    if not kept or not pool:
        return []
    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(4, 4), n_features=2**18, alternate_sign=False)
    vectors, against = vectorizer.transform([texts[i] for i in kept]), vectorizer.transform([others[i] for i in pool]).T.tocsr()
    step, found = max(_CELLS // len(pool), 1), []
    for start in range(0, len(kept), step):
        cosines = (vectors[start : start + step] @ against).toarray()
        best = cosines.argmax(axis=1)
        found += [
            (kept[start + row], pool[best[row]], float(cosines[row, best[row]]))
            for row in np.flatnonzero(cosines.max(axis=1) >= similar)
        ]
    return sorted(found, key=lambda pair: -pair[2])


def check_size(
    test: LabelledSentences, positives: Mapping[str, int], interval: Sequence[float | None] | None, claim: float
) -> list[Guard]:
    """Whether the test set is large enough for what is to be said of it.

    Args:
        test: what is evaluated.
        positives: sentences per label.
        interval: of macro-F1.
        claim: the smallest difference in macro-F1 that is to be claimed, as a ratio.
    """
    guards = []
    rare = {name: count for name, count in positives.items() if count < FEWEST_POSITIVES}
    guards.append(
        Guard(
            "sentences per frame",
            "warn" if rare else "pass",
            (", ".join(f"{name}: {count}" for name, count in rare.items()) if rare else "every frame")
            + (f" sentences, fewer than {FEWEST_POSITIVES}" if rare else f" has {FEWEST_POSITIVES} test sentences or more"),
            tuple({"frame": name, "sentences": count} for name, count in rare.items()),
        )
    )
    articles = len({s.article_id for s in test if s.article_id is not None})
    if not articles:
        message = "the data name no articles: intervals take sentences as independent and are too short if they are not"
        guards.append(Guard("articles", "unknown", message))
    else:
        few = articles < FEWEST_ARTICLES
        rule = f"{'fewer than' if few else 'at least'} {FEWEST_ARTICLES}"
        message = f"{articles} articles, {rule}" + (": intervals from so few are rough" if few else "")
        guards.append(Guard("articles", "warn" if few else "pass", message))
    if interval is not None and interval[0] is not None and interval[1] is not None:
        half = (interval[1] - interval[0]) / 2
        guards.append(
            Guard(
                "size for the claim",
                "warn" if half > claim else "pass",
                f"macro-F1 is known to ±{100 * half:.1f} points, {'not ' if half > claim else ''}enough for a claim about "
                f"{100 * claim:.1f} points (rule: half the 95% interval is no wider than the claim)",
            )
        )
    return guards


def _name(sentence: LabelledSentence) -> str:
    return sentence.id or sentence.where
