from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from framelens import CheckpointError, Classifier, CorpusError
from framelens.corpus import classify_corpus
from tests.corpora import article, assert_each_once, files_of, quarantined, write_articles

ray = pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")  # comes with accelerate


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine with two places for a worker, whatever the cores."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=10**8)
    yield
    ray.shutdown()


@pytest.fixture
def articles(tmp_path):
    """Two files and a text that no unit would part, and rows that are no article."""
    for name, numbers in (("in/1.jsonl", range(40)), ("in/2.jsonl", range(40, 60))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_articles(tmp_path / name, numbers)
    with (tmp_path / "in" / "2.jsonl").open("a") as stream:
        stream.write("{\n" + json.dumps({**article(60), "text": ""}) + "\n")
    (tmp_path / "in" / "3.csv").write_text("")
    return tmp_path / "in"


def test_row_for_row_the_result_of_one_process(cluster, articles, tmp_path, monkeypatch):
    """With the packaged model: a worker has one thread, the single process two; and several units at once."""
    monkeypatch.setattr("framelens.corpus.sources.UNIT_BYTES", 1)
    options = {"shard_size": 6, "carry": ["outlet"]}
    alone = classify_corpus(articles, tmp_path / "alone", threads=2, **options)
    result = classify_corpus(articles, tmp_path / "out", engine="ray", workers=2, **options)
    assert (
        (result.articles, result.sentences, result.unusable)
        == (alone.articles, alone.sentences, alone.unusable)
        == (60, 150, 3)
    )
    assert_each_once(tmp_path / "out", range(60))
    assert files_of(tmp_path / "out") == files_of(tmp_path / "alone")
    assert len(quarantined(tmp_path / "out")) == 3


def test_either_engine_goes_on_where_the_other_stopped(cluster, articles, tmp_path, words_checkpoint, monkeypatch):
    options = {"shard_size": 6, "model": words_checkpoint}
    classify_corpus(articles, tmp_path / "alone", **options)
    real, calls = Classifier.classify, []

    def classify(self, texts, **arguments):
        calls.append(texts)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return real(self, texts, **arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "classify", classify)
        with pytest.raises(KeyboardInterrupt):
            classify_corpus(articles, tmp_path / "out", **options)
    assert classify_corpus(articles, tmp_path / "out", engine="ray", **options).resumed == 3
    assert files_of(tmp_path / "out") == files_of(tmp_path / "alone")
    assert classify_corpus(articles, tmp_path / "out", engine="ray", **options).articles == 60


def test_a_worker_that_is_lost(cluster, words_checkpoint, tmp_path):
    """Two actors are killed while they are at work; Ray starts others, and each article is in the output once."""
    inputs = write_articles(tmp_path / "in.jsonl", range(600))
    options = {"shard_size": 2, "model": words_checkpoint}
    killed = []

    def kill() -> None:
        ledger, deadline = tmp_path / "out" / "shards.jsonl", time.monotonic() + 120
        for lines in (5, 60):
            while not ledger.exists() or len(ledger.read_bytes().splitlines()) < lines:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.01)
            workers = [p for p in psutil.process_iter(["cmdline"]) if _is_worker(p)]
            if workers:
                workers[0].kill()
                killed.append(workers[0].pid)

    thread = threading.Thread(target=kill)
    thread.start()
    result = classify_corpus(inputs, tmp_path / "out", engine="ray", workers=2, **options)
    thread.join()
    assert len(set(killed)) == 2
    assert result.articles == 600
    assert_each_once(tmp_path / "out", range(600))
    classify_corpus(inputs, tmp_path / "alone", **options)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "alone")


def _is_worker(process: psutil.Process) -> bool:
    """Whether this is an actor with a model, of the Ray that this test started."""
    command = " ".join(process.info["cmdline"] or ())
    return command.startswith("ray::") and "_Worker" in command and os.getpid() in {p.pid for p in process.parents()}


def test_what_a_worker_cannot_write_is_a_clear_error(cluster, articles, words_checkpoint, tmp_path, monkeypatch):
    """The data folder of the workers is a file: the error of the first one ends the run."""
    from framelens.corpus import output

    class Blocked(output.Output):
        def __init__(self, folder: Path, total_bytes: int) -> None:
            super().__init__(folder, total_bytes)
            (folder / "data").rmdir()
            (folder / "data").write_text("")

    monkeypatch.setattr(output, "Output", Blocked)
    with pytest.raises(CorpusError, match=r"out: .*; what is finished is kept: run the same command again to go on"):
        classify_corpus(articles, tmp_path / "out", engine="ray", model=words_checkpoint)
    with pytest.raises(CheckpointError):
        classify_corpus(articles, tmp_path / "other", engine="ray", model=tmp_path)
