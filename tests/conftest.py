"""Fixtures shared by the tests: a tiny encoder, a small labelled data set of our own, and a run trained on both."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Two labels that a bag of words can tell apart, so that a tiny model learns them in seconds; 20 articles of four sentences.
RAIN = [
    "rain fell on the harbour",
    "a storm closed the coast road",
    "the river rose after heavy rain",
    "snow is forecast for the hills",
]
MONEY = [
    "the bank raised its rates",
    "shares of the firm fell",
    "profits rose in the quarter",
    "the budget passed by two votes",
]
PLAIN = [
    "the museum opens at nine",
    "her brother plays the cello",
    "they painted the door green",
    "a dog slept under the table",
]


def toy_rows() -> list[dict[str, object]]:
    """80 rows with labels, article and id."""
    rows: list[dict[str, object]] = []
    for article in range(20):
        picks = [
            (RAIN[article % 4], ["weather"]),
            (MONEY[(article * 3) % 4], ["economy"]),
            (f"{RAIN[(article + 1) % 4]} and {MONEY[article % 4]}", ["weather", "economy"]),
            (PLAIN[(article * 5) % 4], []),
        ]
        for number, (text, labels) in enumerate(picks):
            rows.append(
                {
                    "id": f"{article}-{number}",
                    "article_id": f"a{article}",
                    "text": f"On day {article} {text}.",
                    "labels": labels,
                }
            )
    return rows


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def toy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("data") / "toy.jsonl", toy_rows())


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights and a vocabulary of the toy sentences."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = sorted({w for row in toy_rows() for w in str(row["text"]).lower().rstrip(".").split()})
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789.")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys([*words, *letters, *(f"##{c}" for c in letters)])]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def toy_settings(base: Path, data: Path, output: Path) -> dict[str, object]:
    """A configuration that trains in seconds."""
    return {
        "name": "toy",
        "data": [{"path": str(data), "labels": "labels"}],
        "labels": {"weather": "rain and the like", "economy": "money"},
        "output": str(output),
        "split": {"dev": 0.2, "test": 0.2},
        "model": {"base": str(base), "max_length": 32},
        "optimisation": {"epochs": 20, "patience": 20, "batch_size": 8, "learning_rate": 3e-3, "head_learning_rate": 1e-2},
    }


@pytest.fixture(scope="session")
def toy_run(tiny_base: Path, toy_file: Path, tmp_path_factory: pytest.TempPathFactory):
    """A finished training run on the toy data."""
    from framelens import train

    return train(toy_settings(tiny_base, toy_file, tmp_path_factory.mktemp("run") / "toy"), progress=False)


@pytest.fixture(scope="session")
def toy_classifier(toy_run):
    from framelens import Classifier

    return Classifier.load(toy_run.checkpoint)


@pytest.fixture(scope="session")
def words_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that counts words, made in no time; for tests of what is around the model."""
    from tests.corpora import write_checkpoint

    return write_checkpoint(tmp_path_factory.mktemp("models") / "words")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
