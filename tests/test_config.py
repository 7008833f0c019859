from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from framelens import ConfigError, TrainingConfig
from framelens.static import FastConfig

ROOT = Path(__file__).parents[1]
MINIMAL = {"data": [{"path": "d.csv", "label": "label"}]}


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configurations_are_valid(path):
    config = (FastConfig if path.stem == "static" else TrainingConfig).from_yaml(path)
    assert config.name == path.stem
    assert config.output == ROOT / "runs" / path.stem


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/c.yaml").write_text(yaml.safe_dump({**MINIMAL, "output": "../out"}))
    config = TrainingConfig.from_yaml(tmp_path / "sub/c.yaml")
    assert config.data[0].path == tmp_path / "sub/d.csv"
    assert config.output == tmp_path / "out"


def test_a_configuration_survives_its_own_dictionary():
    config = TrainingConfig.from_dict(
        {**MINIMAL, "labels": {"a": "first", "b": "second"}, "optimisation": {"learning_rate": "5e-5"}}
    )
    assert TrainingConfig.from_dict(config.to_dict()) == config
    assert config.optimisation.learning_rate == 5e-5
    assert not config.multi_label


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimization": {}}, "unknown key 'optimization'; did you mean 'optimisation'"),
        ({"optimisation": {"epoch": 3}}, "unknown key 'optimisation.epoch'; did you mean 'epochs'"),
        ({"optimisation": {"epochs": "three"}}, "'optimisation.epochs' must be a whole number; received 'three'"),
        ({"optimisation": {"epochs": True}}, "must be a whole number; received True"),
        ({"optimisation": {"epochs": 0}}, "optimisation: epochs is out of range: 0"),
        ({"optimisation": {"class_weights": "some"}}, "must be 'balanced' or 'none'; received 'some'"),
        ({"split": {"dev": 0.7}}, "split: dev must be above 0 and below 0.5"),
        ({"data": []}, "at least one file"),
        ({"data": [{"path": "d.csv"}]}, "either 'label'"),
        ({"data": [{"label": "x"}]}, r"'data\[0\].path' is required"),
        ({"data": "d.csv"}, "'data' must be a list; received 'd.csv'"),
        ({"data": [MINIMAL["data"][0], {"path": "e.csv", "labels": "labels"}]}, "either every file has one label"),
        ({"labels": 3}, "'labels' must be a mapping or a list or nothing; received 3"),
        ({"model": None}, "'model' must be a mapping of keys; received None"),
    ],
)
def test_mistakes_are_named_with_their_key(change, message):
    with pytest.raises(ConfigError, match=message):
        TrainingConfig.from_dict({**MINIMAL, **change})


def test_data_is_required():
    with pytest.raises(ConfigError, match="'data' is required"):
        TrainingConfig.from_dict({})


@pytest.mark.parametrize(
    ("content", "message"), [("a: [", "not readable as YAML"), ("- 1", "must be a mapping"), ("", "must be a mapping")]
)
def test_a_file_that_is_no_configuration(tmp_path, content, message):
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(ConfigError, match=rf"c.yaml.*{message}"):
        TrainingConfig.from_yaml(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="no configuration at"):
        TrainingConfig.from_yaml(tmp_path / "none.yaml")
