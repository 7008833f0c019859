from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
import yaml
from click import Context, Option
from click.testing import CliRunner

from framelens import Document
from framelens.cli import VERBS, main
from tests.conftest import toy_rows, toy_settings, write_jsonl

# No result is printed: a server, a conversation, steps that write a file.
ARTICLE = "Storm closes the coast road\n\nHeavy rain fell. Shares of the firm fell.\n"


@pytest.fixture
def run(toy_run):
    def invoke(*arguments: object, **options: object):
        words = [str(a) for a in arguments]
        if words[0] in ("classify", "evaluate") and "--model" not in words:
            words += ["--model", str(toy_run.checkpoint)]
        return CliRunner().invoke(main, words, **options)  # type: ignore[arg-type]

    return invoke


@pytest.fixture
def article(tmp_path):
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE)
    return path


def test_a_table_for_people(run, article):
    result = run("classify", article)
    assert result.exit_code == 0
    assert "Storm closes the coast road" in result.stdout
    assert "3 sentences: weather" in result.stdout


def test_jsonl_reads_back_as_documents(run, article):
    result = run("classify", article, "--json")
    row = json.loads(result.stdout)
    assert row["name"] == str(article)
    assert Document.from_dict(row).text == ARTICLE


def test_csv_has_a_row_per_sentence(run, article):
    rows = list(csv.DictReader(io.StringIO(run("classify", article, article, "--format", "csv").stdout)))
    assert len(rows) == 6
    assert rows[1]["text"] == "Heavy rain fell."
    assert ARTICLE[int(rows[1]["start"]) : int(rows[1]["end"])] == rows[1]["text"]
    assert 0 <= float(rows[1]["score_weather"]) <= 1


def test_standard_input(run):
    assert "Rain fell." in run("classify", "-", input="Rain fell.").stdout
    assert "no sentences" in run("classify", "-", input="").stdout


