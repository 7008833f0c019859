"""Source and stance: reading labels, tags and masks, metrics, and a small model with three heads on mixed data."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from framelens.annotations import parse_source, parse_stances
from framelens.engine import Reading
from framelens.errors import CheckpointError, ConfigError, DataError
from framelens.tasks import span_f1, stance_metrics
from framelens.tokens import IGNORED, Tokens

from .conftest import toy_rows, toy_settings, write_jsonl

TEXT = "The minister said rain fell."


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        (None, ()),
        ("", ()),
        ([0, 12], ((0, 12),)),
        ("[0, 12]", ((0, 12),)),
        ([[18, 22], [0, 12]], ((0, 12), (18, 22))),
        ([["source", 0, 12], ["cue", 13, 17]], ((0, 12),)),
    ],
)
def test_sources_are_read_in_every_accepted_form(value, spans):
    assert parse_source(value, TEXT) == spans


@pytest.mark.parametrize("value", [[0, 99], [5, 5], "minister", [[1]], 7, ["a", "b", "c"]])
def test_a_wrong_source_says_what_is_accepted(value):
    with pytest.raises(DataError, match=r"accepted|JSON"):
        parse_source(value, TEXT)


def test_stances_are_read_in_our_form_and_in_that_of_newsmtsc():
    ours = parse_stances([{"target": [4, 12], "label": "favor"}], TEXT)
    theirs = parse_stances([{"from": 4, "to": 12, "polarity": 6.0, "mention": "minister"}], TEXT)
    assert ours == theirs
    soft = parse_stances([{"target": [4, 12], "scores": [0.1, 0.7, 0.2]}], TEXT)[0]
    assert soft.label == "against"
    assert soft.distribution == (0.1, 0.7, 0.2)


@pytest.mark.parametrize("value", [[{"target": [4, 12], "label": "for"}], [{"target": [4]}], "no", [3]])
def test_a_wrong_stance_says_what_is_accepted(value):
    with pytest.raises(DataError, match=r"accepted|JSON"):
        parse_stances(value, TEXT)


# "The prime minister, who" as a tokenizer may cut it: [CLS] the prim ##e minister , who [SEP]
TOKENS = Tokens(
    [2, 5, 6, 7, 8, 9, 10, 3],
    [(0, 0), (0, 3), (4, 8), (8, 9), (10, 18), (18, 19), (20, 23), (0, 0)],
    [None, 0, 1, 1, 2, 3, 4, None],
)


def test_tags_stand_on_the_first_token_of_each_word():
    assert TOKENS.tags([(0, 18)]) == [IGNORED, 1, 2, IGNORED, 2, 0, 0, IGNORED]
    assert TOKENS.mask((4, 9)) == [0, 0, 1, 1, 0, 0, 0, 0]


def test_decoding_gives_back_whole_words():
    logits = np.full((8, 3), -5.0)
    for index, tag in enumerate([0, 1, 2, 0, 1, 0, 2, 0]):  # a B beside an I goes on with it; what stands on "##e" is not read
        logits[index, tag] = 5.0
    assert [(start, end) for start, end, _ in TOKENS.decode(logits)] == [(0, 18), (20, 23)]
    assert TOKENS.decode(logits)[0][2] > 0.99


def test_span_f1_tells_exact_from_overlapping():
    result = span_f1([[(0, 10)], [], [(3, 5), (8, 9)]], [[(2, 10)], [(0, 4)], [(3, 5)]])
    assert result["exact"] == pytest.approx(2 * 1 / (3 + 3))
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["recall"] == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The toy sentences, one part labelled for frames, one for source, one for stance (rain is bad news, money good, for the day)."""
    folder = tmp_path_factory.mktemp("tasks")
    rows = toy_rows()
    for row in rows:
        text, labels = str(row["text"]), row["labels"]
        at = text.find("the bank")
        row["source"] = [at, at + 8] if at >= 0 else None
        stance = "neutral" if len(labels) != 1 else {"weather": "against", "economy": "favor"}[labels[0]]
        row["stances"] = [{"target": [3, 6], "label": stance}, {"target": [len(text) - 8, len(text) - 1], "label": "neutral"}]
    keep = {"frames": ("labels",), "source": ("source",), "stance": ("stances",)}
    return {
        task: write_jsonl(
            folder / f"{task}.jsonl", [{k: row[k] for k in ("id", "article_id", "text", *columns)} for row in rows]
        )
        for task, columns in keep.items()
    }


