"""Sentences to logits, fast on a CPU: ONNX Runtime, the ``tokenizers`` package, and batches of like length.

Nothing here knows what the labels mean. A sentence longer than the model's window is read in overlapping windows and each
label keeps its highest logit: the sentence carries a frame if a part of it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from framelens.checkpoint import ONNX, TOKENIZER, Checkpoint
from framelens.errors import CheckpointError, InputError

DEFAULT_BATCH_TOKENS = 1024
# Fusions that ONNX Runtime offers and that cost more than they save on a CPU (measured: docs/speed.md).
SLOW_FUSIONS = ("SkipLayerNormFusion", "AttentionFusion", "BiasGeluFusion", "EmbedLayerNormFusion")
_CHUNK = 1024  # sentences tokenised at a time: bounds memory, and is enough to fill batches of like length (2.6% padding)
_OVERLAP = 16  # tokens shared by neighbouring windows of a long sentence


@dataclass(frozen=True, slots=True)
class _Window:
    sentence: int
    ids: list[int]


class Engine:
    """An ONNX session and its tokenizer. Safe to use from several threads.

    Args:
        checkpoint: a verified checkpoint.
        device: ``"cpu"``, or ``"cuda"`` where ``onnxruntime-gpu`` is installed.
        threads: threads for one batch; None takes the cores this process may use.

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
        options.intra_op_num_threads = threads or usable_cores()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # an idle thread leaves its core to the caller
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
        self.num_labels = len(checkpoint.labels.labels)
        outputs = self._session.get_outputs()
        if outputs[0].shape[-1] != self.num_labels:
            raise CheckpointError(
                f"{checkpoint.path}: the model gives {outputs[0].shape[-1]} scores for {self.num_labels} labels"
            )

    def logits(
        self,
        sentences: Sequence[str],
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], Any] | None = None,
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The model's raw outputs.

        Args:
            sentences: the texts, in any order; equal ones are computed once.
            batch_tokens: tokens in one batch, padding included. Larger is not always faster on a CPU.
            progress: called with the number of sentences just finished.

        Returns:
            float32 array of shape ``(len(sentences), num_labels)``, rows in the order of ``sentences``.
        """
        if batch_tokens < 1:
            raise InputError(f"batch_tokens must be 1 or more; received {batch_tokens}")
        first: dict[str, int] = {}
        place = [first.setdefault(sentence, len(first)) for sentence in sentences]
        unique = list(first)
        result = np.full((len(unique), self.num_labels), -np.inf, dtype=np.float32)
        for windows in self._chunks(unique):
            for batch in _batches(windows, batch_tokens):
                rows = [window.sentence for window in batch]
                np.maximum.at(result, rows, self._run(batch))
                if progress is not None:
                    progress(len(set(rows)))
        if progress is not None and len(sentences) > len(unique):
            progress(len(sentences) - len(unique))
        return result[place]

    def _chunks(self, sentences: Sequence[str]) -> Iterator[list[_Window]]:
        """The windows of ``_CHUNK`` sentences at a time, in order; while the caller computes one chunk the next is tokenised."""
        starts = range(0, len(sentences), _CHUNK)

        def tokenise(start: int) -> list[_Window]:
            return list(self._windows(sentences[start : start + _CHUNK], start))

        if len(starts) < 2:
            yield from map(tokenise, starts)
            return
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="framelens-tokenise") as ahead:
            following = ahead.submit(tokenise, starts[0])
            for start in starts[1:]:
                windows, following = following.result(), ahead.submit(tokenise, start)
                yield windows
            yield following.result()

    def _windows(self, sentences: Sequence[str], offset: int) -> Iterator[_Window]:
        room = self._max_length - len(self._prefix) - len(self._suffix)
        for index, encoding in enumerate(self._tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)):
            ids = encoding.ids
            for start in range(0, max(len(ids) - _OVERLAP, 1), room - _OVERLAP if len(ids) > room else room):
                yield _Window(offset + index, self._prefix + ids[start : start + room] + self._suffix)

    def _run(self, batch: Sequence[_Window]) -> np.ndarray[Any, np.dtype[np.float32]]:
        width = max(len(window.ids) for window in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        return np.asarray(self._session.run(None, {k: v for k, v in inputs.items() if k in self._inputs})[0])

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """The tokens that the tokenizer puts before and after a text."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        full = self._tokenizer.encode("a").ids
        at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        return full[:at], full[at + len(bare) :]


def _batches(windows: list[_Window], batch_tokens: int) -> Iterator[list[_Window]]:
    """Windows sorted by length, cut so that rows times longest row stays within ``batch_tokens``."""
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids)):
        if batch and (len(batch) + 1) * len(window.ids) > batch_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


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
