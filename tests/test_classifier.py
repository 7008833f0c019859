from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from framelens import Classifier, Document, InputError, LabelSet
from framelens.classifier import probabilities

TEXT = "Storm closes the coast road\nShares of the firm fell. A dog slept under the table."


def test_one_text_gives_a_document_with_exact_offsets(toy_classifier):
    document = toy_classifier.classify(TEXT)
    assert isinstance(document, Document)
    assert [s.text for s in document.sentences] == [
        "Storm closes the coast road",
        "Shares of the firm fell.",
        "A dog slept under the table.",
    ]
    for sentence in document.sentences:
        assert TEXT[sentence.start : sentence.end] == sentence.text
        assert set(sentence.scores) == {"weather", "economy"}
        assert all(0 <= score <= 1 for score in sentence.scores.values())
        assert sentence.frame == (sentence.frames[0] if sentence.frames else None)
    assert document.labels == ("weather", "economy")
    assert document.model == toy_classifier.name
    assert document.sentences[1].frame == "economy"


@pytest.mark.parametrize("make", [list, tuple, iter, lambda x: (t for t in x), lambda x: __import__("pandas").Series(x)])
def test_many_texts_give_a_list_in_order(toy_classifier, make):
    texts = [TEXT, "", "Rain fell."]
    documents = toy_classifier.classify(make(texts))
    assert [d.text for d in documents] == texts
    assert [len(d) for d in documents] == [3, 0, 1]


def test_blocks_read_side_by_side_come_in_order(toy_classifier, monkeypatch):
    texts = [f"On day {n} the river rose. {'Shares fell.' if n % 2 else ''}" for n in range(40)] + [""]
    whole = toy_classifier.classify(texts)
    monkeypatch.setattr("framelens.classifier._BLOCK", 5)
    monkeypatch.setattr(toy_classifier, "threads", 2)
    parted = toy_classifier.classify(texts)
    assert [d.text for d in parted] == texts
    assert [[s.frames for s in d.sentences] for d in parted] == [[s.frames for s in d.sentences] for d in whole]
    for one, other in zip(parted, whole, strict=True):
        for a, b in zip(one.sentences, other.sentences, strict=True):
            assert a.scores == pytest.approx(b.scores, abs=0.05)  # int8 takes its range from the batch


def test_an_error_in_one_block_is_raised_and_the_rest_given_up(toy_classifier, monkeypatch):
    read = []

    def fail(self, block, *rest):
        read.append(block[0][0])
        raise RuntimeError("out of paper")

    monkeypatch.setattr("framelens.classifier._BLOCK", 1)
    monkeypatch.setattr(toy_classifier, "threads", 2)
    monkeypatch.setattr(type(toy_classifier), "_read", fail)
    with pytest.raises(RuntimeError, match="out of paper"):
        toy_classifier.classify([f"Rain fell on day {n}." for n in range(500)])
    assert len(read) < 500


@pytest.mark.parametrize("text", ["", " \n ", "\x00\x00", "a", ".", "中文新闻。第二句。", "👍 🎉", "\ufeff", "word " * 5000])
def test_odd_texts_give_a_sound_document(toy_classifier, text):
    document = toy_classifier.classify(text)
    assert all(document.text[s.start : s.end] == s.text for s in document.sentences)
    assert Document.from_json(document.to_json()) == document


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", None], r"text 1 of 2 is None \(NoneType\); accepted: a str, or an iterable of str"),
        (["a", 3.5], r"text 1 of 2 is 3.5 \(float\)"),
        ("ab\ud800", r"text 0 of 1 has half a surrogate pair \('\\ud800'\) at character 2"),
        (None, "received NoneType; accepted"),
        (b"bytes", "received bytes; decode it first"),
        ({"a": "b"}, "received dict"),
        (7, "received int"),
    ],
)
def test_what_is_no_text_is_refused(toy_classifier, texts, message):
    with pytest.raises(InputError, match=message):
        toy_classifier.classify(texts)


def test_targets_need_a_stance_head(toy_classifier):
    with pytest.warns(UserWarning, match="has no stance head: targets are ignored"):
        document = toy_classifier.classify("Rain fell.", targets=["China"], batch_tokens=64, progress=True)
    assert document.sentences[0].stances == ()


