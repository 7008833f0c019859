from __future__ import annotations

import json
import random

import pytest

from framelens.augmentation import swap_states, vary
from framelens.errors import DataError

from .conftest import write_jsonl


def test_variants_keep_to_their_article_and_are_repeatable(tmp_path):
    texts = [f"word{i} alpha beta gamma delta epsilon zeta eta theta iota" for i in range(6)]
    source = write_jsonl(tmp_path / "in.jsonl", [{"article_id": f"a{i // 3}", "text": t} for i, t in enumerate(texts)])
    assert vary(source, tmp_path / "one.jsonl", copies=3) == 18
    vary(source, tmp_path / "two.jsonl", copies=3)
    assert (tmp_path / "one.jsonl").read_text() == (tmp_path / "two.jsonl").read_text()
    rows = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert [row["article_id"] for row in rows] == ["a0"] * 9 + ["a1"] * 9
    assert any(row["text"] not in texts for row in rows)
    for row in rows:  # no word comes from another article
        own = {word for t, i in zip(texts, range(6), strict=True) if row["article_id"] == f"a{i // 3}" for word in t.split()}
        assert set(row["text"].split()) <= own


def test_short_sentences_are_left_alone(tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "It rained."}, {"text": "one two three four five six seven"}])
    assert vary(source, tmp_path / "out.jsonl", copies=2) == 2


def test_a_row_without_text_is_named(tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "fine"}, {"body": "no"}])
    with pytest.raises(DataError, match=r"in\.jsonl:2.*no text in column 'text'"):
        vary(source, tmp_path / "out.jsonl")


def test_states_are_swapped_alike_throughout():
    swapped = swap_states("Beijing said China and Chinese firms would not yield; the Chinese wait.", random.Random(3))
    from framelens.lexicon import countries

    country = next(c for c in countries() if c.seats and swapped.startswith(c.seats[0] + " "))
    assert country.name != "China"
    assert f"{country.name} and {country.people[0]} firms" in swapped
    assert "Chin" not in swapped


def test_an_article_goes_with_the_name_that_needed_it():
    swapped = swap_states("The United States and Canada met in the United States.", random.Random(1))
    assert not swapped.lower().startswith("the ")
    assert " in the " not in swapped


def test_a_text_without_states_is_not_swapped():
    assert swap_states("It rained on the harbour.", random.Random(1)) is None
