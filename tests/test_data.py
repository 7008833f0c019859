from __future__ import annotations

import hashlib
import json

import pytest

from framelens import Columns, DataError, load_dataset
from framelens.data import count_labels, split_by_article
from tests.conftest import toy_rows, write_jsonl

MULTI = Columns(labels="labels")


def test_jsonl_csv_tsv_parquet_and_datasets_give_the_same(tmp_path, toy_file):
    import csv

    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset

    rows = toy_rows()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "toy.parquet")
    for name, delimiter in (("toy.csv", ","), ("toy.tsv", "\t")):
        with (tmp_path / name).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows({**row, "labels": ";".join(row["labels"])} for row in rows)  # type: ignore[arg-type]
    sources = [toy_file, tmp_path / "toy.csv", tmp_path / "toy.tsv", tmp_path / "toy.parquet", Dataset.from_list(rows), rows]
    loaded = [load_dataset(source, MULTI) for source in sources]
    facts = [[(s.text, s.labels, s.id, s.article_id, s.primary) for s in data] for data in loaded]
    assert all(fact == facts[0] for fact in facts)
    assert loaded[0].labels == ("economy", "weather")
    assert count_labels(loaded[0]) == {"economy": 40, "weather": 40, "none": 20}
    assert loaded[1].sentences[0].where == f"{tmp_path / 'toy.csv'}:2"


def test_columns_of_zeros_and_ones():
    rows = [{"s": "x", "a": "1", "b": 0}, {"s": "y", "a": False, "b": "true"}]
    data = load_dataset(rows, Columns(text="s", labels=["a", "b"]))
    assert [s.labels for s in data] == [("a",), ("b",)]
    assert data.matrix() == [[1, 0], [0, 1]]


def test_class_numbers_of_datasets_become_names():
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["calm", "storm"])})
    data = load_dataset(Dataset.from_dict({"text": ["x", "y"], "label": [1, 0]}, features=features), Columns(label="label"))
    assert [s.primary for s in data] == ["storm", "calm"]
    assert not data.multi_label


def test_other_columns_are_kept_as_meta():
    data = load_dataset([{"text": "x", "label": "a", "outlet": "Post", "year": 2020}], Columns(label="label"))
    assert data.sentences[0].meta == {"outlet": "Post", "year": 2020}


def test_every_bad_row_is_reported_with_file_and_row(tmp_path):
    path = tmp_path / "bad.jsonl"
    lines = [
        {"id": "1", "text": "fine", "labels": ["weather"]},
        {"id": "2", "text": " ", "labels": []},
        {"id": "3", "labels": []},
        {"id": "4", "text": "x", "labels": ["sport"]},
        {"id": "1", "text": "again", "labels": []},
        {"id": "6", "text": "x", "labels": 7},
        {"id": "7", "text": "x", "labels": [], "primary": "weather"},
        ["not", "an", "object"],
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"text": "cut off\n\n')
    with pytest.raises(DataError) as caught:
        load_dataset(path, MULTI, labels=["weather", "economy"])
    message = str(caught.value)
    assert message.startswith("8 unusable rows")
    for place, reason in [
        (2, "no text in column 'text': ' '"),
        (3, "no column 'text'; the columns are id, labels"),
        (4, "unknown label 'sport'; accepted: weather, economy"),
        (5, f"id '1' again; it stands first at {path}:1"),
        (6, "labels must be a list of names"),
        (7, "primary label 'weather' is not among the row's labels (none)"),
        (8, "expected a JSON object, received list"),
        (9, "broken JSON"),
    ]:
        assert f"{path}:{place}: {reason}" in message
    with pytest.warns(UserWarning, match="8 unusable rows left out"):
        data = load_dataset(path, MULTI, labels=["weather", "economy"], strict=False)
    assert (len(data), len(data.bad_rows)) == (1, 8)


def test_only_the_first_twenty_bad_rows_are_listed():
    with pytest.raises(DataError, match=r"30 unusable rows(.|\n)*and 10 more"):
        load_dataset([{"text": "", "labels": []}] * 30, MULTI)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("latin.csv", "text,label\ncaf\xe9,a\n".encode("latin-1"), r"latin.csv:2: byte 0xe9 in column 'text' is not utf-8"),
        ("short.csv", b"text,label\nonly\n", r"short.csv:2: 1 fields, but the header names 2"),
        ("quote.csv", b'text,label\n"a" b,c\n', r"quote.csv:2: not readable as CSV"),
        ("empty.csv", b"", r"empty.csv: empty; the first line must name the columns"),
        ("twice.csv", b"text,text,label\n", r"column 'text' is named twice"),
        ("headeronly.csv", b"text,label\n", r"headeronly.csv: no usable row"),
        ("broken.parquet", b"PAR1 and no more", r"broken.parquet is not readable as Parquet"),
        ("data.xlsx", b"", r"the ending '.xlsx' is unknown; accepted: .csv, .tsv, .jsonl"),
        ("missing.csv", None, r"missing.csv: no such file"),
        ("nolabel.csv", b"text,label\nx,\n", r"nolabel.csv:2: no label in column 'label'"),
    ],
)
def test_unreadable_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path / name, Columns(label="label"))


