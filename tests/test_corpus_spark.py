"""The recipe of docs/corpus.md in Spark's local mode, row for row against ``classify_corpus``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from framelens.corpus import classify_corpus
from tests.corpora import sentences_of, write_articles

pyspark = pytest.importorskip("pyspark")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "10",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.memory": "1g",
    }
    builder = SparkSession.builder.master("local[1]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.parametrize("model", ["words", "default"])
def test_the_recipe_gives_the_rows_of_one_process(spark, words_checkpoint, tmp_path, monkeypatch, model):
    inputs = write_articles(tmp_path / "in.jsonl", range(25))
    checkpoint = str(words_checkpoint) if model == "words" else model
    classify_corpus(inputs, tmp_path / "out", model=checkpoint, shard_size=10, carry=["outlet"], threads=1)
    page = (Path(__file__).parents[1] / "docs" / "corpus.md").read_text()
    (recipe,) = (block.split("```")[0] for block in page.split("```python\n")[1:] if "pandas_udf" in block)
    monkeypatch.setenv("FRAMELENS_MODEL", checkpoint)
    names: dict[str, object] = {"__name__": "__main__"}  # so that Spark sends the functions by value
    exec(recipe, names)
    found = names["classify_table"](spark.read.json(str(inputs)))  # type: ignore[operator]
    rows = [row.asDict(recursive=True) for row in found.collect()]
    expected = sentences_of(tmp_path / "out")
    assert len(rows) == len(expected) > 25
    for row, wanted in zip(rows, expected, strict=True):
        for column in ("article_id", "outlet", "sentence", "start", "end", "text", "frame", "frames", "source", "stances"):
            assert row[column] == wanted[column], column
        for label, score in row["scores"].items():
            assert score == pytest.approx(wanted[f"score_{label}"], abs=1e-6)