def test_progress_goes_to_stderr(toy_classifier, capsys):
    toy_classifier.classify([TEXT] * 3, progress=True)
    assert capsys.readouterr().out == ""


def test_threads_share_a_classifier(toy_classifier):
    texts = [f"On day {i} heavy rain fell. Shares fell." for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(toy_classifier.classify, texts))
    assert threaded == [toy_classifier.classify(text) for text in texts]


def test_probabilities():
    labels = LabelSet(("a", "b"), calibration={"a": (2.0, 1.0)})
    assert probabilities(np.array([[0.0, 0.0]]), labels)[0] == pytest.approx([1 / (1 + np.e**-1), 0.5])
    assert np.isfinite(probabilities(np.array([[1e9, -1e9]]), labels)).all()
    single = LabelSet(("a", "b"), multi_label=False, calibration={"*": (0.5, 0.0)})
    assert probabilities(np.array([[2.0, 0.0]]), single)[0] == pytest.approx([np.e / (1 + np.e), 1 / (1 + np.e)])
    assert probabilities(np.empty((0, 2)), single).shape == (0, 2)


def test_inference_imports_neither_torch_nor_transformers(toy_run):
    code = f"""
import sys
from framelens import Classifier
assert not [m for m in ("numpy", "onnxruntime", "tokenizers") if m in sys.modules], "work at import time"
Classifier.load({str(toy_run.checkpoint)!r}).classify("Rain fell.")
heavy = {{"torch", "transformers", "datasets", "sklearn", "pandas", "evaluate"}} & set(sys.modules)
assert not heavy, heavy
"""
    source = code.replace("from framelens import Classifier\n", "import framelens\n", 1).replace(
        "Classifier.load", "framelens.Classifier.load"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_the_default_checkpoint_reads_three_plain_cases():
    classifier = Classifier.load()
    document = classifier.classify(
        "Officials warned that the firm's antennas could let a foreign army listen in on the naval base. "
        "Parliament doubled the import duty on cement to keep two failing kilns alive. "
        "Both governments promised to settle the quarrel over sardines through patient talks and mutual respect. "
        "The singer cancelled her concert because of a cold."
    )
    assert [s.frame for s in document.sentences] == ["security_threat", "protectionism", "cooperation_appeal", None]


SPEAKERS = """Ministry answers chip curbs

The Foreign Ministry on Tuesday accused Washington of turning trade into a weapon. "The United States is abusing export controls to hold
down Chinese firms," ministry spokeswoman Lin Wei told reporters. "This harms everyone."

She said Beijing was ready for talks. Lin added that dialogue was the only way forward.

In London, Trade Secretary Anna Pell called Huawei a risk to national security. Pell said the ban would stay.
"""


def test_the_default_model_says_who_speaks_and_toward_whom():
    document = Classifier.load().classify(SPEAKERS)
    names = {s.text[:20]: s.source.name for s in document.sentences if s.source}
    assert names["She said Beijing was"] == "Lin Wei"
    assert names["Lin added that dialo"] == "Lin Wei"
    assert names["Pell said the ban wo"] == "Anna Pell"
    for sentence in document.sentences:
        spans = [x.target for x in sentence.stances] + ([sentence.source] if sentence.source else [])
        assert all(SPEAKERS[span.start : span.end] == span.text for span in spans)
        assert all(1 / 3 <= x.score <= 1 for x in sentence.stances)
    (accused,) = [s for s in document.sentences if "abusing" in s.text]
    assert {x.target.name: x.label for x in accused.stances}["United States"] == "against"
    rows = {row["source"]: row for row in document.by_source()}
    assert len(rows["Lin Wei"]["sentences"]) >= 3


def test_only_the_targets_of_the_caller_are_judged():
    document = Classifier.load().classify(SPEAKERS, targets={"China": [], "vendor": ["Huawei"]})
    assert {x.target.name for s in document.sentences for x in s.stances} == {"China", "vendor"}
    assert {x.target.text for s in document.sentences for x in s.stances} == {"Chinese", "Beijing", "Huawei"}
