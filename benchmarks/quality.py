"""Quality on test articles, side by side: keyword dictionary, TF-IDF with logistic regression, and checkpoints.

    python benchmarks/quality.py --config configs/frames.yaml --model default

All read the same test articles; what is fitted is fitted on the configuration's training articles, and thresholds on its
development articles. 95% intervals: bootstrap over articles (1,000 resamples of whole articles, percentiles).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np

from baselines import KeywordDictionary, TfidfRegression
from framelens import Classifier, LabelSet, TrainingConfig
from framelens.classifier import Scores
from framelens.data import LabelledSentences, split_by_article
from framelens.evaluation import score_predictions
from framelens.tables import text_table
from framelens.training import load_training_data


def interval(scores: Scores, data: LabelledSentences, labels: LabelSet, resamples: int = 1000) -> tuple[float, float]:
    """95% interval of the macro-F1 of the primary frame, resampling whole articles."""
    names = [*labels.labels, "none"]
    truth = np.array([names.index(s.primary or "none") for s in data])
    guess = np.array([names.index((labels.select(row) or ("none",))[0]) for row in scores.tolist()])
    by_article: dict[str, list[int]] = defaultdict(list)
    for index, article in enumerate(data.articles):
        by_article[article].append(index)
    # One confusion matrix per article; a resample is a weighted sum of them.
    matrices = np.zeros((len(by_article), len(names), len(names)))
    for row, indices in enumerate(by_article.values()):
        np.add.at(matrices[row], (truth[indices], guess[indices]), 1)
    weights = np.random.default_rng(13).multinomial(len(matrices), np.full(len(matrices), 1 / len(matrices)), resamples)
    summed = np.einsum("ra,aij->rij", weights, matrices)
    hit = np.einsum("rii->ri", summed)
    f1 = 2 * hit / np.maximum(summed.sum(axis=1) + summed.sum(axis=2), 1)
    low, high = np.percentile(f1.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    """Print one table per part of the test articles."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="configs/frames.yaml")
    parser.add_argument("--model", action="append", help="a checkpoint; may be given several times")
    parser.add_argument("--split", default="test", choices=["dev", "test"])
    arguments = parser.parse_args()
    config = TrainingConfig.from_yaml(arguments.config)
    parts = split_by_article(load_training_data(config))
    labels = LabelSet(parts["train"].labels)
    tfidf = TfidfRegression(labels).fit(parts["train"], parts["dev"])
    readers: list[tuple[str, Any, LabelSet]] = [
        ("keyword dictionary", KeywordDictionary(labels), labels),
        ("TF-IDF + logistic regression", tfidf, tfidf.labels),
    ]
    for name in arguments.model or ["default"]:
        classifier = Classifier.load(name)
        readers.append((classifier.name, classifier, classifier.labels))
    whole = parts[arguments.split]
    seeds = [i for i, s in enumerate(whole) if (s.article_id or "").startswith("seed-")]
    real = [i for i in range(len(whole)) if i not in set(seeds)]
    for title, keep in (("seed corpus", seeds), ("real news", real)):
        data = whole.select(keep)
        rows = []
        for name, reader, its_labels in readers:
            scores = reader.scores(data.texts)
            e = score_predictions(scores, data, its_labels, name)
            low, high = interval(scores, data, its_labels)
            rows.append(
                [
                    name,
                    f"{100 * e.primary['macro_f1']:.1f}",
                    f"{100 * low:.1f} to {100 * high:.1f}",
                    f"{100 * e.macro_f1:.1f}",
                    *(f"{100 * e.per_label[label]['f1']:.1f}" for label in labels.labels),
                    f"{100 * e.exact_match:.1f}",
                ]
            )
        print(f"\n{title}, {arguments.split}: {len(data)} sentences of {len(set(data.articles))} articles")
        print(text_table(["reader", "primary macro-F1", "95%", "macro-F1", *labels.labels, "exact match"], rows))


if __name__ == "__main__":
    main()