@pytest.fixture(scope="module")
def run(files, tiny_base, tmp_path_factory):
    from framelens import train

    settings = toy_settings(tiny_base, files["frames"], tmp_path_factory.mktemp("multi") / "run")
    settings["tasks"] = ["frames", "source", "stance"]
    settings["data"] = [
        {"path": str(files["frames"]), "labels": "labels", "as_split": "train", "hold_out": 0.25},
        {"path": str(files["source"]), "source": "source", "as_split": "train", "hold_out": 0.25},
        {"path": str(files["stance"]), "stances": "stances", "as_split": "train", "hold_out": 0.25},
    ]
    return train(settings, progress=False)


def test_a_share_of_a_file_is_whole_articles_and_the_same_ones_each_time(files, tiny_base, tmp_path):
    from framelens import TrainingConfig
    from framelens.training import load_training_data

    def articles(*shares):
        data = [{"path": str(files[task]), column: column, "share": share} for (task, column), share in shares]
        settings = {**toy_settings(tiny_base, files["frames"], tmp_path), "data": data}
        found = load_training_data(TrainingConfig.from_dict(settings))
        return Counter(s.article_id for s in found)

    frames, source = ("frames", "labels"), ("source", "source")
    all_of_them, half = articles((frames, 1.0)), articles((frames, 0.5))
    assert 0 < len(half) < len(all_of_them)
    assert all(half[article] == all_of_them[article] for article in half)
    assert set(articles((frames, 0.5), (source, 0.5))) == set(half)
    with pytest.raises(DataError, match="no article is left of a share of"):
        articles((frames, 1e-9))


def test_three_heads_learn_from_rows_that_have_one_label_each(run):
    assert run.metrics["dev"].macro_f1 > 0.9
    assert run.tasks["dev"]["source"]["exact"] > 0.9
    assert run.tasks["dev"]["stance"]["macro_f1"] > 0.6
    manifest = json.loads((run.checkpoint / "manifest.json").read_text())
    assert manifest["tasks"] == ["frames", "source", "stance"]
    assert manifest["metrics"]["dev"]["source_exact"] == pytest.approx(run.tasks["dev"]["source"]["exact"])


def test_onnx_reads_what_torch_reads(run, files):
    from framelens.checkpoint import open_checkpoint
    from framelens.data import Columns, load_dataset
    from framelens.engine import Engine
    from framelens.modeling import load_model
    from framelens.reading import read

    data = load_dataset(files["stance"], Columns(stances="stances"))
    model, tokenizer, checkpoint = load_model(run.checkpoint)
    exact = read(model, tokenizer, data, checkpoint.max_length, batch_size=7)
    engine = Engine(open_checkpoint(run.checkpoint))
    shipped = engine.read(data.texts, [[(s.start, s.end) for s in row.stances] for row in data], batch_tokens=64)
    assert np.abs(np.concatenate(exact.stances) - np.concatenate(shipped.stances)).max() < 0.2  # int8
    assert [[span[:2] for span in row] for row in exact.sources] == [[span[:2] for span in row] for row in shipped.sources]
    assert stance_metrics(shipped, data)["macro_f1"] > 0.6
    # without targets, and with nothing to read
    assert all(row.shape == (0, 3) for row in engine.read(data.texts[:3]).stances)
    assert engine.read([]).sources == []


