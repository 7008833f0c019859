"""Fuzz what takes foreign input: ``classify``, the readers, a checkpoint folder, and the HTTP API.

    pip install 'framelens[fuzz]'
    python benchmarks/fuzz.py text --minutes 10
    python benchmarks/fuzz.py readers --minutes 10
    python benchmarks/fuzz.py checkpoint --minutes 5
    python benchmarks/fuzz.py api --minutes 10

The first three are coverage-guided (atheris, libFuzzer): they stop at the first input that breaks a promise and keep it in
the folder ``--keep``; the promises are in the functions below. ``api`` runs schemathesis against a server with the default
checkpoint until the time is over: every answer must be one that the OpenAPI description announces. One line at the end says what was run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DICTIONARIES = {
    "text": ['"', "“", "”", "‘", "’", "\n\n", "\r\n", "\x85", "\u2028", "Mr.", "p.m.", "U.S.", "No. 5", "? ", "… ", "🎶", "\xa0", "\ufeff"],
    "readers": ["text,label\n", '"', '""', "\r\n", '{"text": "', "[", "NaN", "1e999", "\ufeff", "\t", "\\ud800", "PAR1"],
    "checkpoint": ['{"', '"format": 1', '"files"', '"sha256"', '"bytes"', '"max_length"', "../", "1e999", "NaN", "true", '"labels"',
                   '"thresholds"', '"calibration"', '"multi_label"', '"name"', "[[[[", "-1"],
}  # fmt: skip


HOOKS = """
import json, re, schemathesis

@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    text = value if isinstance(value, str) else json.dumps(value)
    return (json.dumps({"id": 1, "text": text}) + "\\n" + text).encode("utf-8", "surrogatepass")

@schemathesis.hook
def filter_body(context, body):
    # "At least one letter or digit" has no pattern that JSON Schema and Python read alike.
    targets = body.get("targets") if isinstance(body, dict) else None
    return not isinstance(targets, list) or all(re.search(r"\\w", t) for t in targets if isinstance(t, str))
"""


# A line of /batch that is none has its error in its own line of the answer: the request as a whole is accepted.
SETTINGS = """
[[operations]]
include-path = "/batch"
checks.negative_data_rejection.enabled = false
"""


def text_target() -> Callable[[bytes], None]:
    """Any text gives sentences in order, each where it says it is; every eighth goes through the model as well, and its document
    survives JSON. Half a surrogate pair is an InputError."""
    from framelens import Classifier, Document, InputError, split_sentences

    classifier = Classifier.load(threads=1)
    ways = (("utf-8", "replace"), ("latin-1", "strict"), ("utf-16-le", "surrogatepass"))

    def check(data: bytes) -> None:
        choice, content = (data or b"\0")[0], data[1:]
        encoding, errors = ways[choice % 3]
        text = content[: len(content) // 2 * 2].decode(encoding, errors)
        if any("\ud800" <= c <= "\udfff" for c in text):
            try:
                classifier.classify(text)
            except InputError:
                return
            raise AssertionError("half a surrogate pair was read")
        at = 0
        for s in split_sentences(text):
            assert text[s.start : s.end] == s.text
            assert s.text.strip()
            assert at <= s.start
            at = s.end
        if choice >= 32:
            return
        document = classifier.classify(text)
        assert all(0 <= score <= 1 for s in document.sentences for score in s.scores.values())
        assert Document.from_json(document.to_json()) == document

    return check


def readers_target() -> Callable[[bytes], None]:
    """Any file gives rows, bad rows with their place, or a FramelensError."""
    from framelens import FramelensError
    from framelens.cli.files import articles
    from framelens.readers import FORMATS, BadRow, read_rows

    suffixes = list(FORMATS)
    encodings = ("utf-8", "cp1252", "utf-16", "latin-1", "nonsense", "idna", "base64")
    folder = Path(tempfile.mkdtemp())

    def check(data: bytes) -> None:
        choice, content = (data or b"\0")[0], data[1:]
        path = folder / f"file{suffixes[choice % len(suffixes)]}"
        path.write_bytes(content)
        encoding = encodings[choice // 8 % len(encodings)] if choice & 4 else "utf-8"
        try:
            for row in read_rows(path, encoding):
                assert row.where.startswith(str(path))
                assert str(row) if isinstance(row, BadRow) else row.values is not None
            for _, text in articles(str(path), "text", encoding):
                assert isinstance(text, str)
        except FramelensError:
            return

    return check


def checkpoint_target() -> Callable[[bytes], None]:
    """A folder with any manifest and any labels opens, or is refused with a CheckpointError; checksums made to fit or not."""
    from framelens import CheckpointError, available_checkpoints
    from framelens.checkpoint import LABELS, MANIFEST, ONNX, TOKENIZER, open_checkpoint, sha256

    folder = Path(tempfile.mkdtemp())
    (folder / ONNX).write_bytes(b"onnx")
    (folder / TOKENIZER).write_text("{}")
    labels = (available_checkpoints()["default"] / LABELS).read_bytes()
    entry = lambda name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}  # noqa: E731

    def check(data: bytes) -> None:
        fit, content = (data or b"\0")[0] % 3, data[1:]
        if fit == 0:
            (folder / MANIFEST).write_bytes(content)
        elif fit == 1:
            (folder / LABELS).write_bytes(content)
            files = {name: entry(name) for name in (LABELS, ONNX, TOKENIZER)}
            (folder / MANIFEST).write_text(json.dumps({"format": 1, "max_length": 32, "files": files}))
        else:  # fields of our choice beside files that are right
            (folder / LABELS).write_bytes(labels)
            files = {name: entry(name) for name in (LABELS, ONNX, TOKENIZER)}
            try:
                fields = json.loads(content)
            except (ValueError, RecursionError):
                fields = {}
            fields = fields if isinstance(fields, dict) else {"max_length": fields}
            (folder / MANIFEST).write_text(json.dumps({"format": 1, "max_length": 32, "files": files, **fields}))
        try:
            opened = open_checkpoint(folder, need=None)
        except CheckpointError:
            return
        assert opened.max_length > 0
        assert opened.name
        opened.labels.select([0.5] * len(opened.labels.labels))

    return check


def guided(what: str, minutes: float, keep: Path) -> None:
    """Run one target under atheris; libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["framelens"]):
        check = {"text": text_target, "readers": readers_target, "checkpoint": checkpoint_target}[what]()
    corpus = keep / f"corpus-{what}"
    corpus.mkdir(parents=True, exist_ok=True)
    words = keep / f"{what}.dict"
    words.write_text("".join(f'"{w}"\n' for w in map(_escaped, DICTIONARIES[what])))
    for number, seed in enumerate(_seeds(what)):
        (corpus / f"seed{number}").write_bytes(seed)
    arguments = [
        f"-max_total_time={int(60 * minutes)}",
        f"-dict={words}",
        "-timeout=20",
        "-max_len=6000",
        "-rss_limit_mb=4096",
        "-len_control=20",
    ]
    atheris.Setup([sys.argv[0], *arguments, f"-artifact_prefix={keep}/", "-print_final_stats=1", str(corpus)], check)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def _seeds(what: str) -> list[bytes]:
    root = Path(__file__).parents[1]
    if what == "text":
        cases = json.loads((root / "benchmarks/data/segmentation_cases.json").read_text())
        strings = [s for s in _strings(cases) if len(s) < 2000]
        return [(b"\0" if i % 8 == 0 else b"\x21") + s.encode() for i, s in enumerate(strings[:300])]
    if what == "readers":
        return [b"\0text,label\na,b\n", b'\2{"text": "a"}\n{"text": 3}\n', b'\0"a""b",c\r\n1,2\r\n', b"\1text\tx\n1\t2\n"]
    default = root / "models/default"
    return [
        b"\0" + (default / "manifest.json").read_bytes(),
        b"\1" + (default / "labels.json").read_bytes(),
        b'\2{"name": "x"}',
    ]


