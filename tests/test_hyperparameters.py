from __future__ import annotations

import json

import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("optuna")

import framelens.hyperparameters as hyperparameters
from framelens import ConfigError, TrainingConfig, search
from framelens.crossvalidation import load
from framelens.hyperparameters import Parameter, SearchConfig
from framelens.runs import announce
from tests.test_crossvalidation import quick


@pytest.fixture
def settings(tiny_base, toy_file, tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(quick(tiny_base, toy_file, tmp_path / "run", epochs=2)))
    return {
        "training": str(file),
        "output": str(tmp_path / "search"),
        "trials": 6,
        "startup": 2,
        "space": {
            "optimisation.learning_rate": {"low": "1e-5", "high": 1e-2, "log": True},
            "optimisation.batch_size": {"choices": [8, 16]},
            "model.dropout": {"low": 0.0, "high": 0.3},
        },
    }


class Runs:
    """Stands in for training: macro-F1 falls with the distance of the learning rate from 1e-3; remembers what runs read."""

    def __init__(self, fail_at: int | None = None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.calls: list[tuple[TrainingConfig, dict[str, set[str]]]] = []
        self.fail_at, self.error = fail_at, error

    def __call__(self, config, data, parts, folder, progress):
        self.calls.append((config, {name: {data.articles[i] for i in rows} for name, rows in parts.items()}))
        if len(self.calls) == self.fail_at:
            raise self.error
        value = 1 - abs(1e-3 - config.optimisation.learning_rate)
        for _ in range(3):
            announce({"loss": 1.0})
            announce({"eval_macro_f1": value})
        evaluation = type("Evaluation", (), {"macro_f1": value})()
        return type("Run", (), {"metrics": {"dev": evaluation}})()


@pytest.fixture
def runs(monkeypatch):
    def install(**options):
        made = Runs(**options)
        monkeypatch.setattr(hyperparameters, "train_parts", made)
        return made

    return install


def test_the_best_trial_becomes_a_training_configuration(settings, runs):
    made = runs()
    result = search(settings, progress=False)
    values = [t["macro_f1"] for t in result.trials if t["state"] == "complete"]
    assert len(result.trials) == 6
    assert result.macro_f1 == max(values)
    best = TrainingConfig.from_yaml(result.config)
    assert best.optimisation.learning_rate == result.parameters["optimisation.learning_rate"]
    assert best.optimisation.batch_size in (8, 16)
    assert len({call.optimisation.learning_rate for call, _ in made.calls}) == 6
    assert f"best: {result.config}" in result.to_text()


def test_no_trial_sees_a_test_article(settings, runs):
    made = runs()
    search(settings, progress=False)
    for config, seen in made.calls:
        assert set(seen) == {"train", "dev"}
        assert len(seen["train"] | seen["dev"]) < len(set(load(config).articles))
        assert not seen["train"] & seen["dev"]


def test_trials_that_lag_are_pruned(settings, runs):
    runs()
    states = [t["state"] for t in search({**settings, "trials": 12, "sampler": "random"}, progress=False).trials]
    assert "pruned" in states
    assert states[:2] == ["complete", "complete"]
    off = {**settings, "trials": 12, "sampler": "random", "pruning": False, "output": settings["output"] + "-off"}
    assert {t["state"] for t in search(off, progress=False).trials} == {"complete"}


# Optuna notes an interrupted trial as failed; SystemExit leaves it running, as a kill does.
@pytest.mark.parametrize(("storage", "error"), [("sqlite", SystemExit), ("journal", SystemExit), ("sqlite", KeyboardInterrupt)])
def test_a_search_that_was_cut_short_goes_on(settings, runs, storage, error):
    settings = {**settings, "storage": storage, "pruning": False}
    made = runs(fail_at=4, error=error)
    with pytest.raises(error):
        search(settings, progress=False)
    lost = made.calls[-1][0].optimisation
    with pytest.raises(ConfigError, match="already holds an experiment"):
        search(settings, progress=False)
    again = runs()
    result = search(settings, resume=True, progress=False)
    assert len(again.calls) == 3
    assert again.calls[0][0].optimisation == lost  # the trial that was cut short is done first
    assert [t["state"] for t in result.trials].count("complete") == 6
    with pytest.raises(ConfigError, match="another configuration"):
        search({**settings, "trials": 7}, resume=True, progress=False)


def test_nested_selection_searches_inside_the_training_folds(settings, runs, monkeypatch):
    made = runs()
    outer: list[tuple[float, set[str], set[str]]] = []

    def run_fold(config, data, parts, folder, progress):
        named = {name: {data.articles[i] for i in rows} for name, rows in parts.items()}
        outer.append((config.optimisation.learning_rate, named["train"] | named["dev"], named["test"]))
        counts = {"sentences": len(parts["test"]), "articles": len(named["test"])}
        return {**counts, "macro_f1": 0.5, "micro_f1": 0.5, "f1": {"weather": 0.5}}

    monkeypatch.setattr(hyperparameters, "run_fold", run_fold)
    result = search(
        {**settings, "trials": 3, "cross_validation": {"folds": 2}, "inner_folds": 2, "pruning": False}, progress=False
    )
    assert len(made.calls) == 3 * 3 * 2  # searches: two outer folds and all articles; trials; inner folds
    for fold, (rate, inside, held_out) in enumerate(outer):
        inner = made.calls[6 * fold : 6 * fold + 6]
        assert all((seen["train"] | seen["dev"]) == inside for _, seen in inner)
        assert not any((seen["train"] | seen["dev"]) & held_out for _, seen in inner)
        tried = {c.optimisation.learning_rate for c, _ in inner}
        assert rate == min(tried, key=lambda x: abs(x - 1e-3))
    assert outer[0][2] | outer[1][2] == {f"a{i}" for i in range(20)}
    assert result.outer is not None
    assert "parameters" in json.loads((result.config.parent / "search.json").read_text())["outer"]["folds"][0]


def test_a_real_search(settings):
    """Two trials of real training, end to end."""
    result = search({**settings, "trials": 2}, progress=False)
    assert 0 <= result.macro_f1 <= 1
    assert {t["state"] for t in result.trials} == {"complete"}
    assert not list((result.config.parent / "trials").glob("*"))


def test_wrong_configurations_say_what_is_accepted(settings):
    with pytest.raises(
        ConfigError, match=r"unknown setting 'optimisation.lr' in space; accepted: model.base, .*optimisation.epochs"
    ):
        search({**settings, "space": {"optimisation.lr": {"choices": [1]}}})
    with pytest.raises(ConfigError, match="needs either 'choices' or both"):
        search({**settings, "space": {"model.dropout": {"low": 0.1}}})
    with pytest.raises(ConfigError, match="low must be below high"):
        Parameter(low=2, high=1)
    with pytest.raises(ConfigError, match="log needs a range above 0"):
        Parameter(low=0, high=1, log=True)
    with pytest.raises(ConfigError, match="unknown key 'trails'; did you mean 'trials'"):
        search({**settings, "trails": 3})
    assert SearchConfig.__dataclass_fields__["storage"].default == "sqlite"
