from __future__ import annotations

import hashlib
import http.client
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from framelens import Columns, DataError, InputError, load_dataset
from framelens.cli import main
from framelens.labelling.codebook import read_codebook
from framelens.labelling.page import LabelServer
from framelens.labelling.sentences import read_sentences
from framelens.labelling.session import Session
from tests.conftest import ROOT, write_jsonl

CODEBOOK = """# Codebook

| label | the sentence ... | out |
|---|---|---|
| `weather` | is about **rain** and the like | a \\| b |
| `economy` | is about money | |
| (none) | neither | |

Hard cases: 1. "A storm of protest" is no `weather`.
"""
ROWS = [
    {"id": "s1", "article_id": "a", "text": "Rain fell on the harbour."},
    {"id": "s2", "article_id": "a", "text": "Shares of the firm fell."},
    {"id": "s3", "article_id": "b", "text": "The museum \x1b[31mopens at nine."},
    {"id": "s4", "article_id": "b", "text": "Rain cost the bank money."},
]


@pytest.fixture
def codebook(tmp_path):
    path = tmp_path / "CODEBOOK.md"
    path.write_text(CODEBOOK)
    return path


@pytest.fixture
def pool(tmp_path):
    return write_jsonl(tmp_path / "pool.jsonl", ROWS)


@pytest.fixture
def start(pool, codebook, tmp_path):
    def started(annotator="ada", output="labels.jsonl", **options):
        return Session(read_sentences(pool), read_codebook(codebook), tmp_path / output, annotator, **options)

    return started


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# The codebook


def test_definitions_from_a_table(codebook):
    book = read_codebook(codebook)
    assert book.labels == ("weather", "economy")
    assert book.definitions[0].parts == (("the sentence ...", "is about rain and the like"), ("out", "a | b"))
    assert book.definitions[1].parts == (("the sentence ...", "is about money"),)
    assert read_codebook(codebook, ["economy"]).labels == ("economy",)


def test_definitions_from_headings_and_yaml(tmp_path):
    markdown = tmp_path / "book.md"
    markdown.write_text(
        "# Book\n\n## `weather`\n\nRain and\nthe like.\n\n- snow\n\n## Notes\n\nOther.\n\n### `economy`\nMoney.\n"
    )
    book = read_codebook(markdown)
    assert [(d.label, d.parts) for d in book.definitions] == [
        ("weather", (("", "Rain and the like. - snow"),)),
        ("economy", (("", "Money."),)),
    ]
    configuration = tmp_path / "train.yaml"
    configuration.write_text("data: []\nlabels:\n  weather: rain\n  economy: money\n")
    assert read_codebook(configuration).definitions[0].parts == (("", "rain"),)


def test_the_projects_own_codebook_is_read():
    book = read_codebook(ROOT / "seeds" / "CODEBOOK.md")
    assert book.labels == ("security_threat", "protectionism", "cooperation_appeal")
    assert all(len(d.parts) == 3 for d in book.definitions)


def test_a_codebook_without_labels_says_what_it_should_look_like(tmp_path):
    path = tmp_path / "book.md"
    path.write_text("# Weather\n\nRain.\n")
    with pytest.raises(DataError, match="defines no label; in Markdown a label is"):
        read_codebook(path)
    with pytest.raises(DataError, match="No such file"):
        read_codebook(tmp_path / "none.md")


# The session


def test_decisions_are_on_disk_at_once_and_read_by_load_dataset(start, tmp_path):
    session = start()
    session.decide(["weather"])
    assert rows_of(tmp_path / "labels.jsonl")[0]["labels"] == ["weather"]
    session.decide(["economy"], unsure=True)
    session.skip()
    session.decide(["economy", "weather"])
    assert session.current is None
    data = load_dataset(tmp_path / "labels.jsonl", Columns(labels="labels"))
    assert [(s.id, s.labels, s.primary, s.article_id) for s in data] == [
        ("s1", ("weather",), "weather", "a"),
        ("s2", ("economy",), "economy", "a"),
        ("s4", ("economy", "weather"), "economy", "b"),
    ]
    assert [s.meta["unsure"] for s in data] == [False, True, False]
    assert {s.meta["annotator"] for s in data} == {"ada"}
    assert [r["id"] for r in rows_of(tmp_path / "labels.skipped.jsonl")] == ["s3"]


def test_it_resumes_where_it_was(start):
    start().decide(["weather"])
    again = start()
    assert (again.done, again.current.id) == (1, "s2")
    again.skip()
    assert start().current.id == "s3"


def test_undo_goes_back_over_a_skip_and_over_a_restart(start, tmp_path):
    session = start()
    session.decide(["weather"], unsure=True)
    session.skip()
    session = start()
    assert session.undo()
    assert session.current.id == "s2"
    assert rows_of(tmp_path / "labels.skipped.jsonl") == []
    assert session.undo()
    assert session.current.id == "s1"
    assert session.before["labels"] == ["weather"]
    assert session.before["unsure"] is True
    assert not session.undo()
    session.decide(["economy"])
    assert [r["labels"] for r in rows_of(tmp_path / "labels.jsonl")] == [["economy"]]


