"""Source and stance beside simple baselines, on public test data and on our own test articles.

    python benchmarks/attribution.py --model default --model "stance alone=runs/stance-only/checkpoint" \\
        --teacher runs/teacher-stance/checkpoint

Source: span F1 on PolNeAR's dev part (nothing was chosen on it), beside a rule that takes the noun phrase next to a cue verb.
Stance: macro-F1 over favor, against and neutral on NewsMTSC's ``devtest_rw``, beside the majority class and TF-IDF of the sentence.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from framelens.annotations import Offsets
from framelens.checkpoint import open_checkpoint
from framelens.data import Columns, LabelledSentences, load_dataset
from framelens.engine import Engine, Reading
from framelens.schema import STANCES
from framelens.tables import text_table
from framelens.tasks import source_metrics, span_f1, stance_metrics

_CUE = (
    r"said|says|say|told|tells|added|adds|warned|warns|argued|argues|claimed|claims|insisted|insists|wrote|writes|announced|"
    r"announces|stated|states|noted|notes|explained|believes?|believed|thinks?|thought|suggested|suggests|called|asked|asks|"
    r"reported|reports|acknowledged|admitted|replied|declared|promised|predicted|stressed|tweeted"
)
_NAME = r"(?:[A-Z][\w’'-]*\.? ?(?:(?:of|the|for|and) (?=[A-Z]))?){1,6}(?<! )"
_PHRASE = (
    rf"(?:(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Ss]ome|[Mm]any|[Oo]ne) (?:[a-z][\w’'-]* ){{0,2}})?(?:{_NAME}|[a-z][\w’'-]*)"
)
_BEFORE = re.compile(
    rf"\b(?P<source>I|[Hh]e|[Ss]he|[Tt]hey|[Ww]e|[Ii]t|[Yy]ou|{_PHRASE})(?: (?:has|have|had|also|later|then))? (?:{_CUE})\b"
)
_AFTER = re.compile(rf"[,”\"’] ?(?:{_CUE}) (?P<source>{_NAME})")
_ACCORDING = re.compile(rf"[Aa]ccording to (?P<source>{_PHRASE})")


def cue_verb_rule(text: str) -> list[Offsets]:
    """The noun phrase before a cue verb, after an inverted one, or after "according to"; of overlapping ones the first."""
    spans = [m.span("source") for pattern in (_AFTER, _ACCORDING, _BEFORE) for m in pattern.finditer(text)]
    kept: list[Offsets] = []
    for span in spans:
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return sorted(kept)


def read(engine: Engine, data: LabelledSentences) -> Reading:
    """The engine's reading with the targets that are labelled."""
    return engine.read(data.texts, [[(s.start, s.end) for s in row.stances or ()] for row in data])


def stance_baselines(train: LabelledSentences, test: LabelledSentences) -> Iterator[tuple[str, Reading]]:
    """The most frequent stance, and logistic regression on the words of the sentence."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pairs = [(row.text, stance.label) for row in train for stance in row.stances or ()]
    most = Counter(label for _, label in pairs).most_common(1)[0][0]
    yield "majority", _same_for_all(test, [most] * len(test))
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=4, max_iter=2000)
    )
    model.fit(*zip(*pairs, strict=True))
    yield "TF-IDF of the sentence", _same_for_all(test, model.predict(test.texts))


def _same_for_all(data: LabelledSentences, labels: Sequence[str]) -> Reading:
    rows = [
        np.tile([float(name == label) for name in STANCES], (len(s.stances or ()), 1))
        for s, label in zip(data, labels, strict=True)
    ]
    return Reading(stances=rows)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", action="append", help="[name=]checkpoint; may be given several times")
    parser.add_argument("--teacher", help="a stance teacher's checkpoint, read in float")
    arguments = parser.parse_args()
    engines = {}
    for text in arguments.model or ["default"]:
        name, _, folder = text.rpartition("=")
        checkpoint = open_checkpoint(folder)
        engines[name or checkpoint.name] = Engine(checkpoint)

    polnear = load_dataset(arguments.shared / "polnear" / "dev.jsonl", Columns(source="spans"))
    truth = [s.source or () for s in polnear]
    found = {"cue-verb rule": span_f1(truth, [cue_verb_rule(text) for text in polnear.texts])}
    found |= {name: source_metrics(read(e, polnear), polnear) for name, e in engines.items() if "source" in e.tasks}
    print(f"source, PolNeAR dev: {len(polnear)} sentences, {sum(map(len, truth))} spans")
    print(
        text_table(
            ["reader", *found["cue-verb rule"]], [[n, *(f"{100 * v:.1f}" for v in m.values())] for n, m in found.items()]
        )
    )

    columns = Columns(text="sentence_normalized", id="primary_gid", stances="targets")
    train = load_dataset(arguments.shared / "newsmtsc" / "train.jsonl", columns)
    test = load_dataset(arguments.shared / "newsmtsc" / "devtest_rw.jsonl", columns)
    readings = dict(stance_baselines(train, test))
    readings |= {name: read(e, test) for name, e in engines.items() if "stance" in e.tasks}
    if arguments.teacher:
        from framelens.modeling import load_model
        from framelens.reading import read as read_in_float

        model, tokenizer, checkpoint = load_model(arguments.teacher)
        readings[f"{checkpoint.manifest['name']}, float"] = read_in_float(model, tokenizer, test, checkpoint.max_length)
    print(f"\nstance, NewsMTSC devtest_rw: {len(test)} sentences, {sum(len(s.stances or ()) for s in test)} targets")
    rows = [(name, stance_metrics(reading, test)) for name, reading in readings.items()]
    print(text_table(["reader", "macro-F1", "accuracy"], [[n, *(f"{100 * v:.1f}" for v in m.values())] for n, m in rows]))


if __name__ == "__main__":
    main()
