"""A checkpoint folder: what is in it, whether it is whole, and where the packaged ones are.

Files of a checkpoint::

    manifest.json       format, versions, base model, and SHA-256 and size of every other file
    labels.json         the LabelSet: labels, thresholds, calibration
    tokenizer.json      read by the ``tokenizers`` package
    model.int8.onnx     what ``classify`` runs
    model.safetensors   the same weights for further training
    config.json         the encoder's configuration
    README.md           the model card

Only JSON, ONNX and safetensors are ever read from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framelens.errors import CheckpointError, FramelensError
from framelens.schema import TASKS, LabelSet

MANIFEST = "manifest.json"
LABELS = "labels.json"
TOKENIZER = "tokenizer.json"
ONNX = "model.int8.onnx"
WEIGHTS = "model.safetensors"
ENCODER_CONFIG = "config.json"
CARD = "README.md"
FORMAT = 1
_NEEDED = (LABELS, TOKENIZER, ONNX)  # to classify
_MAX_JSON = 64 * 2**20
_MAX_BYTES = {".json": _MAX_JSON, ".onnx": 2 * 2**30}  # by ending; protobuf, and with it ONNX, ends at 2 GiB
_MAX_OTHER = 8 * 2**30
_MAY_RUN_CODE = frozenset(
    (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".py", ".pyc", ".so", ".dll", ".dylib")
)
_PACKAGED = (Path(__file__).parent / "models", Path(__file__).parents[2] / "models")  # in the wheel; in a source checkout


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint folder."""

    path: Path
    manifest: Mapping[str, Any]
    labels: LabelSet

    @property
    def name(self) -> str:
        """Name and short digest, such as ``default@3f9c2a1b``: what results are stamped with."""
        digest = self.manifest["files"][ONNX]["sha256"][:8]
        return f"{self.manifest.get('name', self.path.name)}@{digest}"

    @property
    def max_length(self) -> int:
        """Tokens per window; a longer sentence is read in several."""
        return int(self.manifest["max_length"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Which heads the model has: of ``frames``, ``source`` and ``stance``."""
        return tuple(self.manifest.get("tasks", ("frames",)))

    def file(self, name: str) -> Path:
        """The path of a file of this checkpoint."""
        return self.path / name


def available_checkpoints() -> dict[str, Path]:
    """The checkpoints that come with the package: name -> folder."""
    found: dict[str, Path] = {}
    for root in _PACKAGED:
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def open_checkpoint(path_or_name: str | os.PathLike[str], need: Iterable[str] | None = _NEEDED) -> Checkpoint:
    """Find a checkpoint and verify the files in ``need`` (None: every file it lists) against its manifest.

    Raises:
        CheckpointError: no such folder or name, a file is missing, has another size or checksum, or a JSON file is unreadable.
    """
    folder = _locate(path_or_name)
    for path in folder.rglob("*"):
        if path.suffix.lower() in _MAY_RUN_CODE:
            raise CheckpointError(f"{path} may hold code; a checkpoint of framelens holds JSON, ONNX and safetensors only")
    _check_place(folder, MANIFEST)
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise CheckpointError(f"{folder / MANIFEST}: format is {manifest.get('format')!r}; this version reads format {FORMAT}")
    files = manifest.get("files")
    if not isinstance(files, dict) or not isinstance(manifest.get("max_length"), int):
        raise CheckpointError(f"{folder / MANIFEST}: 'files' (an object) and 'max_length' (a number) are required")
    tasks = manifest.get("tasks", ["frames"])
    if not isinstance(tasks, list) or not tasks or not all(task in TASKS for task in tasks):
        raise CheckpointError(f"{folder / MANIFEST}: tasks are {tasks!r}; accepted: a list of {', '.join(TASKS)}")
    if isinstance(manifest["max_length"], bool) or not 8 <= manifest["max_length"] <= 8192:
        raise CheckpointError(f"{folder / MANIFEST}: max_length is {manifest['max_length']!r}; accepted: 8 to 8192")
    name = manifest.get("name", "")
    if not isinstance(name, str) or len(name) > 200 or not name.isprintable():
        raise CheckpointError(f"{folder / MANIFEST}: name is {name!r:.80}; accepted: at most 200 printable characters")
    for name in need if need is not None else {*_NEEDED, *files}:
        _verify(folder, name, files.get(name))
    try:
        labels = LabelSet.from_dict(_read_json(folder / LABELS))
    except CheckpointError:
        raise
    except (FramelensError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f"{folder / LABELS}: {error}") from error
    return Checkpoint(folder, manifest, labels)


def write_manifest(folder: Path, fields: Mapping[str, Any]) -> None:
    """Describe every file of ``folder`` in its manifest, which is written last and at once."""
    files = {
        path.name: {"sha256": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {"format": FORMAT, **fields, "files": files})


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``folder`` when the block ends without an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        staging = Path(scratch) / "staging"
        staging.mkdir()
        yield staging
        if folder.exists():
            folder.rename(Path(scratch) / "replaced")
        staging.rename(folder)


def copy_checkpoint(source: Path, destination: Path) -> None:
    """Copy a checkpoint folder, replacing ``destination`` only once the copy is whole."""
    with replacing(destination) as staging:
        shutil.copytree(source, staging, dirs_exist_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Write JSON to a temporary file beside ``path``, then rename it into place."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a temporary file beside ``path``, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _locate(path_or_name: str | os.PathLike[str]) -> Path:
    folder = Path(path_or_name).expanduser()
    if folder.is_dir():
        if not (folder / MANIFEST).is_file():
            raise CheckpointError(
                f"{folder} holds no {MANIFEST}, so it is no framelens checkpoint; "
                "'framelens train' writes one to the folder 'checkpoint' of its run"
            )
        return folder
    packaged = available_checkpoints()
    if str(path_or_name) in packaged:
        return packaged[str(path_or_name)]
    raise CheckpointError(
        f"no checkpoint {str(path_or_name)!r}: neither a folder nor one of the packaged ones ({', '.join(packaged) or 'none'})"
    )


def _verify(folder: Path, name: str, entry: Any) -> None:
    path = folder / name
    if not isinstance(entry, dict) or not {"sha256", "bytes"} <= entry.keys():
        raise CheckpointError(f"{folder / MANIFEST}: no entry with 'sha256' and 'bytes' for {name}")
    _check_place(folder, name)
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; the manifest lists it with {entry['bytes']} bytes")
    most = _MAX_BYTES.get(path.suffix, _MAX_OTHER)
    if not isinstance(entry["bytes"], int) or not 0 <= entry["bytes"] <= most:
        raise CheckpointError(
            f"{folder / MANIFEST}: {name} is said to have {entry['bytes']!r:.40} bytes; accepted: at most {most}"
        )
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise CheckpointError(
            f"{path} has {size} bytes; the manifest says {entry['bytes']}: an incomplete copy or an altered file"
        )
    if sha256(path) != entry["sha256"]:
        raise CheckpointError(f"{path} does not match its SHA-256 in the manifest: a damaged or altered file")


def _check_place(folder: Path, name: str) -> None:
    """A file of a checkpoint lies in its folder: no path out of it, and no link."""
    if name in ("", "..") or name != Path(name).name or "\0" in name or len(name) > 200:
        raise CheckpointError(f"{folder / MANIFEST}: {name!r:.80} is not the name of a file in the checkpoint folder")
    try:
        inside = (folder / name).resolve().parent == folder.resolve()
    except (OSError, RuntimeError) as error:  # Python 3.11 and 3.12 raise RuntimeError for a link to itself
        raise CheckpointError(f"{folder / name} cannot be followed: {error}") from error
    if not inside:
        raise CheckpointError(f"{folder / name} is a link that leaves the checkpoint folder")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_JSON:
            raise CheckpointError(f"{path} has {path.stat().st_size} bytes; accepted: at most {_MAX_JSON}")
        data = json.loads(path.read_text(encoding="utf-8"))
    except CheckpointError:
        raise
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no JSON, a number of 5000 digits
        raise CheckpointError(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} must hold a JSON object; received {type(data).__name__}")
    return data
