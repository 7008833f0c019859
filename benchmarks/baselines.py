"""What stands beside our models in the tables: a keyword dictionary, TF-IDF with logistic regression, SetFit, and float models.

Each has ``name``, ``labels`` and ``scores``, as a :class:`framelens.Classifier` has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from framelens.calibration import best_threshold
from framelens.data import LabelledSentences
from framelens.schema import LabelSet

# Stems and phrases that a coder would write down after reading the codebook, before seeing any data.
DICTIONARY = {
    "security_threat": (
        r"national security|securit\w+ (risk|threat|concern)s?|threat to|espionage|\bspy\w*|spies|back ?doors?|cyber\w*|hack\w*|"
        r"high-risk vendor|terror\w*|militar\w+|intelligence (agenc|service|communit)\w+|surveillance|sabotage|critical infrastructure|"
        r"dual-use|eavesdrop\w*|army|navy|missiles?|weapons?|malware"
    ),
    "protectionism": (
        r"tariffs?|protectionis\w+|trade (war|barrier|friction|dispute|remed)\w*|quotas?|subsid\w+|anti-?dumping|countervailing|"
        r"safeguard dut\w+|local content|buy (american|national|local)|market access|retaliat\w+|shut(ting)? out|import (ban|dut|curb)\w*|"
        r"export (ban|curb|restriction)s?|unfair trade|domestic (industr|producer)\w+|dut(y|ies) on"
    ),
    "cooperation_appeal": (
        r"cooperat\w+|co-operat\w+|dialogue|win-win|mutual\w*|partnership|work(ing)? together|negotiat\w+|consultations?|multilateral\w*|"
        r"joint(ly)?|shared (future|interest)s?|openness|common (ground|interest)s?|agreed to|friendship|goodwill|trust between"
    ),
}


class KeywordDictionary:
    """A frame holds where a pattern of it occurs; the primary frame is the one with most matches."""

    name = "keyword dictionary"

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self._patterns = [re.compile(rf"\b(?:{DICTIONARY[name]})", re.IGNORECASE) for name in labels.labels]

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Pseudo-probabilities, shape ``(n, k)``: 0 without a match, rising from 0.6 with their number."""
        counts = np.array([[len(p.findall(text)) for p in self._patterns] for text in texts], dtype=float)
        return np.where(counts > 0, 1 - 0.4 / np.maximum(counts, 1), 0.0)


class TfidfRegression:
    """One-versus-rest logistic regression on word 1-2-grams; thresholds by F1 on dev, as our own models have them."""

    name = "TF-IDF + logistic regression"

    def __init__(self, labels: LabelSet) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline

        self.labels = labels
        self._model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, lowercase=True),
            OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", max_iter=2000)),
        )

    def fit(self, train: LabelledSentences, dev: LabelledSentences) -> TfidfRegression:
        """Fit on ``train``; tune one threshold per label on ``dev``."""
        self._model.fit(train.texts, np.array(train.matrix(self.labels.labels)))
        self.labels = _tuned(self, dev)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Probabilities, shape ``(n, k)``."""
        return np.asarray(self._model.predict_proba(texts))


class SetFitClassifier:
    """SetFit in its own library: contrastive pairs of sentences, then a logistic head per label (Tunstall et al. 2022).

    Args:
        labels: names in order.
        base: a sentence encoder; the same MiniLM as ours.
        steps: of contrastive training, sixteen pairs each. Their default of one epoch over all pairs would be days on two cores.
    """

    def __init__(self, labels: LabelSet, base: str, steps: int = 500) -> None:
        self.labels, self.base, self.steps = labels, base, steps
        self.name = f"SetFit ({steps} steps)"

    def fit(self, train: LabelledSentences, dev: LabelledSentences) -> SetFitClassifier:
        """Fit on ``train``; tune one threshold per label on ``dev``."""
        import tempfile

        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        self._model = SetFitModel.from_pretrained(self.base, multi_target_strategy="one-vs-rest")
        rows = Dataset.from_dict({"text": train.texts, "label": train.matrix(self.labels.labels)})
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(output_dir=folder, batch_size=16, max_steps=self.steps, seed=13, save_strategy="no")
            Trainer(model=self._model, args=arguments, train_dataset=rows).train()
        self.labels = _tuned(self, dev)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Probabilities, shape ``(n, k)``."""
        return np.asarray(self._model.predict_proba(list(texts), as_numpy=True)).reshape(len(texts), -1)


class FloatCheckpoint:
    """A checkpoint in float32 torch, as a teacher is read; thresholds and calibration are those of its int8 model."""

    def __init__(self, folder: str, name: str) -> None:
        from framelens.modeling import load_model

        self.name = name
        self._model, self._tokenizer, checkpoint = load_model(folder)
        self.labels, self._max_length = checkpoint.labels, checkpoint.max_length

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Calibrated probabilities, shape ``(n, k)``."""
        from framelens.classifier import probabilities
        from framelens.data import LabelledSentence
        from framelens.reading import read

        data = LabelledSentences(tuple(LabelledSentence(text, framed=False) for text in texts), (), True)
        return probabilities(np.asarray(read(self._model, self._tokenizer, data, self._max_length).logits), self.labels)


def _tuned(reader: Any, dev: LabelledSentences) -> LabelSet:
    """The reader's labels with the threshold of each that is best on ``dev``."""
    names = reader.labels.labels
    scores, truth = reader.scores(dev.texts), np.array(dev.matrix(names))
    return LabelSet(names, thresholds={name: best_threshold(scores[:, i], truth[:, i]) for i, name in enumerate(names)})
