from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("cleanlab")

from framelens import Columns, DataError, audit, load_dataset
from framelens.cli import main
from framelens.labelling.auditing import rank_labels
from framelens.labelling.embedding import fit_predict, out_of_fold
from tests.conftest import toy_rows, write_jsonl

SWAPPED, DROPPED = "3-0", "7-2"  # labelled economy instead of weather; weather taken away


def damaged_rows() -> list[dict[str, object]]:
    rows = toy_rows()
    for row in rows:
        if row["id"] == SWAPPED:
            row["labels"] = ["economy"]
        if row["id"] == DROPPED:
            row["labels"] = ["economy"]
    return rows


@pytest.fixture
def damaged(tmp_path):
    return write_jsonl(tmp_path / "damaged.jsonl", damaged_rows())


def test_planted_errors_come_first_with_what_they_should_be(damaged):
    result = audit(damaged, encoder="tfidf")
    first = {s.id: s for s in result.suspects[:2]}
    assert set(first) == {SWAPPED, DROPPED}
    assert set(first[SWAPPED].suggested) == {"weather"}
    assert set(first[DROPPED].suggested) == {"economy", "weather"}
    assert first[SWAPPED].likely
    assert first[SWAPPED].where == f"{damaged}:13"
    assert len(result.suspects) == 80
    assert [s.score for s in result.suspects] == sorted(s.score for s in result.suspects)


def test_one_label_a_row():
    rows = [{"text": r["text"], "article_id": r["article_id"], "id": r["id"], "frame": (r["labels"] or ["none"])[0]} for r in toy_rows()]  # type: ignore[index]  # fmt: skip
    rows = [r for r in rows if not str(r["id"]).endswith("-2")]
    rows[0]["frame"] = "economy"
    result = audit(rows, Columns(label="frame"), encoder="tfidf")
    assert result.suspects[0].id == "0-0"
    assert result.suspects[0].suggested == ("weather",)


def test_a_single_label_that_may_be_absent():
    rows = [{**r, "labels": [x for x in r["labels"] if x == "weather"]} for r in toy_rows()]  # type: ignore[attr-defined]
    rows[0]["labels"] = []
    result = audit(rows, Columns(labels="labels"), encoder="tfidf")
    assert result.suspects[0].id == "0-0"
    assert result.suspects[0].suggested == ("weather",)


def test_a_checkpoint_gives_the_probabilities():
    rows = [
        {"text": "The ministry called the tariffs illegal.", "frames": []},
        {"text": "It rained in Lisbon.", "frames": []},
        {"text": "Both sides agreed to keep talking.", "frames": ["cooperation_appeal"]},
        {"text": "New tariffs on steel shield the home market.", "frames": ["protectionism"]},
    ]
    result = audit(rows, Columns(labels="frames"), model="default")
    assert result.suspects[0].text == rows[0]["text"]
    assert result.suspects[0].suggested == ("protectionism",)
    with pytest.raises(DataError, match=r"labels that \S+@\w+ does not: sport"):
        audit([{"text": "They won.", "frames": ["sport"]}], Columns(labels="frames"), model="default")


def test_no_sentence_is_judged_by_its_own_article():
    """The label is the article's own word: only a fold that holds the article could know it."""
    rng = np.random.default_rng(0)
    groups = [f"a{i // 4}" for i in range(80)]
    truth = np.repeat(rng.integers(0, 2, 20), 4)[:, None]
    identity = np.kron(np.eye(20), np.ones((4, 1)))
    held_out = out_of_fold(identity, truth, groups, multi_label=True)[:, 0]
    seen = fit_predict(identity, truth, identity, multi_label=True)[:, 0]
    assert ((seen > 0.5) == truth[:, 0]).all()
    assert len(np.unique(np.round(held_out, 6))) <= 5  # one constant a fold


def test_one_article_is_too_few():
    with pytest.raises(DataError, match="one article"):
        audit([{**row, "article_id": "a"} for row in toy_rows()], Columns(labels="labels"), encoder="tfidf")


def test_labels_that_fit_are_not_suspected():
    data = load_dataset(toy_rows(), Columns(labels="labels"))
    scores = np.where(np.array(data.matrix()) == 1, 0.95, 0.05)
    assert rank_labels(data, scores).likely == ()


def test_command_line(damaged, tmp_path):
    run = CliRunner().invoke
    table = run(main, ["audit", str(damaged), "--encoder", "tfidf", "--limit", "3"])
    assert table.exit_code == 0, table.output
    assert "of 80 sentences have labels that are likely wrong (out of 5 folds)" in table.stdout
    lines = run(main, ["audit", str(damaged), "--encoder", "tfidf", "--json"]).stdout.splitlines()
    first = json.loads(lines[0])
    assert (len(lines), first["rank"], first["file"]) == (80, 1, str(damaged))
    assert first["row"] in (13, 31)
    rows = list(csv.DictReader(io.StringIO(run(main, ["audit", str(damaged), "--encoder", "tfidf", "--csv"]).stdout)))
    assert rows[0]["text"] == first["text"]
    missing = run(main, ["audit", str(tmp_path / "none.csv")])
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
