from __future__ import annotations

import numpy as np
import pytest

from framelens import Classifier, ConfigError
from tests.conftest import toy_rows, toy_settings, write_jsonl

torch = pytest.importorskip("torch")
static = pytest.importorskip("framelens.static")
static_model = pytest.importorskip("framelens.static_model")


@pytest.fixture(scope="module")
def settings(toy_classifier, tiny_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fast")
    parts = {f"a{i}": "train" if i < 12 else "dev" if i < 16 else "test" for i in range(20)}
    labelled = write_jsonl(folder / "rows.jsonl", [{**row, "split": parts[str(row["article_id"])]} for row in toy_rows()])
    texts = [f"{row['text']} Then {row['text']}" for row in toy_rows()]
    soft = [
        {
            "article_id": f"unlabelled {i // 4}",
            "text": text,
            "scores": dict(zip(toy_classifier.labels.labels, scores, strict=True)),
        }
        for i, (text, scores) in enumerate(zip(texts, toy_classifier.scores(texts).tolist(), strict=True))
    ]
    base = toy_settings(tiny_base, labelled, folder / "run")
    return {
        **base,
        "name": "toy-fast",
        "data": [
            *base["data"],
            {"path": str(write_jsonl(folder / "soft.jsonl", soft)), "scores": "scores", "as_split": "train"},
        ],
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
    assert "| channels | 8 |" in (fast_run.checkpoint / "README.md").read_text(encoding="utf-8")


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": 0}, "dims and channels must be 1 or more"),
        ({"chanels": 3}, "unknown key 'chanels'; did you mean 'channels'"),
        ({"data": [{"path": "rows.csv", "label": "frame"}]}, "a fast checkpoint reads frames only"),
    ],
)
def test_settings_are_checked(settings, change, message):
    with pytest.raises(ConfigError, match=message):
        static.FastConfig.from_dict({**settings, **change})
