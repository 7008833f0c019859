from __future__ import annotations

import json
import os
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


def test_a_pickle_in_the_folder_is_refused(copy):
    import pickle

    for place in (copy, copy / "deeper"):
        place.mkdir(exist_ok=True)
        (place / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": [1.0]}))
        with pytest.raises(CheckpointError, match=r"pytorch_model\.bin may hold code"):
            Classifier.load(copy)
        (place / "pytorch_model.bin").unlink()


@pytest.mark.parametrize("name", ["model.int8.onnx", "tokenizer.json", "labels.json"])
def test_a_pickle_under_the_name_of_a_file_is_never_unpickled(copy, tmp_path, name):
    import pickle

    from framelens.checkpoint import write_manifest

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    fields = json.loads((copy / "manifest.json").read_text())
    (copy / name).write_bytes(pickle.dumps(Trap()))
    write_manifest(copy, {k: v for k, v in fields.items() if k not in ("files", "format")})
    with pytest.raises(CheckpointError):
        Classifier.load(copy)
    assert not (tmp_path / "sprung").exists()
    pickle.loads((copy / name).read_bytes())  # the trap works
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "name", ["../outside.json", "/etc/hostname", "sub/../../outside.json", "..", "", "a" * 5000, "nul\0.json"]
)
def test_a_manifest_that_names_files_elsewhere(copy, tmp_path, name):
    (tmp_path / "outside.json").write_text("{}")
    edit(copy / "manifest.json", lambda m: m["files"].update({name: {"sha256": "0" * 64, "bytes": 2}}))
    with pytest.raises(CheckpointError, match="is not the name of a file in the checkpoint folder"):
        open_checkpoint(copy, need=None)


@pytest.mark.parametrize("name", ["labels.json", "model.int8.onnx"])
def test_a_link_to_itself(copy, name):
    (copy / name).unlink()
    (copy / name).symlink_to(name)
    with pytest.raises(CheckpointError, match=f"{name} (cannot be followed|is missing)"):
        Classifier.load(copy)


def test_a_pipe_is_no_file(copy):
    (copy / "labels.json").unlink()
    os.mkfifo(copy / "labels.json")
    with pytest.raises(CheckpointError, match=r"labels\.json is missing"):  # and not a wait for its other end
        Classifier.load(copy)


@pytest.mark.parametrize("name", ["\x1b]0;mine\x07", "a\nb", "x" * 10**6, {"a": 1}, 3])
def test_a_name_that_a_terminal_would_obey_or_nobody_could_read(copy, name):
    edit(copy / "manifest.json", lambda m: m.update(name=name))
    with pytest.raises(CheckpointError, match=r"name is .*; accepted: at most 200 printable characters"):
        Classifier.load(copy)


def test_a_label_that_a_terminal_would_obey(copy):
    from framelens.checkpoint import write_manifest

    fields = json.loads((copy / "manifest.json").read_text())
    (copy / "labels.json").write_text(json.dumps({"labels": ["weather\x1b[31m", "economy"], "multi_label": True}))
    write_manifest(copy, {k: v for k, v in fields.items() if k not in ("files", "format")})
    with pytest.raises(CheckpointError, match="labels must be non-empty printable strings"):
        Classifier.load(copy)


def test_a_manifest_that_is_a_link_out_of_the_folder(copy, tmp_path):
    (copy / "manifest.json").rename(tmp_path / "manifest.json")
    (copy / "manifest.json").symlink_to(tmp_path / "manifest.json")
    with pytest.raises(CheckpointError, match=r"manifest\.json is a link that leaves"):
        Classifier.load(copy)


def test_ten_gigabytes_are_refused_whether_claimed_or_there(copy):
    edit(copy / "manifest.json", lambda m: m["files"]["model.int8.onnx"].update(bytes=10 * 2**30))
    with pytest.raises(
        CheckpointError, match=r"model\.int8\.onnx is said to have 10737418240 bytes; accepted: at most 2147483648"
    ):
        Classifier.load(copy)
    with (copy / "model.int8.onnx").open("r+b") as sparse:
        sparse.truncate(10 * 2**30)
    with pytest.raises(CheckpointError, match="is said to have"):
        Classifier.load(copy)
    with (copy / "manifest.json").open("r+b") as sparse:
        sparse.truncate(10 * 2**30)
    with pytest.raises(CheckpointError, match=r"manifest\.json has 10737418240 bytes; accepted: at most"):
        Classifier.load(copy)


@pytest.mark.parametrize("bytes_", [-1, 1.5, "12", None, [], 10**4000])
def test_a_size_that_is_none(copy, bytes_):
    edit(copy / "manifest.json", lambda m: m["files"]["labels.json"].update(bytes=bytes_))
    with pytest.raises(CheckpointError, match=r"labels\.json is said to have"):
        Classifier.load(copy)


@pytest.mark.parametrize("length", [0, -1, True, 7, 10**9])
def test_a_window_that_is_none(copy, length):
    edit(copy / "manifest.json", lambda m: m.update(max_length=length))
    with pytest.raises(CheckpointError, match=r"max_length is .*; accepted: 8 to 8192"):
        Classifier.load(copy)


@pytest.mark.parametrize("content", ["[" * 1_000_000, '{"a":' * 1_000_000, '{"max_length": ' + "9" * 5000 + "}"])
@pytest.mark.parametrize("name", ["manifest.json", "labels.json", "tokenizer.json"])
def test_absurd_json(copy, name, content):
    from framelens.checkpoint import write_manifest

    fields = json.loads((copy / "manifest.json").read_text())
    (copy / name).write_text(content)
    if name != "manifest.json":
        write_manifest(copy, {k: v for k, v in fields.items() if k not in ("files", "format")})
    with pytest.raises(CheckpointError):
        Classifier.load(copy)


@pytest.mark.parametrize("location", ["../secret.bin", "link.weights"])
def test_an_onnx_file_cannot_read_files_elsewhere(copy, tmp_path, location):
    """ONNX can name files that hold its tensors: ONNX Runtime itself must keep them inside the folder."""
    onnx = pytest.importorskip("onnx")
    from framelens.checkpoint import write_manifest

    (tmp_path / "secret.bin").write_bytes(bytes(range(1, 17)))
    (copy / "link.weights").symlink_to(tmp_path / "secret.bin")
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[2, 2], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    output = onnx.helper.make_tensor_value_info("y", 1, [2, 2])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["w"], ["y"])], "g", [], [output], [tensor])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    (copy / "model.int8.onnx").write_bytes(model.SerializeToString())
    fields = json.loads((copy / "manifest.json").read_text())
    write_manifest(copy, {k: v for k, v in fields.items() if k not in ("files", "format")})
    with pytest.raises(CheckpointError, match="xternal"):
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
