"""``accelerate launch`` with two CPU processes (gloo): one run folder, whole, and the same again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from framelens import Classifier
from tests.conftest import toy_settings


def launch(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
        "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0",
        "-m", "framelens.cli", "train", str(config), *options,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)


def test_two_processes_train_one_model(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "run")
    settings["optimisation"] = {**settings["optimisation"], "batch_size": 4, "learning_rate": 3e-3}  # type: ignore[dict-item]
    config = tmp_path / "toy.yaml"
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    done = launch(config, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    (printed,) = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert printed["metrics"]["test"]["macro_f1"] > 0.9
    run = tmp_path / "run"
    assert not (run / "trainer").exists()
    assert (run / "metrics.json").is_file()
    log = (run / "train.log").read_text()
    assert log.count("train: {") == 1
    assert log.count("eval_macro_f1") == 20
    steps = {row["step"] for row in json.loads((run / "history.json").read_text()) if "loss" in row}
    sentences = json.loads(log.split("train: ")[1].split("\n")[0].replace("'", '"'))["sentences"]
    assert max(steps) == 20 * -(-sentences // 8), "two processes with batches of four take steps of eight"
    assert Classifier.load(run / "checkpoint").classify("Heavy rain fell on the coast road.").sentences[0].frame == "weather"
    again = launch(config)
    assert again.returncode != 0
    assert "already holds a run" in again.stderr