def test_annotators_share_a_file_and_touch_only_their_own_rows(start, tmp_path):
    ada, ben = start("ada"), start("ben")
    ada.decide(["weather"])
    ben.decide([])
    ada.decide(["economy"])
    ben.undo()
    assert [(r["annotator"], r["id"]) for r in rows_of(tmp_path / "labels.jsonl")] == [("ada", "s1"), ("ada", "s2")]
    ben.decide(["weather"])
    assert start("ben").current.id == "s2"
    assert start("ada").current.id == "s3"


def test_stand_off_rows_hold_no_text(start, pool, tmp_path):
    start(stand_off=True).decide(["weather"])
    row = rows_of(tmp_path / "labels.jsonl")[0]
    assert "text" not in row
    assert row["sha1"] == hashlib.sha1(str(ROWS[0]["text"]).encode()).hexdigest()
    data = load_dataset(tmp_path / "labels.jsonl", Columns(labels="labels"), texts=pool)
    assert data.texts == [ROWS[0]["text"]]


def test_a_line_cut_short_by_a_kill_is_dropped_and_a_whole_one_kept(start, tmp_path):
    output = tmp_path / "labels.jsonl"
    start().decide(["weather"])
    whole = output.read_bytes()
    output.write_bytes(whole + whole[: len(whole) // 2])
    assert start().done == 1
    assert output.read_bytes() == whole
    output.write_bytes(whole.rstrip(b"\n"))
    assert start().done == 1
    assert output.read_bytes() == whole


def test_wrong_decisions_are_refused(start, tmp_path, pool, codebook):
    session = start()
    with pytest.raises(InputError, match="labels are \\['rain'\\]; accepted: weather, economy"):
        session.decide(["rain"])
    with pytest.raises(InputError, match="'s2' is not the one to decide on; that is 's1'"):
        session.skip("s2")
    with pytest.raises(InputError, match="one label is needed; received 2"):
        start(single=True).decide(["weather", "economy"])
    with pytest.raises(DataError, match=r"ending '\.csv'"):
        start(output="labels.csv")
    assert not (tmp_path / "labels.jsonl").exists()
    session.decide([])
    write_jsonl(pool, [{**ROWS[0], "text": "Rain stopped."}, *ROWS[1:]])
    with pytest.raises(DataError, match="the text of 's1' was another when it was labelled"):
        start()


# The terminal

pty = pytest.importorskip("pty")


class Terminal:
    """``framelens label`` in a pseudo-terminal."""

    def __init__(self, *arguments: object) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm", "COLUMNS": "90", "LINES": "40"}
            os.execve(sys.executable, [sys.executable, "-m", "framelens.cli", "label", *map(str, arguments)], environment)
        self.seen = ""

    def expect(self, text: str, timeout: float = 120) -> None:
        """Read until ``text`` comes after what was expected before."""
        end = time.monotonic() + timeout
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            if not select.select([self.handle], [], [], 1)[0]:
                continue
            try:
                self.seen += os.read(self.handle, 65536).decode(errors="replace")
            except OSError as error:  # the other end is closed
                raise AssertionError(f"no {text!r} in {self.seen!r}") from error
        self.seen = self.seen.partition(text)[2]

    def press(self, keys: str) -> None:
        os.write(self.handle, keys.encode())

    def close(self) -> None:
        os.close(self.handle)  # hangs up a child that a failed test left behind

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal():
    """Opens terminals, and closes them after the test."""
    opened: list[Terminal] = []

    def opening(*arguments: object) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


def test_labelling_in_a_terminal_survives_a_kill(terminal, pool, codebook, tmp_path):
    output = tmp_path / "labels.jsonl"
    arguments = [pool, "-o", output, "--annotator", "ada", "--codebook", codebook]
    first = terminal(*arguments)
    first.expect("1 of 4   ada")
    first.expect("Rain fell on the harbour.")
    first.expect("Shares of the firm fell.")  # what follows in the article
    first.expect("1 [ ] weather")
    first.expect("the sentence ...: is about rain and the like")
    first.press("1")
    first.expect("1 [1] weather")
    first.press("\r")
    first.expect("2 of 4   ada")
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert [r["labels"] for r in rows_of(output)] == [["weather"]]

    second = terminal(*arguments, "--json")
    second.expect("2 of 4   ada")
    second.press("u")
    second.expect("1 of 4   ada")
    second.expect("1 [1] weather")  # as it was before it was taken back
    second.expect("The last decision is taken back.")
    second.press("\x1b[A2?\r")  # the arrow key is nothing
    second.expect("2 of 4   ada")
    second.press("0\r")
    second.expect("3 of 4   ada")
    second.expect("The museum  [31mopens at nine.")  # no escape sequence of the text reaches the terminal
    second.press("s")
    second.expect("Skipped.")
    second.press("q")
    second.expect(json.dumps({"output": str(output), "done": 3, "sentences": 4}))
    assert second.wait() == 0
    assert [(r["id"], r["labels"], r["unsure"]) for r in rows_of(output)] == [
        ("s1", ["weather", "economy"], True),
        ("s2", [], False),
    ]


def test_without_a_terminal_it_says_so(pool, codebook, tmp_path):
    options = ["label", str(pool), "-o", str(tmp_path / "x.jsonl"), "--annotator", "ada", "--codebook", str(codebook)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert "needs a terminal; --page" in result.stderr


# The page


@pytest.fixture
def server(start):
    with LabelServer(start()) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_the_page_labels_skips_and_takes_back(server, tmp_path):
    key = {"X-Framelens-Key": server.key}
    status, _, content = ask(server, "GET", "/state", **key)
    state = json.loads(content)
    assert (status, state["sentence"]["id"], state["sentence"]["after"]) == (200, "s1", ROWS[1]["text"])
    assert [(x["key"], x["label"]) for x in state["labels"]] == [("1", "weather"), ("2", "economy")]
    state = json.loads(ask(server, "POST", "/decide", {"id": "s1", "labels": ["weather"], "unsure": True}, **key)[2])
    assert (state["done"], state["sentence"]["id"]) == (1, "s2")
    assert rows_of(tmp_path / "labels.jsonl")[0]["unsure"] is True
    status, _, content = ask(server, "POST", "/decide", {"id": "s1", "labels": []}, **key)  # the key pressed twice
    assert status == 409
    assert "not the one to decide on" in json.loads(content)["error"]
    ask(server, "POST", "/skip", {"id": "s2"}, **key)
    ask(server, "POST", "/undo", {}, **key)
    state = json.loads(ask(server, "POST", "/undo", {}, **key)[2])
    assert (state["sentence"]["id"], state["chosen"], state["unsure"]) == ("s1", ["weather"], True)
    assert rows_of(tmp_path / "labels.jsonl") == []


def test_the_page_takes_nothing_from_elsewhere(server):
    assert server.server_address[0] == "127.0.0.1"
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
        status, headers, content = ask(server, "GET", path)
        assert (status, headers["Content-Type"].split(";")[0]) == (200, kind)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert b"http" not in content.replace(b"http-equiv", b"")
    assert ask(server, "GET", "/../session.py")[0] == 404


@pytest.mark.parametrize(
    "headers", [{}, {"X-Framelens-Key": "guess"}, {"X-Framelens-Key": "KEY", "Host": "evil.example"},
                {"X-Framelens-Key": "KEY", "Origin": "http://evil.example"}],
)  # fmt: skip
def test_others_can_neither_read_nor_decide(server, tmp_path, headers):
    headers = {name: server.key if value == "KEY" else value for name, value in headers.items()}
    for method, path, body in (("GET", "/state", None), ("POST", "/decide", {"id": "s1", "labels": []})):
        status, _, content = ask(server, method, path, body, **headers)
        assert status == 403
        assert b"Rain fell" not in content
    assert not (tmp_path / "labels.jsonl").exists()


def test_wrong_requests_get_a_reason(server):
    key = {"X-Framelens-Key": server.key}
    assert ask(server, "POST", "/decide", {"id": "s1", "labels": ["rain"]}, **key)[0] == 409
    assert ask(server, "POST", "/decide", {"id": "s1", "labels": "weather"}, **key)[0] == 409
    assert ask(server, "POST", "/decide", {"labels": []}, **key)[0] == 409
    assert ask(server, "POST", "/decide", ["s1"], **key)[0] == 409
    assert ask(server, "POST", "/erase", {}, **key)[0] == 404
    assert ask(server, "POST", "/decide", {"id": "x" * 200_000}, **key)[0] == 413


def test_the_page_by_keyboard_alone(browser, server, tmp_path):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.address)
    shown = page.locator("#progress")
    shown.filter(has_text="0 of 4").wait_for()
    assert "is about rain and the like" in page.locator(".choice").first.inner_text()
    for key in ("2", "1", "?", "Enter"):
        page.keyboard.press(key)
    shown.filter(has_text="1 of 4").wait_for()
    assert page.evaluate("document.activeElement.id") == "sentence"  # which a screen reader reads next
    page.keyboard.press("s")
    shown.filter(has_text="2 of 4").wait_for()
    for left in (1, 0):
        page.keyboard.press("u")
        shown.filter(has_text=f"{left} of 4").wait_for()
    assert page.locator("#unsure").is_checked()
    assert page.locator(".rank").all_inner_texts() == ["", "primary"]
    page.locator("#shortcuts").uncheck()
    page.keyboard.press("s")  # single keys are off; Enter and Tab do it
    page.keyboard.press("Enter")
    shown.filter(has_text="1 of 4").wait_for()
    assert [(r["id"], r["labels"], r["unsure"]) for r in rows_of(tmp_path / "labels.jsonl")] == [
        ("s1", ["economy", "weather"], True)
    ]
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert complaints == []
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{server.server_port}"}
    page.close()
