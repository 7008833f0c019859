from __future__ import annotations

import csv
import json
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("sklearn")

from framelens import Columns, DataError, InputError, load_dataset, suggest
from framelens.cli import main
from framelens.labelling.sentences import read_sentences
from framelens.labelling.suggesting import choose, near_duplicates, uncertainty, words
from tests.conftest import toy_rows, write_jsonl


def labelled(count: int):
    return load_dataset(toy_rows()[:count], Columns(labels="labels"))


def test_margin_is_measured_from_the_threshold():
    scores = np.array([[0.3, 0.01], [0.5, 0.01], [0.9, 0.99]])
    unsure = uncertainty(scores, np.array([0.3, 0.5]), multi_label=True, measure="margin")
    assert unsure[0] == pytest.approx(1)
    assert unsure[0] > unsure[1] > unsure[2]
    entropy = uncertainty(np.array([[0.3, 0.5], [0.3, 0.01]]), np.array([0.3, 0.5]), multi_label=True)
    assert entropy[0] == pytest.approx(1)
    assert 0.5 < entropy[1] < 0.6  # one label on its threshold, one far off


def test_one_label_a_row():
    scores = np.array([[0.4, 0.4, 0.2], [0.9, 0.05, 0.05], [1 / 3, 1 / 3, 1 / 3]])
    margin = uncertainty(scores, np.full(3, 0.5), multi_label=False, measure="margin")
    assert margin[0] == pytest.approx(1)
    assert margin[1] < 0.2
    entropy = uncertainty(scores, np.full(3, 0.5), multi_label=False, measure="entropy")
    assert entropy[2] == pytest.approx(1)
    assert entropy[0] < 1


def test_the_choice_is_varied_and_keeps_to_the_cap():
    """Twenty copies of the most uncertain sentence do not push out the rest."""
    rows = np.zeros((40, 10))
    rows[:20, 0] = 1
    rows[np.arange(20, 40), 1 + np.arange(20) % 9] = 1
    unsure = np.r_[np.full(20, 0.9), np.full(20, 0.8)]
    groups = [f"a{i}" for i in range(40)]
    chosen = choose(unsure, rows, groups, 10)
    assert len(chosen) == 10
    assert sum(i < 20 for i in chosen) <= 2
    assert len({rows[i].argmax() for i in chosen}) == 10
    few = choose(unsure, rows, ["a"] * 20 + ["b"] * 20, 10, per_article=3)
    assert Counter("a" if i < 20 else "b" for i in few) == {"a": 3, "b": 3}


def test_labelled_sentences_are_left_out():
    pool = toy_rows()
    done = labelled(10)
    chosen = suggest(pool, 200, model=None, labelled=done, encoder="tfidf", per_article=4)
    assert not {s.id for s in chosen} & {s.id for s in done}
    assert all(0 <= s.uncertainty <= 1 for s in chosen)
    assert [s.uncertainty for s in chosen] == sorted((s.uncertainty for s in chosen), reverse=True)
    with pytest.raises(DataError, match="none of 80 sentences is left"):
        suggest(pool, 5, model=None, labelled=labelled(80), encoder="tfidf")
    with pytest.raises(InputError, match="labelled"):
        suggest(pool, 5, model=None)


def test_an_article_that_repeats_a_labelled_one_is_not_new():
    wire = "The harbour of Brenhaven stays shut until the storm has passed, its master said."
    rewrite = "The harbour of Brenhaven stays shut until the storm has passed, the master said."
    assert near_duplicates([words(wire)], [words(rewrite)])
    assert not near_duplicates([words(wire)], [words("The museum opens at nine and closes at five on most days.")])
    pool = [
        {"text": rewrite, "article_id": "b"},
        {"text": "Shares of the brewery rose by a tenth.", "article_id": "b"},
        {"text": "Her brother plays the cello in Antwerp.", "article_id": "c"},
        {"text": "A dog slept under the long table.", "article_id": "d"},
    ]
    rows = [
        {"text": wire, "article_id": "a", "labels": ["weather"]},
        {"text": "Profits fell.", "article_id": "a", "labels": []},
    ]
    done = load_dataset(rows, Columns(labels="labels"))
    chosen = suggest(pool, 4, model=None, labelled=done, encoder="tfidf", new_articles=True)
    assert {s.article_id for s in chosen} == {"c", "d"}


def test_sentences_know_their_neighbours():
    rows = [{"text": f"Sentence {i} here.", "article_id": "a" if i < 2 else "b"} for i in range(4)]
    first, second, third, _ = read_sentences(rows)
    assert (first.before, first.after) == ("", second.text)
    assert (second.before, second.after) == (first.text, "")
    assert third.before == ""
    assert len({s.id for s in read_sentences([*rows, rows[0]])}) == 4
    with pytest.raises(DataError, match=r"list:2: id 'x' again; it stands first at list:1"):
        read_sentences([{"id": "x", "text": "One."}, {"id": "x", "text": "Two."}])
    with pytest.raises(DataError, match="no text in column 'text': None; the columns are body"):
        read_sentences([{"body": "One."}])


def test_command_line(tmp_path):
    pool = write_jsonl(tmp_path / "pool.jsonl", toy_rows())
    done = write_jsonl(tmp_path / "done.jsonl", toy_rows()[:12])
    run = CliRunner().invoke
    options = ["suggest", str(pool), "--labelled", str(done), "--fit", "--encoder", "tfidf", "-n", "6"]
    assert run(main, options).stdout.startswith("6 sentences of")
    out = tmp_path / "next.jsonl"
    written = run(main, [*options, "-o", str(out)])
    assert written.exit_code == 0, written.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    again = read_sentences(out)
    assert [s.id for s in again] == [r["id"] for r in rows]
    assert [(s.before, s.after) for s in again] == [(r["before"], r["after"]) for r in rows]
    assert any(s.before for s in again)
    run(main, [*options, "-o", str(tmp_path / "next.csv")])
    with (tmp_path / "next.csv").open() as stream:
        assert [r["id"] for r in csv.DictReader(stream)] == [r["id"] for r in rows]
    default = run(main, ["suggest", str(pool), "--encoder", "tfidf", "-n", "3", "--json"])
    assert set(json.loads(default.stdout.splitlines()[0])["scores"]) == {
        "security_threat",
        "protectionism",
        "cooperation_appeal",
    }
    assert run(main, ["suggest", str(pool), "--fit"]).exit_code == 2