def test_a_window_of_a_long_sentence_holds_its_target(run):
    from framelens.checkpoint import open_checkpoint
    from framelens.engine import Engine

    engine = Engine(open_checkpoint(run.checkpoint))
    text = "the bank raised its rates " * 40
    reading = engine.read([text], [[(len(text) - 9, len(text) - 6), (0, 8)]])
    assert reading.stances[0].shape == (2, 3)
    assert reading.stances[0].sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    spans = [span[:2] for span in reading.sources[0]]
    assert spans
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_model_may_have_one_head_only(files, tiny_base, tmp_path):
    from framelens import Classifier, train

    settings = toy_settings(tiny_base, files["source"], tmp_path / "run")
    del settings["labels"]
    settings |= {"tasks": ["source"], "data": [{"path": str(files["source"]), "source": "source"}]}
    settings["optimisation"]["epochs"] = 4
    run = train(settings, progress=False)
    assert not run.metrics
    assert run.tasks["test"]["source"]["overlap"] >= 0
    sentence = Classifier.load(run.checkpoint).classify("On day 3 the bank raised its rates.").sentences[0]
    assert sentence.frames == ()
    assert sentence.scores == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ["frames", "stance"]}, "no file of data has labels for the task 'stance'"),
        ({"tasks": []}, "at least one of frames, source, stance"),
        ({"tasks": ["emotion"]}, "'frames' or 'source' or 'stance'"),
        ({"data": [{"path": "x.csv", "labels": "labels", "hold_out": 0.5}]}, "hold_out"),
        ({"data": [{"path": "x.csv", "labels": "labels", "share": 0}]}, "share is above 0 and at most 1; received 0"),
    ],
)
def test_wrong_tasks_are_refused(files, tiny_base, tmp_path, change, message):
    from framelens import TrainingConfig

    with pytest.raises(ConfigError, match=message):
        TrainingConfig.from_dict({**toy_settings(tiny_base, files["frames"], tmp_path), **change})


def test_a_manifest_with_unknown_tasks_is_refused(run, tmp_path):
    import shutil

    from framelens.checkpoint import open_checkpoint

    folder = shutil.copytree(run.checkpoint, tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "tasks": ["frames", "mood"]}))
    with pytest.raises(CheckpointError, match="accepted: a list of frames, source, stance"):
        open_checkpoint(folder)


def test_a_teacher_labels_a_pool(run, files, tmp_path):
    from framelens.data import Columns, load_dataset
    from framelens.distillation import soften

    output = tmp_path / "soft.jsonl"
    assert soften([run.checkpoint], files["frames"], output, leave_out={"a3"}) == 76
    soft = load_dataset(output, Columns(scores="scores"), texts=files["frames"])
    assert "a3" not in soft.articles
    assert {s.split for s in soft} == {"train"}
    hard = {s.id: s.labels for s in load_dataset(files["frames"], Columns(labels="labels"))}
    assert np.mean([s.labels == hard[s.id] for s in soft]) > 0.8


def test_the_mean_of_two_runs_is_a_run(run, files, tiny_base, tmp_path):
    from dataclasses import replace

    from safetensors.torch import load_file

    from framelens import TrainingConfig, train
    from framelens.averaging import average
    from framelens.checkpoint import open_checkpoint

    settings = json.loads((run.folder / "config.json").read_text())
    settings["output"] = str(tmp_path / "second")
    settings["optimisation"] = {**settings["optimisation"], "epochs": 1, "seed": 4}
    settings["model"]["base"] = str(run.checkpoint)
    second = train(settings, progress=False)
    config = replace(TrainingConfig.from_dict(settings), output=tmp_path / "mean")
    found = average(config, [run.folder, second.checkpoint], command="framelens average ...")
    weights = [load_file(folder / "model.safetensors") for folder in (found.checkpoint, run.checkpoint, second.checkpoint)]
    for name, mean in weights[0].items():
        if not name.startswith("stance.output"):  # its temperature is another
            assert np.allclose(mean.float(), (weights[1][name].float() + weights[2][name].float()) / 2, atol=2e-3), name
    assert found.metrics["dev"].macro_f1 > 0.7
    assert {"source", "stance"} <= set(found.tasks["dev"])
    assert "framelens average ..." in (found.checkpoint / "README.md").read_text()
    assert open_checkpoint(found.checkpoint).labels.calibration
    with pytest.raises(ConfigError, match="needs two checkpoints or more; received 1"):
        average(config, [run.folder])
    with pytest.raises(ConfigError, match="is one of the checkpoints; name another output"):
        average(replace(config, output=run.folder), [run.folder, second.folder], overwrite=True)
    with pytest.raises(ConfigError, match="already holds a run"):
        average(config, [run.folder, second.folder])
    with pytest.raises(ConfigError, match=r"the configuration has frames with weather"):
        average(replace(config, tasks=["frames"]), [run.folder, second.folder], overwrite=True)
    assert (run.checkpoint / "model.safetensors").is_file()


def test_empty_reading_has_no_metrics():
    from framelens.data import LabelledSentences
    from framelens.tasks import source_metrics

    assert source_metrics(Reading(), LabelledSentences((), (), True)) == {}
