"""The routes: ``/classify``, ``/batch``, ``/labels``, ``/health``, ``/openapi.json``, and the page at ``/``."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import FileResponse, StreamingResponse

from framelens import __version__
from framelens.display import COLOURS
from framelens.errors import FramelensError
from framelens.schema import AUTHOR, STANCES, Document, LabelSet
from framelens.segment import split_sentences
from framelens.server import messages as m
from framelens.server.batching import Batcher
from framelens.server.guard import Guard, Record, problem
from framelens.server.limits import Limits
from framelens.server.logs import LOGGER, describe

_BATCH_WINDOW = 64  # lines of one /batch request at work at the same time
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": m.Problem, "description": "Not readable as JSON."},
    401: {"model": m.Problem, "description": "The API key is missing or wrong."},
    408: {"model": m.Problem, "description": "The request took too long to arrive."},
    413: {"model": m.Problem, "description": "The body is too large."},
    422: {"model": m.Problem, "description": "A field is missing, unknown or mistyped, or there are too many sentences."},
    503: {"model": m.Problem, "description": "Too many requests at work; Retry-After says when to try again."},
    504: {"model": m.Problem, "description": "No answer within the time limit."},
}
_NDJSON = "application/x-ndjson"


class Reads(Protocol):
    """What the server needs of a :class:`framelens.Classifier`."""

    name: str
    labels: LabelSet
    tasks: tuple[str, ...]

    def classify(self, texts: list[str], *, targets: Sequence[str] | None = ...) -> list[Document]:
        """Articles to documents."""


class TooMuchError(FramelensError):
    """A request holds more than the limits allow."""


def create_app(
    classifier: Reads, limits: Limits | None = None, *, api_key: str | None = None, hosts: Sequence[str] = ("*",)
) -> FastAPI:
    """The server as an ASGI application, to run under ``uvicorn`` or another server.

    Args:
        classifier: what reads the articles; usually ``Classifier.load()``.
        limits: None takes the defaults of :class:`Limits`.
        api_key: asked for as ``Authorization: Bearer`` by every route that classifies; None asks for nothing.
        hosts: accepted ``Host`` headers; ``"*"`` accepts all. Naming them keeps a web page that makes its own name point
            to this machine (DNS rebinding) from using the server.
    """
    limits = limits or Limits()

    def run(texts: list[str], targets: tuple[str, ...]) -> list[Document]:
        return classifier.classify(texts, targets=targets or None)

    batcher = Batcher(run, limits.batch_sentences, limits.engines)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    app = FastAPI(
        title="framelens",
        version=__version__,
        summary="Who frames what, how, and toward whom: framing analysis of news, sentence by sentence.",
        docs_url=None,  # FastAPI's viewers load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(Record),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(Guard, limits=limits, api_key=api_key),
        ],
    )
    app.state.batcher = batcher
    keyed = [Depends(HTTPBearer(auto_error=False))] if api_key else []  # for the description; Guard does the asking

    async def read(texts: list[str], targets: list[str], facts: dict[str, Any]) -> list[Document]:
        async with asyncio.timeout(limits.seconds):
            sentences = await asyncio.to_thread(_count_sentences, texts)
            if sentences > limits.sentences:
                raise TooMuchError(f"{sentences} sentences; accepted: at most {limits.sentences} in one request")
            facts["texts"] = facts.get("texts", 0) + len(texts)
            facts["sentences"] = facts.get("sentences", 0) + sentences
            return await batcher.classify(texts, sentences, targets)

    @app.post(
        "/classify",
        response_model=None,
        responses={**_PROBLEMS, 200: {"model": m.DocumentMessage | list[m.DocumentMessage]}},
        dependencies=keyed,
    )
    async def classify(body: m.ClassifyRequest, request: Request) -> Response:
        """Read one article, or several; the answer has the form of the question."""
        several = isinstance(body.text, list)
        texts = body.text if isinstance(body.text, list) else [body.text]
        if len(texts) > limits.texts:
            raise TooMuchError(f"{len(texts)} texts; accepted: at most {limits.texts} in one request")
        documents = await read(texts, body.targets, request.scope["facts"])
        content = await asyncio.to_thread(_json, documents if several else documents[0])
        return Response(content, media_type="application/json")

    @app.post(
        "/batch",
        response_model=None,
        responses={
            **_PROBLEMS,
            415: {"model": m.Problem, "description": "Another Content-Type."},
            200: {"content": {_NDJSON: {"schema": {"type": "string"}}}, "description": "A line for each line."},
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {_NDJSON: {"schema": {"type": "string", "examples": ['{"id": 1, "text": "It rained."}\n']}}},
            }
        },
        dependencies=keyed,
    )
    async def batch(request: Request) -> Response:
        """Read many articles: JSON lines with ``id``, ``text`` and ``targets`` in; JSON lines out, in their order, as they get done.

        A line that cannot be read has ``error`` in its answer, and the others go on.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _NDJSON:
            raise HTTPException(415, f"send JSON lines as Content-Type: {_NDJSON}")
        lines = [(n, line) for n, line in enumerate((await request.body()).split(b"\n"), start=1) if line.strip()]

        async def answer(number: int, line: bytes) -> str:
            entry: dict[str, Any] = {"line": number}
            try:
                item = m.BatchLine.model_validate_json(line)
                entry["id"] = item.id
                document = (await read([item.text], item.targets, request.scope["facts"]))[0]
                return await asyncio.to_thread(_json, document, entry)
            except ValidationError as error:
                entry["error"] = _validation_detail(error.errors())
            except TimeoutError:
                entry["error"] = f"not done within {limits.seconds:g} seconds"
            except FramelensError as error:
                entry["error"] = str(error)
            except Exception as error:
                LOGGER.error("batch line", extra={"fields": describe(error)})
                entry["error"] = "a fault of the server; its log has it"
            return json.dumps(entry)

        async def answers() -> AsyncIterator[str]:
            pending: deque[asyncio.Task[str]] = deque()
            try:
                for number, line in lines:
                    pending.append(asyncio.create_task(answer(number, line)))
                    if len(pending) == _BATCH_WINDOW:
                        yield await pending.popleft() + "\n"
                while pending:
                    yield await pending.popleft() + "\n"
            finally:
                for task in pending:
                    task.cancel()

        return StreamingResponse(answers(), media_type=_NDJSON)

    @app.get("/labels", dependencies=keyed, responses={401: _PROBLEMS[401]})
    async def labels() -> m.LabelsMessage:
        """The frames that the model knows, and the limits of this server."""
        known = classifier.labels
        return m.LabelsMessage(
            model=classifier.name,
            tasks=list(classifier.tasks),
            labels=[
                m.LabelMessage(name=name, description=known.descriptions.get(name, ""), threshold=known.threshold(name))
                for name in known.labels
                if name != known.none_label
            ],
            palette=list(COLOURS),
            stances=list(STANCES),
            author=AUTHOR,
            limits=m.LimitsMessage(**{name: getattr(limits, name) for name in m.LimitsMessage.model_fields}),
        )

    @app.get("/health")
    async def health() -> m.HealthMessage:
        """That the server runs."""
        return m.HealthMessage(status="ok", version=__version__, model=classifier.name, waiting=len(batcher))

    @app.exception_handler(RequestValidationError)
    async def refuse_fields(request: Request, error: RequestValidationError) -> Response:
        return problem(422, _validation_detail(error.errors()))

    @app.exception_handler(FramelensError)
    async def refuse_input(request: Request, error: FramelensError) -> Response:
        return problem(422, str(error))

    @app.exception_handler(TimeoutError)
    async def too_late(request: Request, error: TimeoutError) -> Response:
        return problem(504, f"no answer within {limits.seconds:g} seconds; send less text at once")

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        return problem(
            error.status_code, str(error.detail), **{k.replace("-", "_"): v for k, v in (error.headers or {}).items()}
        )

    # A route for each file and not a mount for all: no path from outside ever meets the file system.
    for page in Path(str(files("framelens") / "web")).iterdir():
        name = "" if page.name == "index.html" else page.name
        app.add_route(f"/{name}", partial(_file, page), methods=["GET"], include_in_schema=False)
    return app


async def _file(path: Path, request: Request) -> Response:
    return FileResponse(path)


def _count_sentences(texts: Iterable[str]) -> int:
    return sum(len(split_sentences(text)) for text in texts)


def _json(found: Document | list[Document], before: dict[str, Any] | None = None) -> str:
    data = [document.to_dict() for document in found] if isinstance(found, list) else {**(before or {}), **found.to_dict()}
    return json.dumps(data, ensure_ascii=False)


def _validation_detail(errors: Iterable[Any]) -> str:
    """Where and what, without the input: it may be long, private, or not even writable as UTF-8."""
    parts = (f"{'.'.join(str(at) for at in e['loc'] if at != 'body') or 'body'}: {e['msg']}" for e in errors)
    return "; ".join(dict.fromkeys(parts)).encode("utf-8", "replace").decode()[:1000]