def test_another_encoding_can_be_named(tmp_path):
    (tmp_path / "latin.csv").write_bytes("text,label\ncaf\xe9,a\n".encode("latin-1"))
    assert load_dataset(tmp_path / "latin.csv", Columns(label="label"), encoding="latin-1").texts == ["caf\xe9"]


def test_a_line_break_inside_a_csv_field_does_not_shift_the_places(tmp_path):
    (tmp_path / "lines.csv").write_text('text,label\n"two\nlines",a\n,b\n')
    with pytest.raises(DataError, match=r"lines.csv:4: no text"):
        load_dataset(tmp_path / "lines.csv", Columns(label="label"))


def test_stand_off_rows_find_their_text_and_notice_a_change(tmp_path):
    texts = write_jsonl(tmp_path / "texts.jsonl", [{"id": "p1", "text": "Rain fell."}, {"id": "p2", "text": "Rates rose."}])
    rows = [
        {"id": "p1", "sha1": hashlib.sha1(b"Rain fell.").hexdigest(), "labels": ["weather"]},
        {"id": "p2", "sha1": "0" * 40, "labels": []},
        {"id": "p3", "sha1": "0" * 40, "labels": []},
    ]
    good = write_jsonl(tmp_path / "good.jsonl", rows[:1])
    assert load_dataset(good, MULTI, texts=texts).texts == ["Rain fell."]
    with pytest.raises(DataError) as caught:
        load_dataset(write_jsonl(tmp_path / "bad.jsonl", rows), MULTI, texts=texts)
    assert "bad.jsonl:2: the text of 'p2' has SHA-1" in str(caught.value)
    assert "bad.jsonl:3: id 'p3' is not in the file of texts" in str(caught.value)


def test_a_split_keeps_every_article_whole():
    data = load_dataset(toy_rows(), MULTI)
    parts = split_by_article(data, dev=0.2, test=0.2, seed=1)
    articles = {name: set(part.articles) for name, part in parts.items()}
    assert sum(map(len, parts.values())) == len(data)
    assert not articles["train"] & articles["dev"] | articles["train"] & articles["test"] | articles["dev"] & articles["test"]
    assert len(articles["test"]) == len(articles["dev"]) == 4
    again = split_by_article(data, dev=0.2, test=0.2, seed=1)
    assert [s.id for s in again["test"]] == [s.id for s in parts["test"]]
    assert [s.id for s in split_by_article(data, dev=0.2, test=0.2, seed=2)["test"]] != [s.id for s in parts["test"]]


def test_a_split_column_is_taken_and_checked():
    names = ["train", "dev", "test"]
    rows = [{**row, "split": names[i // 4 % 3]} for i, row in enumerate(toy_rows())]
    parts = split_by_article(load_dataset(rows, MULTI))
    assert {s.split for s in parts["dev"]} == {"dev"}
    rows[1]["split"] = "test"
    rows[8]["split"] = "validation"
    rows[9]["split"] = None  # type: ignore[assignment]
    with pytest.raises(DataError) as caught:
        split_by_article(load_dataset(rows, MULTI))
    message = str(caught.value)
    assert "list:2: article 'a0' is in test here but in train at list:1" in message
    assert "list:9: split is 'validation'; accepted: train, dev, test" in message
    assert "list:10: split is None" in message


def test_too_few_articles_to_split():
    with pytest.raises(DataError, match="articles are too few for a test split"):
        split_by_article(load_dataset(toy_rows()[:8], MULTI), test=0.2)


def test_columns_must_name_one_kind_of_label():
    with pytest.raises(DataError, match="either 'label'"):
        Columns()
