from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from framelens import CheckpointError, Classifier
from framelens.checkpoint import available_checkpoints, copy_checkpoint, open_checkpoint, write_text


@pytest.fixture
def copy(toy_run, tmp_path) -> Path:
    shutil.copytree(toy_run.checkpoint, tmp_path / "copy")
    return tmp_path / "copy"


def edit(path: Path, change) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_checkpoint_opens_and_names_itself(toy_run):
    checkpoint = open_checkpoint(toy_run.checkpoint)
    assert checkpoint.name.startswith("toy@")
    assert checkpoint.labels.labels == ("weather", "economy")
    assert checkpoint.max_length == 64


def test_missing():
    with pytest.raises(
        CheckpointError, match=r"no checkpoint 'nowhere': neither a folder nor one of the packaged ones \(.*default"
    ):
        Classifier.load("nowhere")


def test_a_folder_without_manifest(tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no manifest\.json"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("name", ["model.int8.onnx", "tokenizer.json", "labels.json"])
def test_a_missing_file(copy, name):
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        Classifier.load(copy)


def test_an_incomplete_copy(copy):
    model = copy / "model.int8.onnx"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="has 1000 bytes; the manifest says"):
        Classifier.load(copy)


def test_a_flipped_byte(copy):
    model = copy / "model.int8.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not match its SHA-256"):
        Classifier.load(copy)


def test_a_link_that_leaves_the_folder(copy, tmp_path):
    (copy / "tokenizer.json").rename(tmp_path / "elsewhere.json")
    (copy / "tokenizer.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(CheckpointError, match="a link that leaves"):
        Classifier.load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=99), "format is 99; this version reads format 1"),
        (lambda m: m.pop("files"), "'files'"),
        (lambda m: m.update(max_length="long"), "'max_length'"),
        (lambda m: m["files"].pop("labels.json"), "no entry with 'sha256' and 'bytes' for labels.json"),
        (lambda m: m["files"].update({"labels.json": 3}), "no entry"),
    ],
)
def test_a_broken_manifest(copy, change, message):
    edit(copy / "manifest.json", change)
    with pytest.raises(CheckpointError, match=message):
        Classifier.load(copy)


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff", "[" * 100_000])
def test_a_manifest_that_is_no_json_object(copy, content):
    (copy / "manifest.json").write_text(content, errors="surrogateescape")
    with pytest.raises(CheckpointError, match=r"manifest.json (is not readable as JSON|must hold a JSON object)"):
        Classifier.load(copy)


def test_an_onnx_file_that_is_none_although_the_manifest_fits(copy):
    from framelens.checkpoint import write_manifest

    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "model.int8.onnx").write_bytes(b"not a model")
    write_manifest(copy, {k: v for k, v in manifest.items() if k not in ("files", "format")})
    with pytest.raises(CheckpointError, match=str(copy)):
        Classifier.load(copy)


def test_copying_replaces_the_destination_as_a_whole(toy_run, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").touch()
    copy_checkpoint(toy_run.checkpoint, tmp_path / "there")
    assert not (tmp_path / "there" / "old").exists()
    assert Classifier.load(tmp_path / "there").name.startswith("toy@")
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "f", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "f", "\udc80")
    assert (tmp_path / "f").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_default_checkpoint_is_whole_and_holds_no_pickle():
    folder = available_checkpoints()["default"]
    manifest = json.loads((folder / "manifest.json").read_text())
    open_checkpoint("default", need=tuple(manifest["files"]))
    assert {p.name for p in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert {p.suffix for p in folder.iterdir()} == {".json", ".onnx", ".safetensors", ".md"}