def test_a_file_of_articles(run, tmp_path):
    path = write_jsonl(tmp_path / "articles.jsonl", [{"id": "x", "body": "Rain fell."}, {"id": "y", "body": ""}])
    rows = [json.loads(line) for line in run("classify", path, "--text-column", "body", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == ["x", "y"]
    result = run("classify", path)
    assert result.exit_code == 1
    assert "articles.jsonl:1: no text in column 'text'; the columns are id, body" in result.stderr


def test_output_appears_whole_or_not_at_all(run, article, tmp_path):
    assert run("classify", article, "--json", "-o", tmp_path / "out.jsonl").stdout == ""
    assert json.loads((tmp_path / "out.jsonl").read_text())["text"] == ARTICLE
    result = run("classify", article, "-o", tmp_path / "no" / "folder.txt")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["classify", "missing.txt"], 1, "framelens: missing.txt: No such file or directory"),
        (["classify", "x.txt", "--model", "nowhere"], 1, "no checkpoint 'nowhere'"),
        (["classify"], 2, "Missing argument"),
        (["classify", "x.txt", "--format", "xml"], 2, "'xml' is not one of"),
        (["train", "missing.yaml"], 1, "no configuration at missing.yaml"),
        (["evaluate", "--data", "missing.csv"], 1, "missing.csv: no such file"),
        (["evaluate", "--data", "x.csv", "--text-column", "body"], 2, "name --label-column"),
        (["frame"], 2, "No such command"),
    ],
)
def test_mistakes_have_a_message_and_a_status(run, tmp_path, monkeypatch, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.txt").write_text("Rain fell.")
    result = run(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_bytes_that_are_no_utf8(run, tmp_path):
    (tmp_path / "latin.txt").write_bytes("Regen.\ncaf\xe9".encode("latin-1"))
    result = run("classify", tmp_path / "latin.txt")
    assert result.exit_code == 1
    assert "latin.txt:2: byte 0xe9 at offset 10 is not utf-8" in result.stderr
    assert "café" in run("classify", tmp_path / "latin.txt", "--encoding", "latin-1").stdout


def test_train_evaluate_publish(run, tiny_base, toy_file, tmp_path):
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(toy_settings(tiny_base, toy_file, tmp_path / "unused"), sort_keys=False))
    trained = run("train", tmp_path / "toy.yaml", "--output", tmp_path / "run", "--seed", 7, "--json")
    assert trained.exit_code == 0, trained.output
    metrics = json.loads(trained.stdout.splitlines()[-1])["metrics"]
    assert json.loads((tmp_path / "run/config.json").read_text())["optimisation"]["seed"] == 7
    published = run("publish", tmp_path / "run", tmp_path / "mine")
    assert published.exit_code == 0
    evaluated = run("evaluate", "--model", tmp_path / "mine", "--data", toy_file, "--json")
    assert json.loads(evaluated.stdout)["sentences"] == 80
    assert set(metrics) == {"dev", "test"}
    again = run("train", tmp_path / "toy.yaml", "--output", tmp_path / "run", "--seed", 7)
    assert again.exit_code == 1
    assert "already holds a run" in again.stderr


def test_evaluate_with_zero_one_columns(run, tmp_path):
    rows = [{"s": r["text"], **{x: int(x in r["labels"]) for x in ("weather", "economy")}} for r in toy_rows()]  # type: ignore[operator]
    path = write_jsonl(tmp_path / "wide.jsonl", rows)
    result = run("evaluate", "--data", path, "--text-column", "s", "--labels-column", "weather,economy")
    assert result.exit_code == 0, result.output
    assert "80 sentences of 80 articles" in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    help_text = CliRunner().invoke(main, [verb, "--help"]).stdout
    assert "Examples:" in help_text
    assert f"\n    framelens {verb}" in help_text
    command = main.get_command(Context(main), verb)
    undescribed = [p.name for p in command.params if isinstance(p, Option) and not p.help]
    assert not undescribed


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_json(verb):
    assert "--json" in CliRunner().invoke(main, [verb, "--help"]).stdout


def test_the_program_says_what_its_exit_status_means():
    help_text = CliRunner().invoke(main, ["--help"]).stdout
    assert "3 done, but some rows hold no article (corpus), 130 interrupted" in " ".join(help_text.split())


def test_no_verb_is_cut_short_in_the_list():
    listed = CliRunner().invoke(main, ["--help"]).stdout.partition("Commands:")[2].splitlines()[1:]
    assert [line.split()[0] for line in listed] == list(VERBS)
    assert not [line for line in listed if line.endswith("...")]


def test_variants_as_json(run, tmp_path):
    pool = write_jsonl(tmp_path / "pool.jsonl", [{"text": f"Heavy rain fell on the coast road in week {n}."} for n in range(4)])
    result = run("vary", pool, "--copies", 1, "-o", tmp_path / "varied.jsonl", "--json")
    written = (tmp_path / "varied.jsonl").read_text().splitlines()
    assert json.loads(result.stdout) == {"output": str(tmp_path / "varied.jsonl"), "sentences": len(written)}


def test_an_interruption_has_its_own_status(run, article, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("framelens.classifier.Classifier.load", interrupt)
    result = run("classify", article)
    assert result.exit_code == 130
    assert result.stderr == "framelens: interrupted\n"


def on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a program writes to a terminal."""
    main_end, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    variables = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "framelens.cli", *arguments],
        stdout=its_end, stderr=subprocess.DEVNULL, env={**variables, "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(its_end)
    written = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the program is
        while chunk := os.read(main_end, 4096):
            written += chunk
    os.close(main_end)
    assert process.wait() == 0
    return written.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_only(toy_run, article, toy_file):
    classify = ["classify", str(article), "--model", str(toy_run.checkpoint)]
    shown = on_a_terminal(classify)
    assert "\x1b[33m" in shown
    assert max(map(len, re.sub(r"\x1b\[\d*m", "", shown).splitlines()[:-1])) <= 100
    plain = on_a_terminal(classify, NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d*m", "", shown) == plain
    assert "\x1b" not in on_a_terminal(classify, TERM="dumb")
    piped = subprocess.run([sys.executable, "-m", "framelens.cli", *classify], capture_output=True, text=True, check=True)
    assert "\x1b" not in piped.stdout
    assert piped.stderr == ""  # progress is for terminals, too
    evaluated = on_a_terminal(["evaluate", "--data", str(toy_file), "--model", str(toy_run.checkpoint)])
    assert "\x1b[1mframe " in evaluated


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_FRAMELENS_COMPLETE" in result.stdout
    as_json = json.loads(CliRunner().invoke(main, ["completion", shell, "--json"]).stdout)
    assert as_json == {"shell": shell, "script": result.stdout.removesuffix("\n")}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("framelens cl", ["plain,classify"]),
        ("framelens classify --mod", ["plain,--model"]),
        ("framelens classify --model def", ["dir,def", "plain,default"]),
        ("framelens completion z", ["plain,zsh"]),
    ],
)
def test_what_is_completed(words, offered):
    """As bash asks: the completion script calls the program with these variables."""
    variables = {**os.environ, "_FRAMELENS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "from framelens.cli import main; main(prog_name='framelens')"
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
    assert done.stdout.split() == offered


def test_publish_as_json(run, toy_run, tmp_path):
    result = run("publish", toy_run.folder, tmp_path / "mine", "--json")
    described = json.loads(result.stdout)
    assert described["checkpoint"] == str(tmp_path / "mine")
    assert "model.int8.onnx" in described["files"]
