from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
import transformers
from safetensors.torch import load_file

from framelens import CheckpointError, Classifier, InputError
from framelens.checkpoint import available_checkpoints
from framelens.classifier import probabilities
from framelens.integrations.transformers import export_model, import_model
from framelens.modeling import FrameModel, load_base
from tests.conftest import toy_rows

SENTENCES = [
    "The ministry called the tariffs illegal.",
    "Rain fell.",
    "Officials warned that the dam's controls could be opened from abroad, and asked parliament for money to guard them.",
    "Both sides praised the accord and promised to widen it.",
]


def table(pipeline, texts, labels):
    """Scores as rows, in the order of ``labels``."""
    return np.array([[next(x["score"] for x in row if x["label"] == name) for name in labels] for row in pipeline(texts)])


def float_scores(checkpoint, labels, texts):
    """What torch gives for a checkpoint's own weights: encoder, mean pooling, head, calibration."""
    encoder, tokenizer = load_base(str(checkpoint))
    model = FrameModel(encoder, len(labels.labels), multi_label=labels.multi_label)
    model.load_state_dict({k: v.float() for k, v in load_file(checkpoint / "model.safetensors").items()}, strict=False)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(batch["input_ids"], batch["attention_mask"])["logits"]
    return probabilities(logits.numpy(), labels)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_pipeline_gives_the_scores_of_the_default_checkpoint(tmp_path, batch_size):
    folder = export_model("default", tmp_path / "exported")
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert not [f for f in folder.iterdir() if f.suffix in (".py", ".bin", ".pkl")]
    classifier = Classifier.load("default")
    pipeline = transformers.pipeline("text-classification", model=str(folder), top_k=None, batch_size=batch_size)
    got = table(pipeline, SENTENCES, classifier.labels.labels)
    want = float_scores(available_checkpoints()["default"], classifier.labels, SENTENCES)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(got, classifier.scores(SENTENCES), atol=0.15)  # int8 differs by its quantisation


def test_a_single_label_head_with_temperature(toy_run, tmp_path):
    """The same weights, read as labels that exclude one another."""
    from framelens.checkpoint import write_manifest
    from framelens.schema import LabelSet

    source = tmp_path / "source"
    source.mkdir()
    for file in toy_run.checkpoint.iterdir():
        (source / file.name).write_bytes(file.read_bytes())
    labels = LabelSet(("weather", "economy"), multi_label=False, calibration={"*": (0.25, 0.0)})
    (source / "labels.json").write_text(json.dumps(labels.to_dict()))
    write_manifest(source, {"name": "toy", "max_length": 64})
    texts = [str(row["text"]) for row in toy_rows()][:20]
    pipeline = transformers.pipeline("text-classification", model=str(export_model(source, tmp_path / "out")), top_k=None)
    np.testing.assert_allclose(table(pipeline, texts, labels.labels), float_scores(source, labels, texts), atol=1e-5)


def test_export_refuses_what_it_cannot_write(toy_run, tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        export_model(toy_run.checkpoint, tmp_path)
    assert (tmp_path / "diary.txt").read_text() == "mine"
    with pytest.raises(CheckpointError, match="no checkpoint 'nowhere'"):
        export_model("nowhere", tmp_path / "out")
    folder = export_model("default", tmp_path / "out")
    with pytest.raises(CheckpointError, match="exported by framelens"):
        import_model(folder, tmp_path / "back")


FAMILIES = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
    "roberta": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "pad_token_id": 0,
    },
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
}


def write_model(tiny_base, folder, family="bert", **options):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_base)
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(
        family, vocab_size=len(tokenizer), max_position_embeddings=66, initializer_range=0.3, **FAMILIES[family], **options
    )
    transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["multi_label_classification", "single_label_classification"])
def test_any_sequence_classification_model(tiny_base, tmp_path, family, kind):
    names = {0: "storm", 1: "money", 2: "other"}
    source = write_model(
        tiny_base, tmp_path / "hf", family, id2label=names, label2id={v: k for k, v in names.items()}, problem_type=kind
    )
    classifier = Classifier.load(import_model(source, tmp_path / "checkpoint", name="imported"))
    assert classifier.labels.labels == ("storm", "money", "other")
    assert classifier.labels.multi_label is kind.startswith("multi")
    assert classifier.name.startswith("imported@")
    texts = [str(row["text"]) for row in toy_rows()]
    want = table(transformers.pipeline("text-classification", model=str(source), top_k=None), texts, classifier.labels.labels)
    gap = np.abs(classifier.scores(texts) - want)
    assert gap.mean() < 0.03  # int8
    assert want.std() > 0.1  # random weights that do tell sentences apart
    assert classifier.classify("Rain fell. Shares rose.").sentences[0].scores.keys() == {"storm", "money", "other"}


def test_training_goes_on_from_an_imported_model_and_back(tiny_base, toy_file, tmp_path):
    from framelens import train
    from tests.conftest import toy_settings

    source = write_model(tiny_base, tmp_path / "hf", "roberta", num_labels=2)
    checkpoint = import_model(source, tmp_path / "checkpoint")
    settings = toy_settings(checkpoint, toy_file, tmp_path / "run")
    settings["optimisation"]["epochs"] = 1  # type: ignore[index]
    run = train(settings, progress=False)
    labels, texts = Classifier.load(run.checkpoint).labels, [str(row["text"]) for row in toy_rows()]
    pipeline = transformers.pipeline(
        "text-classification", model=str(export_model(run.checkpoint, tmp_path / "out")), top_k=None
    )
    assert type(pipeline.model).__name__ == "RobertaForSequenceClassification"
    np.testing.assert_allclose(table(pipeline, texts, labels.labels), float_scores(run.checkpoint, labels, texts), atol=1e-5)


def test_options_of_an_import(tiny_base, tmp_path):
    single = write_model(tiny_base, tmp_path / "single", num_labels=2)
    imported = Classifier.load(import_model(single, tmp_path / "a", none_label="LABEL_0"))
    assert imported.labels.none_label == "LABEL_0"
    several = write_model(tiny_base, tmp_path / "several", num_labels=2, problem_type="multi_label_classification")
    assert (
        Classifier.load(import_model(several, tmp_path / "b", thresholds={"LABEL_1": 0.7})).labels.threshold("LABEL_1") == 0.7
    )
    with pytest.raises(InputError, match="accepted: one of LABEL_0, LABEL_1"):
        import_model(single, tmp_path / "c", none_label="none")
    with pytest.raises(InputError, match="holds other files"):
        import_model(single, several)


def test_what_is_refused(tiny_base, tmp_path):
    with pytest.raises(CheckpointError, match="no weights for classifier"):
        import_model(tiny_base, tmp_path / "x")
    with pytest.raises(CheckpointError, match="regression model"):
        import_model(write_model(tiny_base, tmp_path / "one", num_labels=1), tmp_path / "x")
    pickled = write_model(tiny_base, tmp_path / "pickled", num_labels=2)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="safetensors"):
        import_model(pickled, tmp_path / "x")
    remote = write_model(tiny_base, tmp_path / "remote", num_labels=2)
    config = json.loads((remote / "config.json").read_text())
    config.update(
        model_type="strange", auto_map={"AutoConfig": "code.Config", "AutoModelForSequenceClassification": "code.Model"}
    )
    (remote / "config.json").write_text(json.dumps(config))
    (remote / "code.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        import_model(remote, tmp_path / "x")
    assert not (tmp_path / "x").exists()
