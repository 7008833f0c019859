from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from framelens import InputError
from framelens.checkpoint import open_checkpoint
from framelens.engine import Engine
from tests.conftest import toy_rows

TEXTS = [str(row["text"]) for row in toy_rows()]


@pytest.fixture(scope="module")
def engine(toy_run):
    return Engine(open_checkpoint(toy_run.checkpoint), threads=1)


def test_rows_come_in_the_order_of_the_sentences(engine):
    together = engine.logits(TEXTS)
    alone = np.concatenate([engine.logits([text]) for text in TEXTS])
    assert together.shape == (80, 2)
    # int8 activations are scaled per batch, so a batch differs a little from single sentences
    assert np.abs(together - alone).max() < 0.15
    assert (together.argmax(axis=1) == alone.argmax(axis=1)).mean() > 0.97


def test_the_number_of_threads_changes_nothing_but_the_time(engine, toy_run, monkeypatch):
    several = Engine(open_checkpoint(toy_run.checkpoint), threads=3)
    running, most, lock = 0, 0, threading.Lock()
    run = several._session.run

    def counted(*arguments):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        try:
            return run(*arguments)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(several, "_session", SimpleNamespace(run=counted))
    texts = [f"{text} and {n}" for n in range(12) for text in TEXTS]
    with ThreadPoolExecutor(2) as callers:
        one, other = callers.map(several.logits, [texts, texts])
    assert np.array_equal(one, engine.logits(texts))
    assert np.array_equal(one, other)
    assert most == 3


def test_an_error_in_one_batch_is_raised(toy_run, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    several = Engine(open_checkpoint(toy_run.checkpoint), threads=2)
    monkeypatch.setattr(several, "_session", SimpleNamespace(run=fail))
    with pytest.raises(RuntimeError, match="out of memory"):
        several.logits([f"{text} {n}" for n in range(20) for text in TEXTS])


def test_int8_gives_nearly_what_torch_gives(engine, toy_run, tiny_base):
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    from framelens.modeling import FrameModel, load_base

    encoder, _ = load_base(str(tiny_base))
    model = FrameModel(encoder, 2).eval()
    state = {k: v.float() for k, v in load_file(toy_run.checkpoint / "model.safetensors").items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert set(missing) <= {"loss.pos_weight"}
    batch = AutoTokenizer.from_pretrained(tiny_base)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        want = model(batch["input_ids"], batch["attention_mask"])["logits"].numpy()
    got = engine.logits(TEXTS)
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.99


def test_equal_sentences_are_computed_once(engine):
    calls: list[int] = []
    logits = engine.logits(["rain fell"] * 50 + ["shares fell"], progress=calls.append)
    assert np.array_equal(logits[0], logits[49])
    assert sum(calls) == 51
    assert calls[0] == 2


def test_a_long_sentence_is_read_in_windows_and_keeps_the_strongest(engine):
    filler = "the museum opens at nine and " * 40
    quiet, loud = engine.logits([filler, filler + "heavy rain fell and the river rose after a storm. " * 3 + filler])
    assert np.isfinite(loud).all()
    assert loud[0] > quiet[0]


def test_nothing_and_odd_characters(engine):
    assert engine.logits([]).shape == (0, 2)
    assert np.isfinite(engine.logits(["", "\x00", "中", "👩‍🚀", "\ud800".encode("utf-8", "replace").decode()])).all()


@pytest.mark.parametrize("batch_tokens", [1, 16, 100_000])
def test_any_batch_size_gives_the_same_decisions(engine, batch_tokens):
    assert np.abs(engine.logits(TEXTS, batch_tokens) - engine.logits(TEXTS)).max() < 0.15


def test_options_are_checked(toy_run, engine):
    checkpoint = open_checkpoint(toy_run.checkpoint)
    with pytest.raises(InputError, match="device 'tpu' is not available; here: cpu"):
        Engine(checkpoint, device="tpu")
    with pytest.raises(InputError, match="threads must be 1 or more; received 0"):
        Engine(checkpoint, threads=0)
    with pytest.raises(InputError, match="batch_tokens must be 1 or more"):
        engine.logits(["a"], batch_tokens=0)
