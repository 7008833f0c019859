"""Quality on test articles, side by side: keyword dictionary, TF-IDF with logistic regression, and checkpoints.

    python benchmarks/quality.py --config configs/frames.yaml --model default

All read the same test articles; what is fitted is fitted on the configuration's training articles, and thresholds on its
development articles. 95% intervals: bootstrap over articles, as `framelens evaluate` has them.
"""

from __future__ import annotations

import argparse
from typing import Any

from baselines import KeywordDictionary, TfidfRegression
from framelens import Classifier, LabelSet, TrainingConfig
from framelens.data import split_by_article
from framelens.evaluation import score_predictions
from framelens.tables import percent, text_table
from framelens.training import load_training_data


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
            e = score_predictions(scores, data, its_labels, name, resamples=2000)
            rows.append(
                [
                    name,
                    percent(e.primary["macro_f1"], e.intervals["primary"]["macro_f1"]),
                    percent(e.macro_f1, e.intervals["macro"]["f1"]),
                    *(f"{100 * e.per_label[label]['f1']:.1f}" for label in labels.labels),
                    f"{100 * e.exact_match:.1f}",
                ]
            )
        print(f"\n{title}, {arguments.split}: {len(data)} sentences of {len(set(data.articles))} articles")
        print(text_table(["reader", "primary macro-F1", "macro-F1", *labels.labels, "exact match"], rows))


if __name__ == "__main__":
    main()
