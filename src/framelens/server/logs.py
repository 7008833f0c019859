"""Logs as JSON lines. They never hold what users sent: no text, no query, no header, no address, no exception message."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

LOGGER = logging.getLogger("framelens.server")
_PLAIN = (LOGGER.name, "uvicorn", "py.warnings")


class JsonLines(logging.Formatter):
    """One JSON object a record: time (UTC), level, event, and the fields handed over as ``extra={"fields": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            # What other libraries write of their own accord (asyncio's complaints) may quote arguments.
            "event": record.getMessage() if record.name.startswith(_PLAIN) else record.name,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry.update(describe(record.exc_info[1]))
        return json.dumps(entry, ensure_ascii=False)


def describe(error: BaseException) -> dict[str, object]:
    """Type and place of an error. Its message is left out, since it may quote what a user sent."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return {"error": type(error).__name__, "at": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def configure() -> None:
    """Send the server's, uvicorn's and Python's own warnings to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in (*_PLAIN, "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
