"""``framelens serve`` as users run it: a process, signals, the network."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from click.testing import CliRunner

from framelens import InputError
from framelens.cli import main
from framelens.server import serve
from framelens.server.run import check_exposure, is_loopback

from .fakes import FakeClassifier

KEY = "correct-horse-battery"


class Process:
    """A server in a process of its own, with a fake classifier that takes its time."""

    def __init__(self, seconds: float = 0.0, **options) -> None:
        code = (
            "from tests.server.fakes import FakeClassifier; from framelens.server import serve; "
            f"serve(FakeClassifier({seconds}), port=0, **{options!r})"
        )
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}:{os.environ.get('PYTHONPATH', '')}"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, env=environment, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[dict] = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(map(json.loads, self.process.stderr)))
        first = json.loads(self.process.stderr.readline())
        self.lines.append(first)
        self.url = first["url"]
        self.reader.start()
        self.wait_for("Application startup complete.")

    def wait_for(self, event: str) -> dict:
        for _ in range(1000):
            for line in self.lines:
                if line["event"] == event:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no {event!r} in {self.lines}")

    def classify(self, text: str) -> tuple[int, dict]:
        data = json.dumps({"text": text}).encode()
        request = urllib.request.Request(f"{self.url}classify", data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.reader.join(5)
        return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_requests_finish_and_ends_with_status_0(number):
    server = Process(seconds=1.0)
    answers = []
    client = threading.Thread(target=lambda: answers.append(server.classify("It rained.")))
    client.start()
    time.sleep(0.4)
    assert server.stop(number) == 0
    client.join(10)
    assert [status for status, _ in answers] == [200]
    assert answers[0][1]["sentences"][0]["frame"] == "weather"
    assert server.lines[-1]["event"] == "stopped"
    assert server.wait_for("request")["status"] == 200


def test_over_the_network_a_body_that_is_too_large_is_refused_and_the_server_goes_on():
    server = Process()
    try:
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:  # chunked: no length to look at
            connection.sendall(
                b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            sent = 0
            try:
                for _ in range(1000):  # 64 MiB, if the server let us
                    connection.sendall(block)
                    sent += len(block)
            except OSError:
                pass
            assert sent < 40 * 2**20
        assert server.classify("It rained.")[0] == 200
        assert any(line.get("status") == 413 for line in server.lines)
    finally:
        assert server.stop() == 0


def test_the_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1 port {port}: .*in use"):
            serve(FakeClassifier(), port=port)
    with pytest.raises(InputError, match="cannot listen on no such host"):
        serve(FakeClassifier(), host="no such host", api_key=KEY)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "localhost.example.org"])
def test_without_key_only_this_machine_is_served(host):
    assert not is_loopback(host)
    with pytest.raises(InputError, match=f"host {host} can be reached from other machines: an API key is needed"):
        check_exposure(host, None)
    check_exposure(host, KEY)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_key(host):
    check_exposure(host, None)


def test_a_name_of_a_proxy_needs_a_key_too():
    with pytest.raises(InputError, match=r"host name news\.example can be reached"):
        check_exposure("127.0.0.1", None, ["news.example"])


@pytest.mark.parametrize(
    ("key", "said"),
    [("short", "5 characters; accepted: 16"), ("with spaces in the key", "without spaces"), ("é" * 20, "ASCII")],
)
def test_a_poor_key(key, said):
    with pytest.raises(InputError, match=said):
        check_exposure("0.0.0.0", key)


def test_the_verb_refuses_exposure_without_key_and_names_what_helps(monkeypatch):
    monkeypatch.delenv("FRAMELENS_API_KEY", raising=False)
    result = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0"])
    assert result.exit_code == 1
    assert "--api-key or FRAMELENS_API_KEY" in result.output


def test_the_verb_hands_its_options_on(monkeypatch):
    import framelens.server as package

    seen = {}
    monkeypatch.setattr(package, "serve", lambda classifier, host, port, **options: seen.update(options, host=host, port=port))
    monkeypatch.setenv("FRAMELENS_API_KEY", KEY)
    result = CliRunner().invoke(
        main, ["serve", "--port", "9", "--max-body", "2", "--max-sentences", "3", "--max-requests", "4", "--timeout", "5"]
    )
    assert result.exit_code == 0, result.output
    assert (seen["host"], seen["port"], seen["api_key"]) == ("127.0.0.1", 9, KEY)
    limits = seen["limits"]
    assert (limits.body_bytes, limits.sentences, limits.concurrent, limits.seconds) == (2048, 3, 4, 5)


def test_the_verb_says_its_address_as_json(monkeypatch):
    import framelens.server as package

    monkeypatch.setattr(package, "serve", lambda *_, on_listening, **__: on_listening({"url": "http://127.0.0.1:9/"}))
    assert json.loads(CliRunner().invoke(main, ["serve", "--json"]).stdout) == {"url": "http://127.0.0.1:9/"}


def test_help_has_examples():
    result = CliRunner().invoke(main, ["serve", "--help"])
    assert "Examples:" in result.output
    assert "framelens serve --model" in result.output


def test_the_base_import_needs_no_extra():
    code = "import sys, framelens, framelens.cli; sys.exit(bool({'fastapi', 'uvicorn', 'starlette'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for name in [m for m in sys.modules if m.startswith("framelens.server")]:
        monkeypatch.delitem(sys.modules, name)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert "pip install 'framelens[serve]'" in result.output


def test_limits_must_be_above_zero():
    from framelens.server import Limits

    with pytest.raises(InputError, match="concurrent must be above 0; received 0"):
        Limits(concurrent=0)


def test_the_load_test_runs():
    pytest.importorskip("httpx2")
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "benchmarks/load.py", "--clients", "2", "--seconds", "1", "--threads", "1"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "errors" in done.stdout
    assert int(done.stdout.split("requests ")[1].split()[0]) > 0
