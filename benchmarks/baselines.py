"""What a project does before it fine-tunes: a keyword dictionary, and TF-IDF with logistic regression.

Both give a 0/1 row per sentence and a primary frame, so that they stand in one table with the models.
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

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self._patterns = [re.compile(rf"\b(?:{DICTIONARY[name]})", re.IGNORECASE) for name in labels.labels]

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Pseudo-probabilities, shape ``(n, k)``: 0 without a match, rising from 0.6 with their number."""
        counts = np.array([[len(p.findall(text)) for p in self._patterns] for text in texts], dtype=float)
        return np.where(counts > 0, 1 - 0.4 / np.maximum(counts, 1), 0.0)


class TfidfRegression:
    """One-versus-rest logistic regression on word 1-2-grams; thresholds by F1 on dev, as our own models have them."""

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
        scores, truth = self.scores(dev.texts), np.array(dev.matrix(self.labels.labels))
        thresholds = {name: best_threshold(scores[:, i], truth[:, i]) for i, name in enumerate(self.labels.labels)}
        self.labels = LabelSet(self.labels.labels, thresholds=thresholds)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Probabilities, shape ``(n, k)``."""
        return np.asarray(self._model.predict_proba(texts))
