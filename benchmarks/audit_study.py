"""How many of 100 planted label errors does `framelens audit` find in its first 200 sentences?

    python benchmarks/audit_study.py

Each draw takes 100 of the seed corpus's sentences at random and gives each a wrong set of frames: one frame dropped, one added, or one
put in another's place, whichever of these can be done, with equal chance. The errors the corpus has of its own count as misses. All
probabilities are out of folds by article, from features that no label went into: the base encoder (not the default
checkpoint, which was trained on the seed corpus) and TF-IDF. Which features to join was decided on draws 0 to 4; shown are others.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from framelens import Columns, load_dataset
from framelens.data import LabelledSentences
from framelens.labelling.auditing import rank_labels
from framelens.labelling.embedding import features, out_of_fold, vectors
from framelens.tables import text_table

SEEDS = Path(__file__).parents[1] / "seeds" / "sentences.jsonl"
PLANTED, READ = 100, 200
FIRST = 100  # draw


def plant(data: LabelledSentences, draw: int) -> tuple[LabelledSentences, set[int]]:
    """The data with wrong labels on some sentences, and which these are."""
    rng = np.random.default_rng(draw)
    picked = rng.choice(len(data), PLANTED, replace=False)
    sentences = list(data.sentences)
    for index in picked:
        given = list(sentences[index].labels)
        absent = [name for name in data.labels if name not in given]
        kinds = ["drop"] * bool(given) + ["add"] * bool(absent) + ["swap"] * bool(given and absent)
        kind = rng.choice(kinds)
        if kind in ("drop", "swap"):
            given.remove(str(rng.choice(given)))
        if kind in ("add", "swap"):
            given.append(str(rng.choice(absent)))
        sentences[index] = replace(sentences[index], labels=tuple(given), primary=given[0] if given else None)
    return replace(data, sentences=tuple(sentences)), {int(i) for i in picked}


def main() -> None:
    """One row per source of features."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=10)
    arguments = parser.parse_args()
    clean = load_dataset(SEEDS, Columns(labels="frames"))
    encoded = vectors(clean.texts)
    sources = {
        "words (TF-IDF), without torch": features(clean.texts, "tfidf"),
        "base encoder alone": encoded,
        "words and base encoder (the default)": features(clean.texts, known=encoded),
    }
    found: dict[str, list[int]] = {name: [] for name in sources}
    flagged: dict[str, list[int]] = {name: [] for name in sources}
    for draw in range(FIRST, FIRST + arguments.draws):
        data, planted = plant(clean, draw)
        truth = np.array(data.matrix())
        place = {s.where: i for i, s in enumerate(data)}
        for name, rows in sources.items():
            result = rank_labels(data, out_of_fold(rows, truth, data.articles, multi_label=True))
            found[name].append(len(planted & {place[s.where] for s in result.suspects[:READ]}))
            flagged[name].append(len(result.likely))
    print(
        f"{len(clean)} sentences, {PLANTED} planted errors, first {READ} read; mean (lowest to highest) of {arguments.draws} draws"
    )
    chance = PLANTED * READ / len(clean)
    table = [["random order (expected)", f"{chance:.1f}", "", ""]]
    table += [
        [name, f"{np.mean(n):.1f} ({min(n)} to {max(n)})", f"{np.mean(n) / chance:.1f}", f"{np.mean(flagged[name]):.0f}"]
        for name, n in found.items()
    ]
    print(text_table(["probabilities from", "errors found", "times random", "sentences flagged"], table))


if __name__ == "__main__":
    main()
