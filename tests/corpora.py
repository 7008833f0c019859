"""Small corpora for the tests, a checkpoint that reads them in no time, and the count of what came out of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from framelens import LabelSet
from framelens.checkpoint import LABELS, ONNX, TOKENIZER, write_json, write_manifest
from tests.conftest import MONEY, PLAIN, RAIN, write_jsonl

LABEL_SET = LabelSet(("weather", "economy"))
OUTLETS = ("Gazette", "Courier", "Herald")


def write_checkpoint(folder: Path) -> Path:
    """A checkpoint whose logit of a label is the number of its words in the sentence, less one half."""
    folder.mkdir(parents=True)
    words = sorted({word for sentence in (*RAIN, *MONEY, *PLAIN) for word in sentence.split()})
    vocabulary = {"[UNK]": 0, **{word: i for i, word in enumerate(words, start=1)}}
    weights = np.zeros((len(vocabulary), 2), dtype=np.float32)
    for column, sentences in enumerate((RAIN, MONEY)):
        others = {word for other in (RAIN, MONEY, PLAIN) if other is not sentences for s in other for word in s.split()}
        for word in {word for s in sentences for word in s.split()} - others:
            weights[vocabulary[word], column] = 1
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Mul", ["words", "mask3"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "middle"], ["sums"], keepdims=0),
        helper.make_node("Sub", ["sums", "half"], ["logits"]),
    ]
    constants = {"weights": weights, "last": np.array([2]), "middle": np.array([1]), "half": np.array(0.5, dtype=np.float32)}
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 2])
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "words", inputs, [output], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / ONNX)
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / TOKENIZER))
    write_json(folder / LABELS, LABEL_SET.to_dict())
    write_manifest(folder, {"name": "words", "max_length": 64})
    return folder


def article(number: int) -> dict[str, object]:
    """An article of one to four sentences, none like another article's."""
    sentences = [RAIN[number % 4], MONEY[number // 4 % 4], PLAIN[number // 16 % 4], RAIN[(number + 1) % 4]]
    text = " ".join(f"On day {number} {sentence}." for sentence in sentences[: 1 + number % 4])
    date = f"2024-{1 + number % 12:02}-11"
    return {"id": f"a{number}", "outlet": OUTLETS[number % 3], "date": date, "text": text}


def write_articles(path: Path, numbers: Iterable[int]) -> Path:
    return write_jsonl(path, [article(number) for number in numbers])


def sentences_of(folder: Path) -> list[dict[str, object]]:
    """All rows of a run, in the order of its input."""
    return [row for path in sorted((folder / "data").rglob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]


def quarantined(folder: Path) -> list[dict[str, object]]:
    path = folder / "quarantine.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def assert_each_once(folder: Path, numbers: Iterable[int]) -> None:
    """Each of these articles is in the output with each of its sentences, once, and nothing else is."""
    found = sorted((str(row["article_id"]), row["sentence"]) for row in sentences_of(folder))
    assert found == sorted((f"a{number}", sentence) for number in numbers for sentence in range(1 + number % 4))


def files_of(folder: Path) -> dict[str, bytes]:
    """Name and content of the files of a run that readers see."""
    data = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted((folder / "data").rglob("*.parquet"))}
    quarantine = folder / "quarantine.jsonl"
    return {**data, "quarantine": quarantine.read_bytes() if quarantine.exists() else b""}
