"""One tool in one process, for ``speed.py``: first result, single sentences, all sentences, peak memory, as one line of JSON.

    python benchmarks/speed_worker.py TOOL MODEL SENTENCES.json SECONDS

With 0 seconds only the labels of all sentences are printed.

Only the tool that is asked for is imported; each is used as its own documentation shows.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_SINGLE = 50  # sentences handed over one at a time
Read = Callable[[Sequence[str]], Any]


def pipeline(model: str, **options: Any) -> Read:
    from transformers import pipeline as make

    read = make("text-classification", model=model)
    return lambda texts: read(list(texts), **options)


def setfit(model: str) -> Read:
    from setfit import SetFitModel

    return SetFitModel.from_pretrained(model).predict


def sentence_transformers(model: str) -> Read:
    import numpy as np
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model)
    head = np.load(Path(model) / "head.npz", allow_pickle=False)
    return lambda texts: encoder.encode(list(texts)) @ head["weights"] + head["bias"] > 0


def framelens(model: str) -> Read:
    from framelens import Classifier

    return Classifier.load(model).classify


TOOLS: dict[str, Callable[[str], Read]] = {
    "pipeline": pipeline,
    "pipeline-batched": lambda model: pipeline(model, batch_size=32),
    "setfit": setfit,
    "sentence-transformers": sentence_transformers,
    "framelens": framelens,
}


def labels(results: Any) -> list[list[Any]]:
    """What a tool found, per sentence: frames of our documents, or the columns of a 0/1 matrix."""
    if isinstance(results, list):
        return [sorted({frame for s in document.sentences for frame in s.frames}) for document in results]
    return [[int(i) for i in row.nonzero()[0]] for row in results]


def peak_memory() -> float:
    """Megabytes of this process at its largest.

    Not from ``getrusage`` on Linux: there a child starts with the peak of the process that started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def main() -> None:
    tool, model, path, seconds = sys.argv[1:]
    texts: list[str] = json.loads(Path(path).read_text(encoding="utf-8"))
    read = TOOLS[tool](model)
    read(texts[:1])
    answer: dict[str, Any] = {"first_at": time.time()}
    if not float(seconds):
        print(json.dumps({**answer, "labels": labels(read(texts))}))
        return
    single = []
    for text in texts[1 : 1 + _SINGLE]:
        started = time.perf_counter()
        read([text])
        single.append(time.perf_counter() - started)
    passes: list[float] = []
    while sum(passes) < float(seconds):
        started = time.perf_counter()
        read(texts)
        passes.append(time.perf_counter() - started)
    answer["single_ms"] = 1000 * sorted(single)[len(single) // 2]
    answer["per_second"] = len(texts) / sorted(passes)[len(passes) // 2]
    answer["peak_mb"] = peak_memory()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