def _strings(data: object) -> list[str]:
    if isinstance(data, str):
        return [data]
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else []
    return [s for item in items for s in _strings(item)]


def api(minutes: float, keep: Path) -> None:
    """Schemathesis against a server of its own."""
    keep.mkdir(parents=True, exist_ok=True)
    log = (keep / "server.log").open("w")
    command = [sys.executable, "-m", "framelens.cli", "serve", "--port", "0", "--threads", "1", "--max-body", "256"]
    server = subprocess.Popen(command, stderr=log, env={**os.environ, "FRAMELENS_API_KEY": ""})
    try:
        while "listening" not in (text := (keep / "server.log").read_text()):
            if server.poll() is not None:
                sys.exit(f"the server did not start: {text}")
            time.sleep(0.2)
        url = next(json.loads(line)["url"] for line in text.splitlines() if "listening" in line)
        (keep / "hooks.py").write_text(HOOKS)
        (keep / "schemathesis.toml").write_text(SETTINGS)
        program = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        settings = str(keep.resolve() / "schemathesis.toml")  # every check is on unless it says otherwise
        run = [str(program), "--config-file", settings, "run", f"{url}openapi.json", "--phases", "coverage,fuzzing", "--mode", "all",
               "--no-color", "--max-examples", "1000000", "--max-time", f"{60 * minutes:.0f}", "--request-timeout", "60",
               "--continue-on-failure"]  # fmt: skip
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": f"{keep.resolve()}:{os.environ.get('PYTHONPATH', '')}",
        }
        done = subprocess.run(run, capture_output=True, text=True, env=environment, cwd=keep)  # it leaves files where it runs
        (keep / "schemathesis.txt").write_text(done.stdout + done.stderr)
        alive = server.poll() is None
    finally:
        server.terminate()
        server.wait(60)
    entries = [json.loads(line) for line in (keep / "server.log").read_text().splitlines()]
    requests = [e for e in entries if e["event"] == "request"]
    faults = [e for e in requests if e["status"] >= 500]
    print(done.stdout[-1500:])
    print(
        f"api: {minutes:g} minutes, exit {done.returncode}, {len(requests)} requests, {len(faults)} answered 5xx; "
        f"server {'alive' if alive else 'dead'} at the end; {keep}/schemathesis.txt has the findings"
    )
    sys.exit(1 if done.returncode or faults or not alive else 0)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["text", "readers", "checkpoint", "api"])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="folder for corpus and findings")
    given = parser.parse_args()
    if given.what == "api":
        api(given.minutes, given.keep)
    else:
        given.keep.mkdir(parents=True, exist_ok=True)
        guided(given.what, given.minutes, given.keep)


if __name__ == "__main__":
    main()
