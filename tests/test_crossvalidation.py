from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch")

from click.testing import CliRunner

from framelens import ConfigError, DataError, cross_validate
from framelens.cli import main
from framelens.config import TrainingConfig
from framelens.crossvalidation import assigned, draw_dev, fixed_rows, group_folds, load
from tests.conftest import toy_rows, toy_settings, write_jsonl


def quick(base: Path, data: Path, output: Path, epochs: int = 3) -> dict[str, object]:
    settings = toy_settings(base, data, output)
    settings["optimisation"] = {**settings["optimisation"], "epochs": epochs, "threads": 1}  # type: ignore[dict-item]
    return settings


@pytest.fixture
def config(tiny_base, toy_file, tmp_path):
    return TrainingConfig.from_dict(quick(tiny_base, toy_file, tmp_path / "folds"))


def articles(data, rows):
    return {data.articles[i] for i in rows}


def test_each_article_is_held_out_once_and_never_split(config):
    data = load(config)
    held = []
    for inside, out in group_folds(data, 4, 13):
        assert not articles(data, inside) & articles(data, out)
        assert sorted([*inside, *out]) == list(range(len(data)))
        parts = draw_dev(data, inside, 0.2, 13)
        assert not articles(data, parts["train"]) & articles(data, parts["dev"])
        assert sorted([*parts["train"], *parts["dev"]]) == sorted(inside)
        held += out
    assert sorted(held) == list(range(len(data)))
    with pytest.raises(DataError, match="20 articles are too few for 21 folds"):
        group_folds(data, 21, 13)


def test_a_file_that_is_all_train_is_never_held_out_and_loses_what_is(tiny_base, toy_file, tmp_path):
    extra = write_jsonl(
        tmp_path / "extra.jsonl", [{"article_id": a, "text": f"Rain {a}.", "labels": ["weather"]} for a in ("a0", "x")]
    )
    settings = quick(tiny_base, toy_file, tmp_path / "folds")
    settings["data"] = [*settings["data"], {"path": str(extra), "labels": "labels", "as_split": "train"}]  # type: ignore[misc]
    config = TrainingConfig.from_dict(settings)
    data = load(config)
    fixed = fixed_rows(config, data)
    assert fixed == {80, 81}
    for inside, out in group_folds(data, 4, 13, fixed=fixed):
        assert not fixed & set(out)
        assert 81 in inside
        assert (80 in inside) == ("a0" not in articles(data, out))


def test_the_copies_hold_only_the_rows_of_the_run(config, tmp_path):
    """What a run reads has no row of an article that is left out, and loads as the split it was given."""
    data = load(config)
    (inside, out), *_ = group_folds(data, 4, 13)
    parts = draw_dev(data, inside, 0.2, 13)
    run = assigned(config, data, parts, tmp_path / "run", tmp_path / "copies")
    copy = load(run)
    assert not set(copy.articles) & articles(data, out)
    for name, rows in parts.items():
        assert {s.id for s in copy if s.split == name} == {data.sentences[i].id for i in rows}
    assert {s.labels for s in copy} == {s.labels for s in data}
    assert run.optimisation == config.optimisation


def test_folds_are_runs_and_are_resumed(config):
    result = cross_validate(config, folds=2, progress=False)
    assert [fold["articles"] for fold in result.folds] == [10, 10]
    assert result.mean() == pytest.approx(sum(f["macro_f1"] for f in result.folds) / 2)
    assert "mean and standard deviation over folds" in result.to_text()
    saved = json.loads((config.output / "cross_validation.json").read_text())
    assert saved["macro_f1"]["mean"] == pytest.approx(result.mean())
    assert not list(config.output.glob(".fold*"))
    predictions = [json.loads(line) for line in (config.output / "fold-1" / "predictions.jsonl").open()]
    assert len({row["article_id"] for row in predictions if row["split"] == "test"}) == 10

    kept = (config.output / "fold-1" / "metrics.json").stat().st_mtime_ns
    again = cross_validate(config, folds=2, resume=True, progress=False)
    assert again.to_dict() == result.to_dict()
    assert (config.output / "fold-1" / "metrics.json").stat().st_mtime_ns == kept
    with pytest.raises(ConfigError, match="already holds an experiment"):
        cross_validate(config, folds=2)
    with pytest.raises(ConfigError, match="another configuration"):
        cross_validate(config, folds=3, resume=True)


def test_command_line_reports_a_wrong_configuration(tmp_path):
    data = write_jsonl(tmp_path / "one.jsonl", [{**row, "article_id": "a"} for row in toy_rows()])
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump({"data": [{"path": str(data), "labels": "labels"}], "output": str(tmp_path / "run")}))
    result = CliRunner().invoke(main, ["crossvalidate", str(file), "--folds", "3"])
    assert result.exit_code == 1
    assert "1 articles are too few for 3 folds" in result.stderr
