from __future__ import annotations

import datetime
import gzip
import json
import os
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from framelens import Classifier, CorpusError, InputError
from framelens.cli import main
from framelens.corpus import classify_corpus
from framelens.corpus.sources import Fields, InputFile, find_files, shards, units
from tests.conftest import write_jsonl
from tests.corpora import article, assert_each_once, files_of, quarantined, sentences_of, write_articles


@pytest.fixture
def words_classifier(words_checkpoint):
    return Classifier.load(words_checkpoint, threads=1)


@pytest.fixture
def run(words_checkpoint, tmp_path, monkeypatch):
    """``classify_corpus`` with the checkpoint that counts words, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def classify(inputs, output="out", **options):
        return classify_corpus(inputs, output, **{"model": words_checkpoint, "shard_size": 7, "threads": 1, **options})

    return classify


def test_one_row_per_sentence_as_the_classifier_reads_it(run, words_classifier, tmp_path):
    write_articles(tmp_path / "in.jsonl", range(20))
    result = run("in.jsonl")
    assert (result.articles, result.sentences, result.unusable, result.quarantine) == (20, 50, 0, None)
    assert_each_once(Path("out"), range(20))
    row = sentences_of(Path("out"))[-1]
    text = str(article(19)["text"])
    sentence = words_classifier.classify(text).sentences[3]
    assert text[row["start"] : row["end"]] == row["text"] == sentence.text
    assert (row["article_id"], row["file"], row["row"], row["sentence"]) == ("a19", "in.jsonl", 20, 3)
    assert (row["frame"], row["frames"]) == (sentence.frame, list(sentence.frames))
    assert row["score_weather"] == pytest.approx(sentence.scores["weather"], abs=1e-6)
    assert (row["source"], row["source_name"], row["stances"]) == (None, None, [])
    assert (row["outlet"], row["date"], row["model"]) == ("Courier", "2024-08-11", words_classifier.name)
    assert list(row) == [
        "article_id", "file", "row", "sentence", "start", "end", "text", "frame", "frames", "score_weather", "score_economy",
        "source", "source_start", "source_end", "source_name", "stances", "model", "outlet", "date",
    ]  # fmt: skip


def test_sources_and_stances_have_their_columns(tmp_path):
    from framelens import Document, Sentence, Span, Stance
    from framelens.corpus.sources import Article
    from framelens.corpus.tables import sentence_schema, sentence_table

    text = "Ann Lee called the tax unfair."
    stance = Stance(Span("the tax", 15, 22), "against", 0.75)
    document = Document(
        text, (Sentence(text, 0, len(text), source=Span("Ann Lee", 0, 7), stances=(stance,)),), ("weather",), "m@1"
    )
    table = sentence_table([Article("a", text, "f", 1)], [document], sentence_schema(("weather",), (), True), [])
    pq.write_table(table, tmp_path / "t.parquet", store_schema=False)
    row = pq.read_table(tmp_path / "t.parquet").to_pylist()[0]
    assert (row["source"], row["source_start"], row["source_end"], row["source_name"]) == ("Ann Lee", 0, 7, None)
    assert row["stances"] == [{"target": "the tax", "start": 15, "end": 22, "label": "against", "score": 0.75}]


def test_every_format_gives_the_same_sentences(run, tmp_path):
    rows = [article(number) for number in range(9)]
    plain = write_jsonl(tmp_path / "a.jsonl", rows).read_bytes()
    header = "id,outlet,date,text\n"
    csv = (header + "".join(f'{r["id"]},{r["outlet"]},{r["date"]},"{r["text"]}"\n' for r in rows)).encode()
    Path("a.jsonl.gz").write_bytes(gzip.compress(plain[:500]) + gzip.compress(plain[500:]))
    Path("a.jsonl.zst").write_bytes(pa.compress(plain, codec="zstd", asbytes=True))
    Path("a.csv").write_bytes(csv)
    Path("a.tsv.gz").write_bytes(gzip.compress(csv.replace(b",", b"\t")))
    pq.write_table(pa.Table.from_pylist(rows), "a.parquet")
    Path("texts/b").mkdir(parents=True)
    for number, row in enumerate(rows):
        Path("texts", *(["b"] if number > 4 else []), f"{number}.txt").write_text(str(row["text"]))

    def read(name):
        run(name, f"out-{name}")
        return [(r["article_id"], r["outlet"], r["text"], r["score_weather"]) for r in sentences_of(Path(f"out-{name}"))]

    expected = read("a.jsonl")
    assert all(read(name) == expected for name in ("a.jsonl.gz", "a.jsonl.zst", "a.csv", "a.tsv.gz", "a.parquet"))
    run("texts", "out-texts")
    rows_of_texts = sentences_of(Path("out-texts"))
    assert [r["text"] for r in rows_of_texts] == [text for _, _, text, _ in expected]
    assert {r["article_id"] for r in rows_of_texts} >= {"texts/0.txt", "texts/b/8.txt"}


def test_files_folders_and_patterns_each_file_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/2.jsonl", "in/1.csv", "in/.hidden.jsonl", "in/note.pdf", "in/out/data/x.parquet", "other.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    Path("in/link.jsonl").symlink_to("2.jsonl")
    files, left_out = find_files(["in/2.jsonl", "in", "in/*", "*.txt"], without=Path("in/out"))
    assert [file.path for file in files] == ["in/2.jsonl", "in/1.csv", "other.txt"]
    assert left_out == ["in/note.pdf", "in/note.pdf"]
    for inputs, message in [
        (["gone.csv"], "gone.csv: no such file or folder; accepted: .csv"),
        (["in/note.pdf"], "the ending '.pdf' is unknown"),
        (["no*.csv"], r"no file to read in no\*.csv"),
    ]:
        with pytest.raises(InputError, match=message):
            find_files(inputs, without=Path("out"))


def test_the_cut_into_units_and_shards_depends_on_the_files_alone(tmp_path):
    big = [InputFile(str(i), size, 0) for i, size in enumerate([2**25, 2**25, 1, 2**27, 5])]
    assert [[file.path for file in unit] for unit in units(big)] == [["0", "1"], ["2"], ["3"], ["4"]]
    paths = [write_articles(tmp_path / f"{n}.jsonl", range(n * 10, n * 10 + 10)) for n in range(3)]
    files = find_files(paths, without=tmp_path / "out")[0]
    cut = list(shards(0, files, Fields(), 7))
    assert [(len(s.articles), s.last) for s in cut] == [(7, False), (7, False), (7, False), (7, False), (2, True)]
    assert [a.id for s in cut for a in s.articles] == [f"a{n}" for n in range(30)]
    assert sum(s.size for s in cut) == sum(file.size for file in files)
    again = list(shards(0, files, Fields(), 7, done={0, 3}))
    assert [(s.number, s.articles, s.last, s.size) for s in again] == [
        (s.number, s.articles, s.last, s.size) for s in cut if s.number not in (0, 3)
    ]
    assert [(len(s.articles), s.last) for s in shards(0, files, Fields(), 15)] == [(15, False), (15, True)]
    (tmp_path / "empty.jsonl").write_text("")
    empty = find_files([tmp_path / "empty.jsonl"], without=tmp_path / "out")[0]
    assert [(len(s.articles), s.last) for s in shards(0, empty, Fields(), 7)] == [(0, True)]


def test_rows_that_are_no_article_go_to_quarantine(run, tmp_path):
    good = [json.dumps(article(number)) for number in range(3)]
    lines = [
        good[0].encode(),
        b'{"id": 1}',
        b'{"id": 2, "text": 5}',
        b'{"id": 3, "text": " "}',
        b'{"text": "cut off',
        b"[1]",
        b'{"id": 4, "text": "caf\xe9"}',
        rb'{"id": 5, "text": "\ud800"}',
        rb'{"id": 6, "text": "\u200b"}',
        *(line.encode() for line in good[1:]),
    ]
    Path("in.jsonl").write_bytes(b"\n".join(lines))
    result = run("in.jsonl")
    assert_each_once(Path("out"), range(3))
    assert (result.articles, result.unusable) == (3, 8)
    found = quarantined(Path("out"))
    assert {row["file"] for row in found} == {"in.jsonl"}
    reasons = {row["row"]: row["reason"] for row in found}
    for number, reason in {
        2: "no text in column 'text'; the columns are id",
        3: "no text in column 'text'; it holds 5",
        4: "the text is empty",
        5: "broken JSON",
        6: "expected a JSON object, received list",
        7: "byte 0xe9 in column 'text' is not utf-8",
        8: "half a surrogate pair",
        9: "no sentence in the text",
    }.items():
        assert reason in reasons[number]


def test_values_carried_through_are_text(run, tmp_path):
    table = {
        "id": [1, 2], "text": ["Rain fell.", "Rates rose."], "day": [datetime.date(2024, 5, 1), None], "n": [2, 3],
        "tags": [["a"], []], "source": ["AP", "AFP"],
    }  # fmt: skip
    pq.write_table(pa.table(table), "in.parquet")
    run("in.parquet")
    first, second = sentences_of(Path("out"))
    assert (first["article_id"], first["day"], first["n"], first["tags"], first["input_source"]) == (
        "1", "2024-05-01", "2", '["a"]', "AP",
    )  # fmt: skip
    assert second["day"] is None
    run("in.parquet", "other", carry={"agency": "source"}, with_text=False)
    row = sentences_of(Path("other"))[0]
    assert row["agency"] == "AP"
    assert not {"text", "day"} & row.keys()
    with pytest.raises(InputError, match="no column 'outlet' to carry through; the columns are id, text, day"):
        run("in.parquet", "third", carry=["outlet"])
    with pytest.raises(InputError, match=r"the output has a column 'source' already; .* outlet=source"):
        run("in.parquet", "third", carry=["source"])
    with pytest.raises(InputError, match="no column 'body' for the text; the columns are id, text"):
        run("in.parquet", "third", text_column="body")
    assert not Path("third").exists()


def test_partitions_are_folders(run, tmp_path):
    rows = [article(number) for number in range(20)]
    rows[3]["outlet"] = None
    rows[4]["outlet"] = "A/B=c é"
    write_jsonl(Path("in.jsonl"), rows)
    run("in.jsonl", partition_by=["outlet"])
    folders = {path.name for path in Path("out/data").iterdir()}
    assert folders == {
        "outlet=Gazette", "outlet=Courier", "outlet=Herald", "outlet=__HIVE_DEFAULT_PARTITION__", "outlet=A%2FB%3Dc %C3%A9",
    }  # fmt: skip
    assert_each_once(Path("out"), range(20))
    with pytest.raises(InputError, match="partition_by: 'month' is not carried through; carried: outlet, date"):
        run("in.jsonl", "other", partition_by=["month"])


def test_a_finished_run_is_not_done_again(run, tmp_path):
    write_articles(tmp_path / "in.jsonl", range(20))
    run("in.jsonl")
    before = files_of(Path("out"))
    again = run("in.jsonl")
    assert (again.resumed, again.articles, again.sentences) == (3, 20, 50)
    assert files_of(Path("out")) == before
    assert json.loads(Path("out/summary.json").read_text())["articles"] == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard_size": 8}, "holds a run with shard_size 7, not 8; go on with the same"),
        ({"carry": []}, "with carry {'outlet': 'outlet', 'date': 'date'}, not {}"),
        ({"model": "default"}, "with model 'words@"),
    ],
)
def test_settings_are_not_mixed(run, tmp_path, options, message):
    write_articles(tmp_path / "in.jsonl", range(8))
    run("in.jsonl")
    before = files_of(Path("out"))
    with pytest.raises(CorpusError, match=message):
        run("in.jsonl", **options)
    assert files_of(Path("out")) == before
    run("in.jsonl", **options, overwrite=True)
    assert {row["article_id"] for row in sentences_of(Path("out"))} == {f"a{n}" for n in range(8)}


def test_input_that_changed_is_noticed(run, tmp_path):
    write_articles(tmp_path / "1.jsonl", range(8))
    write_articles(tmp_path / "2.jsonl", range(8, 12))
    run(["1.jsonl", "2.jsonl"])
    with pytest.raises(CorpusError, match=r"input 2.jsonl was there when the run began and is not now"):
        run(["1.jsonl"])
    with pytest.raises(CorpusError, match="in another order"):
        run(["2.jsonl", "1.jsonl"])
    write_articles(tmp_path / "3.jsonl", range(12, 14))
    with pytest.raises(CorpusError, match=r"input 3.jsonl was not there when the run began"):
        run(["1.jsonl", "2.jsonl", "3.jsonl"])
    os.utime("2.jsonl", ns=(0, 0))
    with pytest.raises(CorpusError, match=r"input 2.jsonl has changed since the run began"):
        run(["1.jsonl", "2.jsonl"])


def test_a_folder_of_something_else_is_left_alone(run, tmp_path):
    write_articles(tmp_path / "in.jsonl", range(3))
    Path("out").mkdir()
    Path("out/thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(CorpusError, match=r"holds files that are not of a corpus run, such as thesis.txt"):
            run("in.jsonl", overwrite=overwrite)
    assert [path.name for path in Path("out").iterdir()] == ["thesis.txt"]
    Path("file").write_text("")
    with pytest.raises(CorpusError, match="file"):
        run("in.jsonl", "file")


def test_shards_whose_files_are_gone_are_done_again(run, tmp_path):
    write_articles(tmp_path / "in.jsonl", range(30))
    run("in.jsonl")
    whole = files_of(Path("out"))
    parts = sorted(Path("out/data").iterdir())
    parts[1].unlink()
    parts[3].write_bytes(b"cut")
    (Path("out/data") / "part-000009-000000.parquet").write_bytes(b"of no shard")
    with pytest.warns(UserWarning, match="2 shards whose files are gone or cut short are done again"):
        run("in.jsonl")
    assert files_of(Path("out")) == whole
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = run("in.jsonl")
    assert (result.articles, result.sentences) == (30, len(sentences_of(Path("out"))))


def test_command_line(words_checkpoint, tmp_path):
    write_articles(tmp_path / "in.jsonl", range(8))
    (tmp_path / "note.pdf").write_text("")
    options = ["--model", words_checkpoint, "--threads", 1, "--carry", "paper=outlet", "--json"]
    words = [str(w) for w in ("corpus", tmp_path / "in.jsonl", tmp_path / "out", *options)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["articles"] == 8
    assert sentences_of(tmp_path / "out")[0]["paper"] == "Gazette"
    with (tmp_path / "in.jsonl").open("a") as stream:
        stream.write("{\n")
    words[1:3] = str(tmp_path), str(tmp_path / "second")
    result = CliRunner().invoke(main, [*words, "--shard-size", "3"])
    assert result.exit_code == 3
    assert f"1 unusable rows, listed in {tmp_path / 'second' / 'quarantine.jsonl'}" in result.stderr
    assert "1 files of other endings left out, such as" in result.stderr
    result = CliRunner().invoke(main, ["corpus", str(tmp_path / "gone.csv"), str(tmp_path / "third")])
    assert result.exit_code == 1
    assert "no such file" in result.stderr
    assert "Example" in CliRunner().invoke(main, ["corpus", "--help"]).stdout
    assert CliRunner().invoke(main, [*words, "--engine", "ray", "--workers", "4:2"]).exit_code == 2


def test_the_queries_of_the_documentation(run, tmp_path):
    """Every SQL and Polars block of docs/corpus.md runs on a run as it stands."""
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    write_articles(tmp_path / "in.jsonl", range(40))
    run("in.jsonl", "frames")
    page = (Path(__file__).parents[1] / "docs" / "corpus.md").read_text()
    queries = page.split("```sql\n")[1:]
    assert len(queries) >= 3
    shares = [duckdb.sql(query.split("```")[0]).fetchall() for query in queries]
    assert all(shares[:1])
    months = {(outlet, month) for outlet, month, *_ in shares[0]}
    assert len(months) == 12
    assert all(0 <= share <= 1 for *_, share in shares[0])
    names: dict[str, object] = {}
    for block in page.split("```python\n")[1:]:
        if "polars" in block:
            exec(block.split("```")[0], names)
    table = names["shares"]
    assert isinstance(table, polars.DataFrame)
    as_polars = {(r["outlet"], r["month"], r["frame"]): r["share"] for r in table.to_dicts()}
    assert as_polars == {(outlet, month, frame): pytest.approx(share) for outlet, month, frame, share in shares[0]}
