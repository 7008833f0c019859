"""Sentences to logits, fast on a CPU: ONNX Runtime, the ``tokenizers`` package, and batches of like length.

Nothing here knows what the labels mean. A sentence longer than the model's window is read in overlapping windows and each
label keeps its highest logit: the sentence carries a frame if a part of it does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from threading import Semaphore
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from framelens.annotations import Offsets
from framelens.checkpoint import ONNX, TOKENIZER, Checkpoint
from framelens.errors import CheckpointError, InputError
from framelens.parallel import in_order
from framelens.schema import STANCES, TAGS
from framelens.tokens import Tokens, whole_offsets

Array = np.ndarray[Any, Any]
_Spans = list[list[tuple[int, int, float]]]  # of each window
_Key = tuple[str, tuple[Offsets, ...]]  # a sentence and its targets

DEFAULT_BATCH_TOKENS = 512
# Fusions that ONNX Runtime offers and that cost more than they save on a CPU (measured: docs/speed.md).
SLOW_FUSIONS = ("SkipLayerNormFusion", "AttentionFusion", "BiasGeluFusion", "EmbedLayerNormFusion")
_CHUNK = 1024  # sentences tokenised at a time: bounds memory, and is enough to fill batches of like length (2.6% padding)
_SMALLEST_BATCH = 256  # tokens; smaller ones cost more a token
_OVERLAP = 16  # tokens shared by neighbouring windows of a long sentence


@dataclass(frozen=True)
class Reading:
    """Raw outputs for ``n`` sentences.

    Attributes:
        logits: shape ``(n, labels)``; None without a frames head.
        sources: per sentence, the spans ``(start, end, probability)``; None without a source head.
        stances: per sentence, shape ``(targets, 3)``: probabilities in the order of ``STANCES``; None without a stance head.
    """

    logits: Array | None = None
    sources: Sequence[Sequence[tuple[int, int, float]]] | None = None
    stances: Sequence[Array] | None = None


@dataclass(frozen=True, slots=True)
class _Window:
    """A sentence or a part of it; ``tokens`` are kept where spans are asked for, ``targets`` as (place, mask)."""

    sentence: int
    ids: list[int]
    tokens: Tokens | None = None
    targets: tuple[tuple[int, list[int]], ...] = ()


class Engine:
    """An ONNX session and its tokenizer. Safe to use from several threads.

    Args:
        checkpoint: a verified checkpoint.
        device: ``"cpu"``, or ``"cuda"`` where ``onnxruntime-gpu`` is installed.
        threads: batches computed at the same time, a thread each; None takes the cores this process may use.

    Raises:
        CheckpointError: ONNX Runtime or ``tokenizers`` cannot read the files.
        InputError: the device is unknown or not available.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", threads: int | None = None) -> None:
        providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
        if providers.get(device) not in onnxruntime.get_available_providers():
            offered = [name for name, provider in providers.items() if provider in onnxruntime.get_available_providers()]
            raise InputError(f"device {device!r} is not available; here: {', '.join(offered)}")
        if threads is not None and threads < 1:
            raise InputError(f"threads must be 1 or more; received {threads}")
        options = onnxruntime.SessionOptions()
        # One thread a batch and several batches at a time: no thread waits for another within an operator.
        self.threads = threads or usable_cores()
        self._turns = Semaphore(self.threads)
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # it keeps memory for every shape that a batch has had
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(checkpoint.file(ONNX)),
                sess_options=options,
                providers=[providers[device]],
                disabled_optimizers=list(SLOW_FUSIONS),
            )
            self._tokenizer = Tokenizer.from_file(str(checkpoint.file(TOKENIZER)))
        except Exception as error:  # both raise classes of their own that derive from Exception alone
            raise CheckpointError(f"{checkpoint.path}: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._max_length = checkpoint.max_length
        self._prefix, self._suffix = self._special_tokens()
        self.tasks = checkpoint.tasks
        self.num_labels = len(checkpoint.labels.labels)
        widths = {node.name: node.shape[-1] for node in self._session.get_outputs()}
        self._outputs = list(widths)
        wanted = {"frames": ("logits", self.num_labels), "source": ("source", len(TAGS)), "stance": ("stance", len(STANCES))}
        for name, width in (wanted[task] for task in self.tasks):
            if widths.get(name) != width:
                raise CheckpointError(
                    f"{checkpoint.path}: the model gives {widths.get(name)} scores as {name!r}; {width} are needed"
                )

    def logits(
        self,
        sentences: Sequence[str],
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], Any] | None = None,
    ) -> Array:
        """The frames head's raw outputs, float32 of shape ``(len(sentences), num_labels)``; see :meth:`read`."""
        return np.asarray(self.read(sentences, batch_tokens=batch_tokens, progress=progress, sources=False).logits)

    def read(
        self,
        sentences: Sequence[str],
        targets: Sequence[Sequence[Offsets]] | None = None,
        *,
        sources: bool = True,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], Any] | None = None,
    ) -> Reading:
        """The raw outputs of every head.

        Args:
            sentences: the texts, in any order; equal ones with equal targets are computed once.
            targets: per sentence, the characters of the targets to find the stance toward.
            sources: whether to look for sources.
            batch_tokens: tokens in one batch, padding included. Larger is not always faster on a CPU.
            progress: called with the number of sentences just finished.

        Returns:
            Results in the order of ``sentences``. Of the windows of a long sentence, the highest logit counts for each label,
            each source is taken from where it stands, and each target from the first window that holds it.
        """
        if batch_tokens < 1:
            raise InputError(f"batch_tokens must be 1 or more; received {batch_tokens}")
        asked = [tuple(spans) for spans in targets] if targets is not None and "stance" in self.tasks else [()] * len(sentences)
        first: dict[_Key, int] = {}
        place = [first.setdefault(key, len(first)) for key in zip(sentences, asked, strict=True)]
        unique = list(first)
        logits = np.full((len(unique), self.num_labels), -np.inf, dtype=np.float32)
        found: list[list[tuple[int, int, float]]] = [[] for _ in unique] if "source" in self.tasks else []
        stances: list[Array] = []
        if "stance" in self.tasks:
            stances = [np.full((len(spans), len(STANCES)), 1 / len(STANCES), dtype=np.float32) for _, spans in unique]
        spans_needed = (sources and "source" in self.tasks) or any(asked)
        batches = (batch for windows in self._chunks(unique, spans_needed) for batch in _batches(windows, batch_tokens))
        for batch, out, spans in self._run_all(batches, sources and "source" in self.tasks):
            rows = [window.sentence for window in batch]
            if "frames" in self.tasks:
                np.maximum.at(logits, rows, out["logits"])
            for row, seen in zip(rows, spans, strict=False):
                found[row] += seen
            judged = [(window.sentence, target) for window in batch for target, _ in window.targets]
            if judged:
                for (sentence, target), scores in zip(judged, softmax(out["stance"]), strict=True):
                    stances[sentence][target] = scores
            if progress is not None:
                progress(len(set(rows)))
        if progress is not None and len(sentences) > len(unique):
            progress(len(sentences) - len(unique))
        return Reading(
            logits[place] if "frames" in self.tasks else None,
            [_apart(found[i], sentence) for i, sentence in zip(place, sentences, strict=True)]
            if sources and "source" in self.tasks
            else None,
            [stances[i] for i in place] if "stance" in self.tasks else None,
        )

    def _chunks(self, keys: Sequence[_Key], spans: bool) -> Iterator[list[_Window]]:
        """The windows of ``_CHUNK`` sentences at a time, in order; while the caller computes one chunk the next is tokenised."""
        starts = range(0, len(keys), _CHUNK)

        def tokenise(start: int) -> list[_Window]:
            return list(self._windows(keys[start : start + _CHUNK], start, spans))

        if len(starts) < 2:
            yield from map(tokenise, starts)
            return
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="framelens-tokenise") as ahead:
            following = ahead.submit(tokenise, starts[0])
            for start in starts[1:]:
                windows, following = following.result(), ahead.submit(tokenise, start)
                yield windows
            yield following.result()

    def _windows(self, keys: Sequence[_Key], offset: int, spans: bool) -> Iterator[_Window]:
        room = self._max_length - len(self._prefix) - len(self._suffix)
        encode = self._tokenizer.encode_batch if spans else self._tokenizer.encode_batch_fast  # the fast one leaves out offsets
        encodings = encode([text for text, _ in keys], add_special_tokens=False)
        for index, (encoding, (text, targets)) in enumerate(zip(encodings, keys, strict=True)):
            ids = encoding.ids
            offsets, words = (whole_offsets(encoding.offsets, text), encoding.word_ids) if spans else ([], [])
            left = dict(enumerate(targets))
            for start in range(0, max(len(ids) - _OVERLAP, 1), room - _OVERLAP if len(ids) > room else room):
                cut = slice(start, start + room)
                whole = self._prefix + ids[cut] + self._suffix
                if not spans:
                    yield _Window(offset + index, whole)
                    continue
                before, after = len(self._prefix), len(self._suffix)
                tokens = Tokens(
                    whole,
                    [(0, 0)] * before + offsets[cut] + [(0, 0)] * after,
                    [None] * before + words[cut] + [None] * after,
                )
                masks = {number: tokens.mask(target) for number, target in left.items()}
                here = tuple((number, mask) for number, mask in masks.items() if any(mask))
                left = {number: target for number, target in left.items() if not any(masks[number])}
                yield _Window(offset + index, whole, tokens, here)

    def _run_all(
        self, batches: Iterator[list[_Window]], sources: bool
    ) -> Iterator[tuple[list[_Window], dict[str, Array], _Spans]]:
        """Each batch with its outputs and, where ``sources`` are asked for, the spans of each window; in order, ``threads`` at a time."""

        def run(batch: list[_Window]) -> tuple[list[_Window], dict[str, Array], _Spans]:
            out = self._run(batch)
            tagged = zip(batch, out["source"], strict=True) if sources else ()
            return batch, out, [w.tokens.decode(tags[: len(w.ids)]) if w.tokens else [] for w, tags in tagged]

        yield from in_order(run, batches, self.threads, waiting=self.threads, name="framelens-run")

    def _run(self, batch: Sequence[_Window]) -> dict[str, Array]:
        width = max(len(window.ids) for window in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        if "stance" in self.tasks:
            placed = [(row, target) for row, window in enumerate(batch) for _, target in window.targets]
            inputs["target_rows"] = np.array([row for row, _ in placed], dtype=np.int64)
            inputs["target_mask"] = np.zeros((len(placed), width), dtype=np.float32)
            for index, (_, target) in enumerate(placed):
                inputs["target_mask"][index, : len(target)] = target
        given = {k: v for k, v in inputs.items() if k in self._inputs}
        with self._turns:
            outputs = self._session.run(self._outputs, given)
        return dict(zip(self._outputs, outputs, strict=True))

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """The tokens that the tokenizer puts before and after a text."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        full = self._tokenizer.encode("a").ids
        at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        return full[:at], full[at + len(bare) :]


def _batches(windows: list[_Window], batch_tokens: int) -> Iterator[list[_Window]]:
    """Windows sorted by length, cut so that rows times longest row stays within ``batch_tokens``, or within a quarter of all if that is
    less, so that an article has work for more than one thread. The number of threads changes nothing: scores depend on the cut."""
    batch_tokens = min(batch_tokens, max(_SMALLEST_BATCH, sum(len(window.ids) for window in windows) // 4))
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids)):
        if batch and (len(batch) + 1) * len(window.ids) > batch_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def softmax(logits: Array) -> Array:
    """Over the last axis."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def _apart(spans: list[tuple[int, int, float]], text: str) -> list[tuple[int, int, float]]:
    """Spans in order of the text; of those that overlap (in neighbouring windows) the more probable. None begins at a genitive's s."""
    kept: list[tuple[int, int, float]] = []
    if not spans:
        return kept
    for begin, end, score in sorted(spans, key=itemgetter(2), reverse=True):
        genitive = re.search(r"\w+['’]?$", text[:begin]) if re.match("['’]?s\\b", text[begin:]) else None
        start = genitive.start() if genitive else begin
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, score))
    return sorted(kept)


def usable_cores() -> int:
    """Cores for a batch: what ``OMP_NUM_THREADS`` says, or those that affinity and the container's quota leave this process."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # control groups, version 2: microseconds of processor time in a period, or "max"
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(cores, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        return cores
