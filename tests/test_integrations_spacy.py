from __future__ import annotations

import pytest

from framelens import CheckpointError, classify

pytest.importorskip("spacy")
import spacy
from spacy.tokens import Doc

import framelens.integrations.spacy  # noqa: F401  # as its entry point does in an installed package

TEXT = "Both sides agreed to keep talking. It rained.\n\nThe duty shuts foreign mills out of the market, Ms. Aune said."


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("framelens", config={"threads": 1})
    return nlp


def test_spans_are_those_of_classify(nlp):
    doc, document = nlp(TEXT), classify(TEXT)
    want = [(s.start, s.end, frame) for s in document.sentences for frame in s.frames]
    assert want
    assert [(s.start_char, s.end_char, s.label_) for s in doc.spans["framelens"]] == want
    assert doc._.framelens == document
    assert doc.text == TEXT


def test_any_span_knows_its_sentence(nlp):
    doc = nlp(TEXT)
    name = doc.char_span(TEXT.index("Aune"), TEXT.index("Aune") + 4)
    assert name._.framelens.text.startswith("The duty shuts")
    assert name._.framelens.scores == doc._.framelens.sentences[-1].scores
    plain = spacy.blank("en")("Rain fell.")
    assert plain._.framelens is None
    assert plain[:1]._.framelens is None


def test_a_stream_in_order_and_in_processes(nlp):
    texts = [f"Report {i}. Both sides agreed to keep talking." for i in range(5)] + [""]
    alone = [[s.label_ for s in doc.spans["framelens"]] for doc in nlp.pipe(texts, batch_size=2)]
    apart = [[s.label_ for s in doc.spans["framelens"]] for doc in nlp.pipe(texts, batch_size=2, n_process=2)]
    assert alone == apart
    assert alone[-1] == []
    assert all(alone[:-1])


def test_documents_and_pipelines_are_kept(nlp, tmp_path):
    doc = nlp(TEXT)
    again = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    assert again._.framelens == doc._.framelens
    assert [s.label_ for s in again.spans["framelens"]] == [s.label_ for s in doc.spans["framelens"]]
    nlp.to_disk(tmp_path / "pipeline")
    assert spacy.load(tmp_path / "pipeline")(TEXT)._.framelens == doc._.framelens


def test_another_model_and_key(toy_run):
    nlp = spacy.blank("en")
    nlp.add_pipe("framelens", config={"model": str(toy_run.checkpoint), "spans_key": "topics", "threads": 1})
    doc = nlp("Rain fell on the harbour.")
    assert [s.label_ for s in doc.spans["topics"]] == ["weather"]
    assert "framelens" not in doc.spans
    with pytest.raises(CheckpointError, match="no checkpoint 'nowhere'"):
        spacy.blank("en").add_pipe("framelens", config={"model": "nowhere"})


def test_the_entry_point_is_declared():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    module, name = project["entry-points"]["spacy_factories"]["framelens"].split(":")
    assert callable(getattr(__import__(module, fromlist=[name]), name))
