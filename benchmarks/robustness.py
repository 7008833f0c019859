"""Does the reading of a sentence depend on what it should not? Measured on the labelled articles of one split.

    python benchmarks/robustness.py --config configs/plain.yaml --model default

Prints F1 by outlet and on headlines; then, for each way of rewriting a sentence, on how many sentences the primary frame flips and
what becomes of macro-F1. Rewritings: states swapped for others (three draws), upper case, quotation marks changed to the other kind,
headline capitals, and the English of a literal machine translation (no articles, no contractions, "of" for the genitive).
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable
from dataclasses import replace

from framelens import Classifier, TrainingConfig, evaluate
from framelens.augmentation import swap_states
from framelens.data import LabelledSentences, split_by_article
from framelens.evaluation import score_predictions
from framelens.tables import percent, text_table
from framelens.training import load_training_data

_SMALL = {"a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}
_LONG_FORMS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am"}


def other_quotes(text: str) -> str:
    """Typographic marks made straight, or straight ones made typographic."""
    if re.search("[“”‘’]", text):
        return text.translate(str.maketrans("“”‘’", "\"\"''"))
    text = re.sub(r'"([^"]*)"?', r"“\1”", text)
    return text.replace("'", "’")


def headline(text: str) -> str:
    """Capitals on all but small words, and no full stop."""
    words = [w if i and w.lower() in _SMALL else w[:1].upper() + w[1:] for i, w in enumerate(text.rstrip(".").split(" "))]
    return " ".join(words)


def translated(text: str) -> str:
    """As a literal translation from a language without articles might put it."""
    text = text.replace("’", "'")
    for short, long in _LONG_FORMS.items():
        text = text.replace(short, long)
    text = re.sub(r"\b(\w+)'s (\w+)", r"\2 of \1", text)
    text = re.sub(r"\b(?:[Tt]he|[Aa]n?) ", "", text)
    return text[:1].upper() + text[1:]


def swapped(seed: int) -> Callable[[str], str]:
    """A rewriting that swaps states; a sentence without any stays as it is."""
    draw = random.Random(seed)
    return lambda text: swap_states(text, draw) or text


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="configs/plain.yaml")
    parser.add_argument("--model", default="default")
    parser.add_argument("--split", default="test", choices=["dev", "test"])
    arguments = parser.parse_args()
    classifier = Classifier.load(arguments.model)
    labels = classifier.labels
    data = split_by_article(load_training_data(TrainingConfig.from_yaml(arguments.config)))[arguments.split]
    parts = {
        "seed corpus": data.select(i for i, s in enumerate(data) if str(s.article_id).startswith("seed-")),
        "real news": data.select(i for i, s in enumerate(data) if not str(s.article_id).startswith("seed-")),
    }
    by_outlet = evaluate(classifier, parts["real news"], by=["outlet", "corpus"])
    for table in by_outlet.tables():
        if "outlet" in table.title or "corpus" in table.title:
            print(f"{table.title}\n{text_table(table.header, table.rows)}\n")
    titles = parts["seed corpus"].select(i for i, s in enumerate(parts["seed corpus"]) if str(s.id).endswith("-00"))
    on_titles = score_predictions(classifier.scores(titles.texts), titles, labels, "headlines", resamples=2000)
    print(f"headlines of the seed corpus ({len(titles)}): primary accuracy {100 * on_titles.primary['accuracy']:.1f}\n")

    plain = [labels.select(row) for row in classifier.scores(data.texts).tolist()]
    before = score_predictions(classifier.scores(data.texts), data, labels, "as written", resamples=2000)
    rows = [
        ["as written", str(len(data)), "", "", percent(before.primary["macro_f1"], before.intervals["primary"]["macro_f1"])]
    ]
    ways: list[tuple[str, Callable[[str], str]]] = [
        *((f"states swapped, draw {seed}", swapped(seed)) for seed in (1, 2, 3)),
        ("upper case", str.upper),
        ("other quotation marks", other_quotes),
        ("headline capitals", headline),
        ("literal translation", translated),
    ]
    for name, way in ways:
        rows.append(_row(name, way, data, plain, classifier))
    print(text_table(["rewriting", "sentences changed", "primary flips", "any frame flips", "primary macro-F1"], rows))


def _row(
    name: str, way: Callable[[str], str], data: LabelledSentences, plain: list[tuple[str, ...]], classifier: Classifier
) -> list[str]:
    texts = [way(text) for text in data.texts]
    changed = [i for i, (old, new) in enumerate(zip(data.texts, texts, strict=True)) if old != new]
    scores = classifier.scores(texts)
    found = [classifier.labels.select(row) for row in scores.tolist()]
    primary = sum((plain[i] or ("",))[0] != (found[i] or ("",))[0] for i in changed) / max(len(changed), 1)
    anything = sum(set(plain[i]) != set(found[i]) for i in changed) / max(len(changed), 1)
    rewritten = replace(data, sentences=tuple(replace(s, text=t) for s, t in zip(data, texts, strict=True)))
    e = score_predictions(scores, rewritten, classifier.labels, name, resamples=2000)
    f1 = percent(e.primary["macro_f1"], e.intervals["primary"]["macro_f1"])
    return [name, str(len(changed)), f"{100 * primary:.1f}%", f"{100 * anything:.1f}%", f1]


if __name__ == "__main__":
    main()
