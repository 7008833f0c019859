from __future__ import annotations

import json
import re

import pytest

from framelens import Document, InputError, LabelSet, Sentence, Span, Stance, frame_shares

TEXT = "Steel talks resume, Berlin said. Prices fell."
FIRST = Sentence(
    "Steel talks resume, Berlin said.",
    0,
    32,
    "cooperation",
    ("cooperation", "trade"),
    {"trade": 0.6, "cooperation": 0.9},
    Span("Berlin", 20, 26),
    (Stance(Span("Steel talks", 0, 11), "favor", 0.8),),
)
SECOND = Sentence("Prices fell.", 33, 45, None, (), {"trade": 0.2, "cooperation": 0.1})
DOCUMENT = Document(TEXT, (FIRST, SECOND), ("trade", "cooperation"), "toy@1234")


def test_json_round_trip():
    assert Document.from_json(DOCUMENT.to_json()) == DOCUMENT
    assert Document.from_dict(json.loads(json.dumps(DOCUMENT.to_dict()))) == DOCUMENT


def test_frame_shares():
    assert DOCUMENT.frame_shares() == {"trade": 0.5, "cooperation": 0.5}
    assert DOCUMENT.frame_shares(primary=True) == {"trade": 0.0, "cooperation": 0.5, "none": 0.5}
    assert Document("", (), ("trade",)).frame_shares() == {"trade": 0.0}
    one = Document("x", (SECOND,), ("trade", "cooperation"))
    assert frame_shares([DOCUMENT, one])["trade"] == pytest.approx(1 / 3)


def test_by_source():
    quoted, author = DOCUMENT.by_source()
    assert quoted == {
        "source": "Berlin",
        "sentences": [0],
        "frames": {"cooperation": 1, "trade": 1},
        "stances": {"Steel talks": {"favor": 1}},
    }
    assert author == {"source": "(author)", "sentences": [1], "frames": {}, "stances": {}}


def test_to_pandas():
    frame = DOCUMENT.to_pandas()
    assert frame["frame"][0] == "cooperation"
    assert frame["frame"].isna().tolist() == [False, True]
    assert frame["score_trade"].tolist() == [0.6, 0.2]
    assert frame.loc[0, "frames"] == "cooperation;trade"


def test_html_escapes_the_text_and_shows_every_sentence():
    text = "<script>alert(1)</script> said Berlin & Co."
    sentence = Sentence(text, 0, len(text), "trade", ("trade",), {"trade": 0.9}, Span("<script>", 0, 8))
    page = Document(text, (sentence,), ("trade",))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert re.search(r"trade\b.*100%", page)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": None}, "field 'text' must be str; received None"),
        ({"sentences": [{}]}, "field 'text'"),
        ({"text": "other"}, "is not 'Steel talks resume"),
        ({"sentences": [{"text": "a", "start": "0", "end": 1}]}, "field 'start' must be int; received '0'"),
        ({"sentences": [{"text": "a", "start": True, "end": 1}]}, "field 'start' must be int; received True"),
    ],
)
def test_a_broken_document_says_what_is_wrong(change, message):
    with pytest.raises(InputError, match=message):
        Document.from_dict({**DOCUMENT.to_dict(), **change})


def test_spans_and_stances_are_checked():
    with pytest.raises(InputError, match="3 characters cannot stand at 0:2"):
        Span("abc", 0, 2)
    with pytest.raises(InputError, match="accepted: favor, against, neutral"):
        Stance(Span("a", 0, 1), "pro", 0.5)  # type: ignore[arg-type]


def test_label_set_selects_by_threshold_and_strength():
    labels = LabelSet(("a", "b", "c"), thresholds={"a": 0.3, "b": 0.7})
    assert labels.select([0.35, 0.69, 0.5]) == ("c", "a")
    assert labels.select([0.0, 0.0, 0.0]) == ()
    assert LabelSet.from_dict(labels.to_dict()) == labels


def test_label_set_of_one_label_a_sentence():
    labels = LabelSet(("a", "b", "none"), multi_label=False, none_label="none")
    assert labels.select([0.2, 0.5, 0.3]) == ("b",)
    assert labels.select([0.2, 0.3, 0.5]) == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": (), "multi_label": False}, "at least one"),
        ({"labels": ("a", "a")}, "distinct"),
        ({"labels": ("a", " ")}, "non-empty"),
        ({"labels": ("a", "none")}, "cannot be a label"),
        ({"labels": ("a",), "thresholds": {"b": 0.5}}, "unknown label 'b'"),
        ({"labels": ("a",), "thresholds": {"a": 1.0}}, "above 0 and below 1"),
    ],
)
def test_label_set_is_checked(fields, message):
    with pytest.raises(InputError, match=message):
        LabelSet(**fields)
