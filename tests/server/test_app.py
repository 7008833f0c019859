"""The HTTP API through Starlette's test client: no network, the fake classifier, and every limit."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from framelens.schema import Document
from framelens.server import Limits, create_app

from .fakes import LABELS, FakeClassifier, run_async

TEXT = "Rain fell on the quay. Minister Oda said the budget of the harbour board was gone. A dog slept."
KEY = "correct-horse-battery"
NDJSON = {"content-type": "application/x-ndjson"}


def client(classifier=None, limits: Limits | None = None, **options) -> TestClient:
    app = create_app(classifier or FakeClassifier(), limits, **options)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def api():
    with client() as opened:
        yield opened


def test_one_text_gives_the_document_that_the_library_gives(api):
    answer = api.post("/classify", json={"text": TEXT})
    assert answer.status_code == 200
    expected = FakeClassifier().classify([TEXT])[0]
    assert answer.json() == json.loads(expected.to_json())
    assert Document.from_dict(answer.json()).frame_shares() == expected.frame_shares()


def test_several_texts_give_as_many_documents_in_order(api):
    answer = api.post("/classify", json={"text": ["It rained.", "", "A song."]})
    assert [d["text"] for d in answer.json()] == ["It rained.", "", "A song."]
    assert [len(d["sentences"]) for d in answer.json()] == [1, 0, 1]
    assert api.post("/classify", json={"text": []}).json() == []


def test_targets_reach_the_classifier(api):
    answer = api.post("/classify", json={"text": "They thanked Lom.", "targets": ["Lom"]})
    assert [s["target"]["text"] for s in answer.json()["sentences"][0]["stances"]] == ["Lom"]


def test_the_packaged_checkpoint():
    from framelens import Classifier

    classifier = Classifier.load(threads=1)
    with client(classifier) as real:
        answer = real.post("/classify", json={"text": "Both sides agreed to keep talking."}).json()
        assert real.get("/labels").json()["tasks"] == ["frames", "source", "stance"]
    assert answer == json.loads(classifier.classify("Both sides agreed to keep talking.").to_json())


def test_labels_are_the_models_own(api):
    answer = api.get("/labels").json()
    assert [label["name"] for label in answer["labels"]] == list(LABELS.labels)
    assert answer["labels"][0] == {"name": "weather", "description": "rain & the <like>", "threshold": 0.4}
    assert answer["tasks"] == ["frames", "source", "stance"]
    assert answer["limits"]["sentences"] == 10_000
    assert len(set(answer["palette"])) == len(answer["palette"]) >= 8


def test_health(api):
    assert api.get("/health").json() == {
        "status": "ok", "version": __import__("framelens").__version__, "model": "fake@0123abcd", "waiting": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "JSON"),
        ("[]", "dictionary"),
        ("{}", "text: Field required"),
        ('{"text": 3}', "text"),
        ('{"text": null}', "text"),
        ('{"text": ["a", 3]}', "text"),
        ('{"text": "a", "texts": []}', "texts: Extra inputs"),
        ('{"text": "a", "targets": "x"}', "targets"),
        ('{"text": "a", "targets": [""]}', "targets.0"),
        ('{"text": "\\ud800"}', "text"),
        ('{"\\ud800": 1, "text": "a"}', "unicode"),
        ('{"text": ' + "[" * 50_000, ""),
        ('{"text": "a", "targets": ' + json.dumps(["x"] * 21) + "}", "targets: List should have at most 20 items"),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(api, body, said):
    answer = api.post("/classify", content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert said in answer.json()["detail"]


def test_a_form_of_another_site_cannot_make_the_server_work():
    classifier = FakeClassifier()
    with client(classifier) as api:  # browsers send such a request to other sites without asking first
        answer = api.post("/classify", content=b'{"text": "It rained."}', headers={"content-type": "text/plain"})
        assert answer.status_code == 422
        assert api.post("/batch", content=b'{"text": "a"}', headers={"content-type": "text/plain"}).status_code == 415
        assert "access-control-allow-origin" not in api.options("/classify", headers={"origin": "http://x.example"}).headers
    assert classifier.calls == []


@pytest.mark.parametrize("path", ["/nothing", "/../../etc/passwd", "/..%2f..%2fapp.py", "/docs", "/app.py", "/web/app.js"])
def test_other_paths_are_not_found(api, path):
    assert api.get(path).status_code == 404
    assert api.get(path).json() == {"detail": "Not Found"}


def test_other_methods_are_refused(api):
    for answer in (api.get("/classify"), api.put("/classify", json={"text": "a"}), api.options("/classify")):
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"


def test_every_answer_forbids_what_the_page_does_not_need(api):
    for answer in (api.get("/"), api.get("/app.js"), api.get("/health"), api.get("/nothing"), api.post("/classify", json={})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_needs_nothing_from_elsewhere(api):
    page = api.get("/").text
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick" not in page
    assert page.count("<script") == 1
    for name in ("", "app.js", "api.js", "dom.js", "document.js", "files.js", "link.js", "view.js", "style.css"):
        content = api.get(f"/{name}")
        assert content.status_code == 200
        assert "https://" not in content.text
        assert "innerHTML" not in content.text


# Limits


def test_a_body_that_says_it_is_too_large_is_refused_unread():
    with client(limits=Limits(body_bytes=1000)) as api:
        answer = api.post("/classify", json={"text": "x" * 1000})
        assert answer.status_code == 413
        assert "1000 bytes" in answer.json()["detail"]
        assert api.post("/classify", json={"text": "x" * 900}).status_code == 200


def test_a_streamed_body_is_refused_as_soon_as_it_is_too_large():
    sent = []

    def chunks():
        for i in range(1000):
            sent.append(i)
            yield b" " * 100

    with client(limits=Limits(body_bytes=1000)) as api:
        assert api.post("/classify", content=chunks(), headers={"content-type": "application/json"}).status_code == 413


def test_too_many_sentences_and_texts():
    with client(limits=Limits(sentences=5, texts=3)) as api:
        assert api.post("/classify", json={"text": "It rained. " * 5}).status_code == 200
        answer = api.post("/classify", json={"text": "It rained. " * 6})
        assert answer.status_code == 422
        assert answer.json()["detail"] == "6 sentences; accepted: at most 5 in one request"
        answer = api.post("/classify", json={"text": ["a"] * 4})
        assert answer.json()["detail"] == "4 texts; accepted: at most 3 in one request"


def test_an_answer_that_takes_too_long():
    with client(FakeClassifier(seconds=0.6), Limits(seconds=0.2)) as api:
        started = time.monotonic()
        answer = api.post("/classify", json={"text": TEXT})
        assert answer.status_code == 504
        assert "0.2 seconds" in answer.json()["detail"]
        assert time.monotonic() - started < 0.6


def test_beyond_the_concurrent_requests_clients_are_asked_to_come_back():
    classifier = FakeClassifier(seconds=0.5)
    with client(classifier, Limits(concurrent=2, engines=1)) as api, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: api.post("/classify", json={"text": f"Rain {i}."}), range(6)))
        busy = [a for a in answers if a.status_code == 503]
        assert sorted(a.status_code for a in answers if a.status_code != 503) == [200, 200]
        assert len(busy) == 4
        assert all(a.headers["retry-after"] == "1" for a in busy)
        assert api.post("/classify", json={"text": "Later."}).status_code == 200  # the places are free again


def test_health_answers_while_all_places_are_taken():
    with client(FakeClassifier(seconds=0.5), Limits(concurrent=1)) as api, ThreadPoolExecutor(1) as pool:
        running = pool.submit(api.post, "/classify", json={"text": TEXT})
        time.sleep(0.15)
        assert api.get("/health").status_code == 200
        assert not running.done()


def test_concurrent_requests_share_engine_calls():
    classifier = FakeClassifier(seconds=0.1)
    with client(classifier, Limits(engines=1)) as api, ThreadPoolExecutor(16) as pool:
        texts = [f"Storm number {i} passed. It was rain." for i in range(16)]
        answers = list(pool.map(lambda text: api.post("/classify", json={"text": text}).json(), texts))
    assert [a["text"] for a in answers] == texts
    assert len(classifier.calls) < 8
    assert max(len(call) for call, _ in classifier.calls) > 2


# Batch


def lines(answer) -> list[dict]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_batch_answers_line_by_line_and_a_bad_line_spoils_no_other(api):
    rows = [
        '{"id": "a", "text": "It rained."}',
        "",
        "{",
        '{"id": 7, "text": "A song.", "targets": []}',
        '{"id": 8}',
        '{"text": "\\ud800"}',
        "3",
    ]
    answer = api.post("/batch", content="\n".join(rows).encode(), headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = lines(answer)
    assert [f["line"] for f in found] == [1, 3, 4, 5, 6, 7]
    assert [f.get("id") for f in found] == ["a", None, 7, None, None, None]
    assert [f.get("text") for f in found] == ["It rained.", None, "A song.", None, None, None]
    assert all("error" in f for f in (found[1], found[3], found[4], found[5]))


def test_batch_of_many_lines_keeps_their_order(api):
    rows = "".join(json.dumps({"id": i, "text": f"Rain {i}. " * (i % 5)}) + "\n" for i in range(300))
    found = lines(api.post("/batch", content=rows.encode(), headers=NDJSON))
    assert [f["id"] for f in found] == list(range(300))
    assert [len(f["sentences"]) for f in found] == [i % 5 for i in range(300)]


def test_batch_reports_a_line_with_too_much_and_a_fault_without_its_text(api, caplog):
    with client(limits=Limits(sentences=2)) as small:
        rows = b'{"text": "One. Two. Three."}\n{"text": "It rained."}\n{"text": "MELTDOWN here."}\n{"text": "A song."}'
        found = lines(small.post("/batch", content=rows, headers=NDJSON))
    assert found[0]["error"] == "3 sentences; accepted: at most 2 in one request"
    assert found[1]["sentences"]
    assert found[2] == {"line": 3, "id": None, "error": "a fault of the server; its log has it"}
    assert found[3]["sentences"]


# Key and host


def test_an_api_key_protects_everything_but_the_page_and_health():
    with client(api_key=KEY) as api:
        for wrong in (
            {},
            {"authorization": KEY},
            {"authorization": "Bearer "},
            {"authorization": f"Bearer {KEY}x"},
            {"authorization": "Basic é"},
        ):
            headers = {k: v.encode("latin-1") for k, v in wrong.items()}
            for refused in (
                api.post("/classify", json={"text": TEXT}, headers=headers),
                api.post("/batch", content=b"{}", headers={**NDJSON, **headers}),
                api.get("/labels", headers=headers),
            ):
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == "Bearer"
                assert KEY not in refused.text
        right = {"authorization": f"Bearer {KEY}"}
        assert api.post("/classify", json={"text": TEXT}, headers=right).status_code == 200
        assert api.get("/labels", headers=right).status_code == 200
        assert api.get("/").status_code == 200
        assert api.get("/health").status_code == 200
        assert "HTTPBearer" in api.get("/openapi.json").text


def test_a_body_without_key_is_not_read():
    read = []

    def body():
        read.append(1)
        yield b"{}"

    with client(api_key=KEY, limits=Limits(concurrent=1)) as api:
        assert api.post("/classify", content=body(), headers={"content-type": "application/json"}).status_code == 401


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("[::1]:8000", 200), ("evil.example", 400), ("", 400)])
def test_only_the_named_hosts_are_served(host, status):
    with client(hosts=("localhost", "127.0.0.1", "[::1]")) as api:
        assert api.get("/health", headers={"host": host}).status_code == status


# Logs and faults


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="framelens.server")
    return lambda: [record.fields for record in caplog.records if record.getMessage() == "request"]


def test_the_log_says_what_a_request_cost_and_nothing_of_its_text(api, log, caplog):
    answer = api.post("/classify?note=SECRET", json={"text": TEXT}, headers={"user-agent": "SECRET"})
    api.get("/SECRET")
    api.request("SECRET", "/classify")
    first, second, third = log()
    assert (first["route"], first["method"], first["status"], first["texts"], first["sentences"]) == (
        "/classify",
        "POST",
        200,
        1,
        3,
    )
    assert first["bytes"] > len(TEXT)
    assert first["id"] == answer.headers["x-request-id"]
    assert second["status"] == 404
    assert third["status"] == 405
    written = json.dumps(log())
    assert "SECRET" not in written
    assert "Oda" not in written


def test_a_fault_is_logged_by_type_and_place_and_answered_without_details(api, log):
    from framelens.server.logs import JsonLines

    answer = api.post("/classify", json={"text": "MELTDOWN of a secret."})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"]
    entry = log()[-1]
    assert entry["error"] == "RuntimeError"
    assert any("fakes.py" in at for at in entry["at"])
    record = logging.LogRecord("framelens.server", logging.ERROR, "", 0, "request", None, None)
    record.fields = entry
    line = JsonLines().format(record)
    assert json.loads(line)["level"] == "error"
    assert "secret" not in line
    assert answer.headers["x-request-id"] in answer.json()["detail"]


def test_foreign_log_records_are_written_without_their_message():
    from framelens.server.logs import JsonLines

    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "Task %s failed", ("with SECRET",), None)
    assert "SECRET" not in JsonLines().format(record)
    try:
        raise ValueError("SECRET")
    except ValueError as error:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "", 0, "Exception in ASGI application", None, (ValueError, error, None)
        )
    assert json.loads(JsonLines().format(record))["error"] == "ValueError"
    assert "SECRET" not in JsonLines().format(record)


# Clients that leave, and the description


def test_work_that_nobody_waits_for_is_given_up():
    """Straight ASGI: the client of the second request leaves while it waits behind the first."""
    import asyncio

    classifier = FakeClassifier(seconds=0.3)
    app = create_app(classifier, Limits(engines=1))

    async def request(text: str, leave_after: float | None) -> list[dict]:
        body = json.dumps({"text": text}).encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/classify",
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }  # fmt: skip
        messages, sent = [{"type": "http.request", "body": body, "more_body": False}], []

        async def receive():
            if messages:
                return messages.pop(0)
            await asyncio.sleep(leave_after or 60)
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)
        return sent

    async def body():
        async with app.router.lifespan_context(app):
            first = asyncio.create_task(request("Rain.", None))
            await asyncio.sleep(0.1)
            assert await request("Snow.", 0.05) == []
            assert (await first)[0]["status"] == 200
            assert len(app.state.batcher) == 0

    run_async(asyncio.wait_for(body(), 10))
    assert [texts for texts, _ in classifier.calls] == [["Rain."]]


def test_a_request_that_does_not_arrive_is_given_up():
    import asyncio

    from framelens.server.guard import Guard

    sent = []

    async def receive():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message):
        sent.append(message)

    guard = Guard(None, Limits(seconds=0.2), None)
    scope = {"type": "http", "method": "POST", "path": "/classify", "headers": [], "facts": {}}
    run_async(asyncio.wait_for(guard(scope, receive, send), 5))
    assert sent[0]["status"] == 408


def test_the_description_names_routes_limits_and_errors(api):
    description = api.get("/openapi.json").json()
    assert set(description["paths"]) == {"/classify", "/batch", "/labels", "/health"}
    assert {"200", "401", "408", "413", "422", "503", "504"} <= set(description["paths"]["/classify"]["post"]["responses"])
    assert "requestBody" in description["paths"]["/batch"]["post"]


def test_threads_of_the_engine_end_with_the_server():
    before = set(threading.enumerate())
    with client() as api:
        api.post("/classify", json={"text": TEXT})
        assert [t for t in set(threading.enumerate()) - before if t.name.startswith("framelens-engine")]
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("framelens-engine")]
