from __future__ import annotations

import re

import numpy as np
import pytest

from framelens import Columns, DataError, LabelSet, evaluate, load_dataset
from framelens.calibration import best_threshold, calibrate, expected_calibration_error
from framelens.evaluation import guess_columns, score_predictions
from framelens.metrics import frame_metric, primary_metrics
from tests.conftest import toy_rows, write_jsonl

LABELS = LabelSet(("a", "b"))
DATA = load_dataset(
    [
        {"text": "1", "labels": ["a"], "article_id": "x"},
        {"text": "2", "labels": ["a", "b"], "article_id": "x"},
        {"text": "3", "labels": [], "article_id": "y"},
        {"text": "4", "labels": ["b"], "article_id": "y"},
    ],
    Columns(labels="labels"),
)
SCORES = np.array([[0.9, 0.2], [0.4, 0.8], [0.6, 0.1], [0.1, 0.7]])


def test_metrics_by_hand():
    result = score_predictions(SCORES, DATA, LABELS, "toy")
    assert (result.sentences, result.articles) == (4, 2)
    # a: found in rows 1 and 3, true in 1 and 2; b: found and true in 2 and 4
    assert {k: v for k, v in result.per_label["a"].items() if k not in ("ece", "average_precision")} == {
        "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2,
    }  # fmt: skip
    assert result.per_label["b"]["f1"] == 1.0
    assert result.macro_f1 == 0.75
    assert result.micro_f1 == 0.75
    assert result.exact_match == 0.5
    assert result.primary["confusion"] == {"labels": ["a", "b", "none"], "matrix": [[1, 1, 0], [0, 1, 0], [1, 0, 0]]}
    assert result.primary["accuracy"] == 0.5
    assert re.search(r"macro-F1\s+75\.0", result.to_text())


def test_frame_metric_is_an_evaluate_module():
    import evaluate as hf

    metric = frame_metric(["a", "b"])
    assert isinstance(metric, hf.Metric)
    metric.add_batch(predictions=[[1, 0]], references=[[1, 0]])
    metric.add_batch(predictions=[[0, 1]], references=[[1, 1]])
    result = metric.compute()
    assert result["exact_match"] == 0.5
    assert result["per_label"]["a"]["recall"] == 0.5


def test_primary_macro_f1_counts_only_names_that_occur():
    result = primary_metrics(["a", "none"], ["a", "none"], ["a", "b", "none"])
    assert result["macro_f1"] == 1.0
    assert result["confusion"]["matrix"] == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_evaluate_reads_files_of_all_kinds(toy_run, toy_file, tmp_path):
    result = evaluate(toy_run.checkpoint, toy_file)
    assert result.sentences == 80
    single = [{"text": r["text"], "frame": (r["labels"] or ["none"])[0]} for r in toy_rows()]  # type: ignore[index]
    assert evaluate(toy_run.checkpoint, write_jsonl(tmp_path / "single.jsonl", single)).articles == 80
    again = evaluate(toy_run.checkpoint, toy_rows())
    assert {**again.to_dict(), "errors": []} == {**result.to_dict(), "errors": []}  # errors say where, so they differ
    assert [e["text"] for e in again.errors] == [e["text"] for e in result.errors]


def test_evaluate_one_split(toy_run, tmp_path):
    rows = [{**row, "split": "test" if i < 8 else "train"} for i, row in enumerate(toy_rows())]
    path = write_jsonl(tmp_path / "split.jsonl", rows)
    assert evaluate(toy_run.checkpoint, path, split="test").sentences == 8
    with pytest.raises(DataError, match="no row has 'dev' in its split column; found: train, test"):
        evaluate(toy_run.checkpoint, path, split="dev")


def test_labels_that_the_model_does_not_have(toy_run, tmp_path):
    path = write_jsonl(tmp_path / "d.jsonl", [{"text": "x", "labels": ["sport"]}])
    with pytest.raises(DataError, match=r"d.jsonl:1: unknown label 'sport'; accepted: weather, economy"):
        evaluate(toy_run.checkpoint, path)
    with pytest.raises(DataError, match=r"the data has labels that toy@.* does not: a, b"):
        evaluate(toy_run.checkpoint, DATA)


def test_columns_are_guessed_or_asked_for(tmp_path):
    assert guess_columns([{"text": "x", "frame": "a"}]).label == "frame"
    assert guess_columns([{"text": "x", "frame": "a", "frames": "a;b"}]).labels == "frames"
    with pytest.raises(DataError, match="no column named frames, labels, frame or label among text, topic"):
        guess_columns([{"text": "x", "topic": "a"}])


def test_calibration_restores_the_frequencies():
    rng = np.random.default_rng(0)
    truth = (rng.random((4000, 1)) < 0.3).astype(int)
    honest = np.log(0.3 / 0.7) + rng.normal(size=(4000, 1)) + 2 * (truth - 0.3)
    overconfident = 5 * honest + 3
    labels = LabelSet(("a",))
    fitted = calibrate(overconfident, truth, labels)
    from framelens.classifier import probabilities

    before = expected_calibration_error(probabilities(overconfident, labels)[:, 0], truth[:, 0])
    after = expected_calibration_error(probabilities(overconfident, fitted)[:, 0], truth[:, 0])
    assert after < 0.03 < 0.1 < before


def test_temperature_of_exclusive_labels():
    rng = np.random.default_rng(0)
    choice = rng.integers(0, 3, 3000)
    truth = np.eye(3)[choice]
    logits = 6 * (truth + rng.normal(scale=0.8, size=truth.shape))
    slope, _ = calibrate(logits, truth, LabelSet(("a", "b", "c"), multi_label=False)).calibration["*"]
    assert 0.1 < slope < 0.5


def test_best_threshold():
    scores, truth = np.array([0.1, 0.35, 0.45, 0.9]), np.array([0, 0, 1, 1])
    assert 0.35 < best_threshold(scores, truth) <= 0.45
    assert 0.2 <= best_threshold(np.array([0.01, 0.02]), np.array([0, 1])) <= 0.8


def test_a_label_with_hardly_any_sentence_keeps_the_plain_threshold():
    fitted = calibrate(np.zeros((5, 1)), np.array([[1], [0], [0], [0], [0]]), LabelSet(("a",)))
    assert fitted.thresholds == {"a": 0.5}
    assert fitted.calibration == {}


def test_expected_calibration_error_by_hand():
    assert expected_calibration_error(np.array([0.05, 0.95]), np.array([0, 1])) == pytest.approx(0.05)
    assert expected_calibration_error(np.array([0.99, 0.99, 1.0]), np.array([0, 0, 0])) == pytest.approx(2.98 / 3)
    assert expected_calibration_error(np.array([]), np.array([])) == 0.0
