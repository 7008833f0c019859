"""What may go wrong in a long run: every article is in the output once, or its row is in quarantine, whatever happens."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framelens import Classifier, CorpusError
from framelens.corpus import classify_corpus
from tests.corpora import article, assert_each_once, files_of, quarantined, sentences_of, write_articles

OPTIONS = {"shard_size": 5, "threads": 1}


@pytest.fixture
def run(words_checkpoint):
    def classify(inputs, output, **options):
        return classify_corpus(inputs, output, **{"model": words_checkpoint, **OPTIONS, **options})

    return classify


def start(checkpoint: Path, inputs: Path, output: Path) -> int:
    """The same run in a process of its own, which ends with status 0 when it is done and 7 when it is refused.

    A fork, so that 20 of them take seconds; ``os._exit`` keeps the child out of pytest.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            classify_corpus(inputs, output, model=checkpoint, **OPTIONS)
            status = 0
        except CorpusError:
            status = 7
        finally:
            os._exit(status)
    return child


def test_killed_twenty_times_at_random_points(run, words_checkpoint, tmp_path):
    count = 1500
    inputs = write_articles(tmp_path / "in.jsonl", range(count))
    with inputs.open("a") as stream:
        stream.write("{\n")
    run(inputs, tmp_path / "alone")
    output, ledger = tmp_path / "out", tmp_path / "out" / "shards.jsonl"
    chance = random.Random(7)
    finished = []
    while len(finished) < 20:
        begun = ledger.stat().st_size if ledger.exists() else 0
        child = start(words_checkpoint, inputs, output)
        deadline, shards = time.monotonic() + 60, chance.randrange(6)
        while shards and (not ledger.exists() or ledger.stat().st_size < begun + 150 * shards):
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        time.sleep(chance.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the run ended before it was killed"
        finished.append(len(ledger.read_bytes().splitlines()) if ledger.exists() else 0)
    assert finished == sorted(finished)
    assert len(set(finished)) > 8, "the kills did not fall at different points"
    result = run(inputs, output)
    assert result.resumed >= finished[-1] - 1  # the last line may have been cut in two
    assert (result.articles, result.unusable) == (count, 1)
    assert_each_once(output, range(count))
    assert files_of(output) == files_of(tmp_path / "alone")
    assert not list((output / ".tmp").iterdir())


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_half_a_line_in_the_ledger_is_a_shard_to_do(run, tmp_path, cut):
    inputs = write_articles(tmp_path / "in.jsonl", range(30))
    run(inputs, tmp_path / "out")
    whole, ledger = files_of(tmp_path / "out"), tmp_path / "out" / "shards.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:3]) + lines[3][:cut])
    assert run(inputs, tmp_path / "out").resumed == 3
    assert files_of(tmp_path / "out") == whole
    assert ledger.read_bytes().splitlines(keepends=True) == lines


@pytest.mark.parametrize("partition_by", [[], ["outlet"]])
def test_files_without_a_line_in_the_ledger_are_replaced(run, tmp_path, partition_by):
    inputs = write_articles(tmp_path / "in.jsonl", range(12))
    run(inputs, tmp_path / "out", partition_by=partition_by)
    whole = files_of(tmp_path / "out")
    (tmp_path / "out" / "shards.jsonl").unlink()
    (tmp_path / "out" / ".tmp" / "left.parquet").write_bytes(b"half")
    assert run(inputs, tmp_path / "out", partition_by=partition_by).resumed == 0
    assert files_of(tmp_path / "out") == whole


def test_a_disk_that_is_full(run, words_checkpoint, tmp_path):
    """On a file system of 160 KiB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs a privilege")
    try:
        inputs = write_articles(tmp_path / "in.jsonl", range(100))
        with pytest.raises(CorpusError, match=r"no space left to write to .* free some, and what is finished is kept"):
            run(inputs, disk / "out")
        kept = len((disk / "out" / "shards.jsonl").read_bytes().splitlines())
        assert 0 < kept < 20
        assert not list((disk / "out" / ".tmp").iterdir())
        with pytest.raises(CorpusError, match="no space left"):
            run(inputs, disk / "out")
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert run(inputs, disk / "out").resumed >= kept
        assert_each_once(disk / "out", range(100))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("call", [1, 2, 5, 6, 9])
def test_no_space_at_one_write_or_another(run, tmp_path, monkeypatch, call):
    """ENOSPC at the n-th sync: of a part, of a folder, of the ledger."""
    inputs = write_articles(tmp_path / "in.jsonl", range(30))
    real, calls = os.fsync, 0

    def full(descriptor):
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(CorpusError, match="no space left to write to"):
            run(inputs, tmp_path / "out")
    run(inputs, tmp_path / "out")
    assert_each_once(tmp_path / "out", range(30))


def test_a_limit_on_the_size_of_files(words_checkpoint, run, tmp_path):
    inputs = write_articles(tmp_path / "in.jsonl", range(300))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))  # the ledger comes to it
            classify_corpus(inputs, tmp_path / "out", model=words_checkpoint, **OPTIONS)
        except CorpusError as error:
            status = 7 if "no space left to write to" in str(error) else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    run(inputs, tmp_path / "out")
    assert_each_once(tmp_path / "out", range(300))


def test_files_in_the_middle_that_cannot_be_read(run, tmp_path):
    """Rows before the break are kept, the break is in quarantine, and the files after it are read."""
    folder = tmp_path / "in"
    folder.mkdir()
    lines = "".join(json.dumps(article(number)) + "\n" for number in range(400)).encode()
    write_articles(folder / "1.jsonl", range(10))
    (folder / "2-gone.jsonl").symlink_to("nowhere")
    (folder / "3-truncated.jsonl.gz").write_bytes(gzip.compress(lines)[:2500])
    frames = [pa.compress(half, codec="zstd", asbytes=True) for half in (lines[:30_000], lines[30_000:])]
    (folder / "4-truncated.jsonl.zst").write_bytes(b"".join(frames)[:-10])
    table = pa.Table.from_pylist([{**article(number), "id": f"p{number}"} for number in range(2000)])
    pq.write_table(table, folder / "5-damaged.parquet", row_group_size=500, compression="none")
    damaged = bytearray((folder / "5-damaged.parquet").read_bytes())
    group = pq.ParquetFile(folder / "5-damaged.parquet").metadata.row_group(2).column(3)
    place = group.dictionary_page_offset or group.data_page_offset
    damaged[place : place + 64] = b"\xff" * 64
    (folder / "5-damaged.parquet").write_bytes(damaged)
    (folder / "6-no.parquet").write_bytes(b"PAR1")
    (folder / "7.csv").write_bytes(b"")
    (folder / "8.txt").write_bytes(b"caf\xe9 in the rain")
    write_articles(folder / "9.jsonl", range(500, 505))

    result = run(folder, tmp_path / "out", carry=["outlet"])
    found = {Path(str(row["file"])).name: row for row in quarantined(tmp_path / "out")}
    rows = sentences_of(tmp_path / "out")
    read = {
        name: {row["row"] for row in rows if Path(str(row["file"])).name == name} for name in [*found, "1.jsonl", "9.jsonl"]
    }
    assert sorted(found) == sorted(path.name for path in folder.iterdir() if path.name[0] not in "19")
    assert (read["1.jsonl"], read["9.jsonl"]) == (set(range(1, 11)), set(range(1, 6)))
    for name in ("3-truncated.jsonl.gz", "4-truncated.jsonl.zst", "5-damaged.parquet"):
        first_missing = found[name]["row"]
        assert 1 < first_missing < 2000, name
        rest = range(1501, 2001) if name == "5-damaged.parquet" else ()  # the row groups after the damaged one
        assert read[name] == {*range(1, first_missing), *rest}, name
    for name, reason in {
        "2-gone.jsonl": "No such file",
        "3-truncated.jsonl.gz": "ended before the end-of-stream marker",
        "4-truncated.jsonl.zst": "Truncated compressed stream",
        "5-damaged.parquet": "rows 1001 to 1500 are not readable as Parquet",
        "6-no.parquet": "not readable as Parquet",
        "7.csv": "the first line must name the columns",
        "8.txt": "byte 0xe9 at offset 3 is not utf-8",
    }.items():
        assert reason in found[name]["reason"], name
    assert result.articles == sum(map(len, read.values()))
    assert result.unusable == len(found)


def test_two_runs_on_one_folder_at_once(run, words_checkpoint, tmp_path, monkeypatch):
    """Four started together: none spoils another's work; and while one is at work another is refused."""
    inputs = write_articles(tmp_path / "in.jsonl", range(200))
    children = [start(words_checkpoint, inputs, tmp_path / "out") for _ in range(4)]
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert set(statuses) <= {0, 7}
    assert 0 in statuses
    assert_each_once(tmp_path / "out", range(200))

    real = Classifier.classify

    def meanwhile(self, texts, **options):
        monkeypatch.setattr(Classifier, "classify", real)
        with pytest.raises(CorpusError, match=rf"is in use by another run \(process {os.getpid()} on "):
            run(inputs, tmp_path / "held", overwrite=True)
        return real(self, texts, **options)

    monkeypatch.setattr(Classifier, "classify", meanwhile)
    run(inputs, tmp_path / "held")
    assert_each_once(tmp_path / "held", range(200))


def test_output_on_another_file_system(run, tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    inputs = write_articles(tmp_path / "in.jsonl", range(40))
    output = memory / f"framelens-{os.getpid()}"
    try:
        run(inputs, output)
        assert_each_once(output, range(40))
        run(inputs, tmp_path / "out")
        assert files_of(output) == files_of(tmp_path / "out")
    finally:
        subprocess.run(["rm", "-r", str(output)], check=True)


def test_interrupted_from_the_keyboard(run, tmp_path, monkeypatch):
    inputs = write_articles(tmp_path / "in.jsonl", range(40))
    with inputs.open("r+") as stream:
        stream.write("x")
    real, calls = Classifier.classify, []

    def classify(self, texts, **options):
        calls.append(len(texts))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, texts, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "classify", classify)
        with pytest.raises(KeyboardInterrupt):
            run(inputs, tmp_path / "out")
    assert len(quarantined(tmp_path / "out")) == 1
    assert run(inputs, tmp_path / "out").resumed == 3
    assert_each_once(tmp_path / "out", range(1, 40))


def test_progress_is_shown_with_rate_and_time_left(words_checkpoint, tmp_path):
    inputs = write_articles(tmp_path / "in.jsonl", range(40))
    code = "import sys; from framelens.corpus import classify_corpus as c; c(sys.argv[1], sys.argv[2], model=sys.argv[3], progress=True)"
    command = [sys.executable, "-c", code, str(inputs), str(tmp_path / "out"), str(words_checkpoint)]
    bar = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "100%" in bar
    assert "40 articles" in bar
    assert "sentences/s" in bar
