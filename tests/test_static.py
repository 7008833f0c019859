from __future__ import annotations

import json

import numpy as np
import pytest

from framelens import Classifier, ConfigError, DataError
from tests.conftest import toy_rows, toy_settings, write_jsonl

torch = pytest.importorskip("torch")
static = pytest.importorskip("framelens.static")
static_model = pytest.importorskip("framelens.static_model")


@pytest.fixture(scope="module")
def settings(toy_run, toy_file, tiny_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fast")
    unlabelled = [
        {"id": f"u{i}", "article_id": f"unlabelled {i // 4}", "text": f"{row['text']} Then {row['text']}"}
        for i, row in enumerate(toy_rows())
    ]
    return {
        **toy_settings(tiny_base, toy_file, folder / "run"),
        "name": "toy-fast",
        "teacher": str(toy_run.checkpoint),
        "unlabelled": str(write_jsonl(folder / "unlabelled.jsonl", unlabelled)),
        "fragments": 100,
        "dims": 16,
        "channels": 8,
        "optimisation": {"epochs": 15, "batch_size": 16, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
    }


@pytest.fixture(scope="module")
def fast_run(settings):
    return static.distil(settings)


def test_a_fast_checkpoint_is_read_like_any_other(fast_run, toy_classifier):
    fast = Classifier.load(fast_run.checkpoint)
    assert fast.labels.labels == toy_classifier.labels.labels
    assert fast_run.metrics["dev"].macro_f1 > 0.9
    document = fast.classify("On day 3 heavy rain fell. On day 4 shares fell and prices rose.")
    assert len(document) == 2
    assert set(document.sentences[0].scores) == {"weather", "economy"}
    files = {path.name for path in fast_run.checkpoint.iterdir()}
    assert files == {"README.md", "labels.json", "manifest.json", "model.int8.onnx", "tokenizer.json"}
    assert "toy@" in (fast_run.checkpoint / "README.md").read_text(encoding="utf-8")


def test_neither_batch_nor_padding_changes_a_result(fast_run):
    fast, texts = Classifier.load(fast_run.checkpoint), [str(row["text"]) for row in toy_rows()]
    alone = np.concatenate([fast.logits([text]) for text in texts])
    assert np.abs(fast.logits(texts) - alone).max() < 1e-5
    assert np.isfinite(fast.logits(["", "\x00", "中"])).all()


def test_int8_tables_give_nearly_what_torch_gives(tmp_path):
    import onnxruntime

    torch.manual_seed(0)
    vectors = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    vectors[static_model.PAD] = 0
    model = static_model.StaticModel(vectors, channels=6, num_labels=3, dropout=0.0).eval()
    static_model.write_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    ids, mask = np.array([[3, 4, 5, 6], [7, 8, 0, 0], [9, 0, 0, 0]]), np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    got = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    want = model(torch.tensor(ids), torch.tensor(mask)).detach().numpy()
    assert np.abs(got - want).max() < 0.02
    assert np.ptp(want, axis=0).min() > 0.1


def test_articles_that_repeat_held_out_ones_are_left_out():
    wire = "The ministry said on Monday that it would raise the duty on steel"
    rows = [
        {"id": "0", "article_id": "dev", "text": wire},
        {"id": "1", "article_id": "copy", "text": wire + " again"},
        {"id": "2", "article_id": "copy", "text": "Nothing else happened in the whole of the long day"},
        {"id": "3", "article_id": "other", "text": "A museum in the north opens at nine on most days of the week"},
    ]
    assert [row["id"] for row in static._without_repeats(rows, {"dev"})] == ["3"]
    assert static._without_repeats(rows, {"elsewhere"}) == rows


def test_fragments_are_made_of_the_words_given():
    texts = ["one two three four five six seven eight", "nine ten eleven twelve"]
    found = list(static._fragments(texts, 60, seed=1))
    assert len(found) == 60
    assert {word for text in found for word in text.split()} <= set(" ".join(texts).split())
    assert found == list(static._fragments(texts, 60, seed=1))
    assert list(static._fragments(texts, 60, seed=2)) != found


def test_a_teacher_with_other_labels_is_refused(settings, tmp_path):
    with pytest.raises(
        ConfigError, match=r"teacher toy@.* reads \['weather', 'economy'\], the data have \['economy', 'weather'\]"
    ):
        static.distil({**settings, "labels": ["economy", "weather"], "output": str(tmp_path / "run")})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": 0}, "dims and channels 1 or more"),
        ({"label_weight": 1.5}, "label_weight 0 to 1"),
        ({"fragment": 3}, "unknown key 'fragment'; did you mean 'fragments'"),
    ],
)
def test_settings_are_checked(settings, change, message):
    with pytest.raises(ConfigError, match=message):
        static.FastConfig.from_dict({**settings, **change})


def test_a_bad_file_of_soft_labels_is_named(settings, tmp_path):
    path = tmp_path / "soft.jsonl"
    path.write_text(json.dumps({"id": "u0", "scores": {"weather": 0.5}}) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"soft.jsonl:1: 'scores' must give a probability for each of weather, economy"):
        static.distil({**settings, "soft_labels": str(path), "output": str(tmp_path / "run")})
