"""A trained model on its held-out splits: calibration on dev, and the metrics of every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from framelens.calibration import best_threshold, calibrate
from framelens.classifier import Scores, probabilities
from framelens.data import LabelledSentences
from framelens.engine import Reading
from framelens.evaluation import Evaluation, score_predictions
from framelens.metrics import frame_metric
from framelens.schema import LabelSet
from framelens.tasks import source_metrics, stance_metrics


@dataclass(frozen=True)
class Assessment:
    """What a model gives and how good it is, by split.

    Attributes:
        labels: with calibration and thresholds from dev.
        readings: the raw outputs.
        scores: calibrated probabilities of the sentences that are labelled for frames.
        evaluations: of the frames.
        tasks: metrics of ``source`` and ``stance``.
    """

    labels: LabelSet
    readings: Mapping[str, Reading]
    scores: Mapping[str, Scores]
    evaluations: Mapping[str, Evaluation]
    tasks: Mapping[str, Mapping[str, Mapping[str, float]]]

    def summary(self, split: str) -> dict[str, float]:
        """The figures that a manifest holds."""
        found: dict[str, float] = {}
        if split in self.evaluations:
            evaluation = self.evaluations[split]
            found = {"macro_f1": evaluation.macro_f1, "primary_macro_f1": evaluation.primary["macro_f1"]}
        return found | {f"{task}_{name}": value for task, values in self.tasks[split].items() for name, value in values.items()}

    def to_dict(self) -> dict[str, Any]:
        """By split, every metric."""
        frames = {name: evaluation.to_dict() for name, evaluation in self.evaluations.items()}
        return {name: {**frames.get(name, {}), **self.tasks[name]} for name in self.readings}


def assess(readings: Mapping[str, Reading], data: Mapping[str, LabelledSentences], labels: LabelSet, name: str) -> Assessment:
    """Calibrate on ``dev`` and score every split of ``data``, whose sentences ``readings`` follow."""
    framed = {split: [i for i, s in enumerate(part) if s.framed] for split, part in data.items()}
    logits = {split: r.logits[framed[split]] for split, r in readings.items() if r.logits is not None and framed[split]}
    if "dev" in logits:
        labels = calibrate(logits["dev"], np.array(data["dev"].select(framed["dev"]).matrix(labels.labels)), labels)
    scores = {split: probabilities(rows, labels) for split, rows in logits.items()}
    evaluations = {split: score_predictions(s, data[split].select(framed[split]), labels, name) for split, s in scores.items()}
    tasks = {
        split: {
            task: found
            for task, found in (("source", source_metrics(r, data[split])), ("stance", stance_metrics(r, data[split])))
            if found
        }
        for split, r in readings.items()
    }
    return Assessment(labels, readings, scores, evaluations, tasks)


def dev_macro_f1(logits: Any, truth: Any, labels: LabelSet) -> float:
    """Macro-F1 as it will be used: with each label's best threshold (multi-label), or of the highest label."""
    guess = np.zeros_like(truth, dtype=int)
    if labels.multi_label:
        scores = probabilities(logits, replace(labels, thresholds={}, calibration={}))
        for column in range(truth.shape[1]):
            guess[:, column] = scores[:, column] >= best_threshold(scores[:, column], truth[:, column])
    else:
        guess[np.arange(len(guess)), np.argmax(logits, axis=1)] = 1
    result: float = frame_metric(labels.labels).compute(predictions=guess, references=truth.astype(int))["macro_f1"]
    return result
