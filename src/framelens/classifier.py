"""``classify(text)`` and :class:`Classifier`: the seam between the nouns and the engine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, overload

import numpy as np

from framelens.attribution import judge_targets, name_sources
from framelens.checkpoint import Checkpoint, open_checkpoint
from framelens.engine import DEFAULT_BATCH_TOKENS, Engine
from framelens.errors import InputError
from framelens.parallel import in_order
from framelens.schema import Document, LabelSet, Sentence, Span, Stance
from framelens.segment import split_sentences
from framelens.targets import TargetFinder

Targets = Sequence[str] | Mapping[str, Sequence[str]]
Scores = np.ndarray[Any, np.dtype[np.float64]]
Block = list[tuple[str, list[Span]]]  # articles and their sentences

_BLOCK = 512  # sentences


class Classifier:
    """A loaded checkpoint. Make one with :meth:`load`; it may be shared between threads.

    Attributes:
        labels: the :class:`LabelSet` of the checkpoint.
        name: name and digest of the checkpoint, which every :class:`Document` carries.
        tasks: what it reads: of ``frames``, ``source`` and ``stance``.
        threads: batches computed at the same time; with more than one, articles are read two blocks at a time.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", threads: int | None = None) -> None:
        self._engine = Engine(checkpoint, device, threads)
        self.labels = checkpoint.labels
        self.name = checkpoint.name
        self.tasks = checkpoint.tasks
        self.threads = self._engine.threads

    @classmethod
    def load(
        cls, path_or_name: str | os.PathLike[str] = "default", device: str = "cpu", threads: int | None = None
    ) -> Classifier:
        """Load a checkpoint from a folder or by the name of a packaged one.

        Args:
            path_or_name: a folder that ``framelens train`` wrote, or ``"default"``.
            device: ``"cpu"``, or ``"cuda"`` with ``onnxruntime-gpu``.
            threads: batches computed at the same time, a thread each; None takes the cores this process may use.

        Raises:
            CheckpointError: missing, incomplete, altered or not a checkpoint.
            InputError: the device is not available.
        """
        return cls(open_checkpoint(path_or_name), device, threads)

    @overload
    def classify(  # type: ignore[overload-overlap]  # a str is also an iterable of str; this overload takes it
        self, texts: str, *, targets: Targets | None = ..., batch_tokens: int = ..., progress: bool = ...
    ) -> Document: ...

    @overload
    def classify(
        self, texts: Iterable[str], *, targets: Targets | None = ..., batch_tokens: int = ..., progress: bool = ...
    ) -> list[Document]: ...

    def classify(
        self,
        texts: str | Iterable[str],
        *,
        targets: Targets | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: bool = False,
    ) -> Document | list[Document]:
        """Read articles sentence by sentence.

        Args:
            texts: one article, or an iterable of articles.
            targets: whom to find the stance toward: names (states also by their demonyms and capitals), or name -> aliases; None
                finds states, organisations, firms, persons and policies by itself. A checkpoint without a stance head ignores
                them with a warning.
            batch_tokens: tokens in one batch, padding included.
            progress: show a progress bar on stderr.

        Returns:
            A :class:`Document` for a str, a list of them (same length and order) for an iterable.

        Raises:
            InputError: something that is not a str, naming its position.

        Examples:
            >>> from framelens import Classifier
            >>> document = Classifier.load().classify("Both sides agreed to keep talking.")
            >>> document.sentences[0].frames
            ('cooperation_appeal',)
        """
        articles = _checked([texts] if isinstance(texts, str) else texts)
        if targets is not None and "stance" not in self.tasks:
            warnings.warn(f"checkpoint {self.name} has no stance head: targets are ignored, no stance is given", stacklevel=2)
        finder = TargetFinder(targets) if "stance" in self.tasks else None
        parts = [split_sentences(article) for article in articles]
        # While one block of articles is in the model, the rules of its neighbour (targets, spans, names) have the other core.
        with _bar(sum(map(len, parts)), progress) as advance:

            def read(block: Block) -> list[Document]:
                return self._read(block, finder, targets is not None, batch_tokens, advance)

            blocks = in_order(read, _blocks(articles, parts), min(self.threads, 2), waiting=1, name="framelens-read")
            documents = [document for block in blocks for document in block]
        return documents[0] if isinstance(texts, str) else documents

    def _read(
        self,
        block: Block,
        finder: TargetFinder | None,
        named_by_caller: bool,
        batch_tokens: int,
        advance: Callable[[int], Any] | None,
    ) -> list[Document]:
        """The documents of a block of articles."""
        sentences = [part.text for _, parts in block for part in parts]
        found = [finder.find(text) for text in sentences] if finder else None
        places = [[(t.start, t.end) for t in row] for row in found] if found is not None else None
        reading = self._engine.read(sentences, places, batch_tokens=batch_tokens, progress=advance)
        scores = iter(
            probabilities(reading.logits, self.labels).tolist() if reading.logits is not None else [[]] * len(sentences)
        )
        documents, at = [], 0
        for article, parts in block:
            rows = slice(at, at := at + len(parts))
            sources: Sequence[Span | None] = [None] * len(parts)
            stances: Sequence[tuple[Stance, ...]] = [()] * len(parts)
            if reading.sources is not None:
                sources = name_sources(article, parts, reading.sources[rows])
            if found is not None and reading.stances is not None:
                stances = judge_targets(parts, sources, found[rows], reading.stances[rows], named_by_caller=named_by_caller)
            read = [
                self._sentence(part, next(scores), source, toward)
                for part, source, toward in zip(parts, sources, stances, strict=True)
            ]
            documents.append(Document(article, tuple(read), self.labels.labels, self.name))
        return documents

    def scores(self, sentences: Sequence[str], *, batch_tokens: int = DEFAULT_BATCH_TOKENS, progress: bool = False) -> Scores:
        """Calibrated probabilities of sentences that are already split.

        Returns:
            float64 array of shape ``(len(sentences), len(self.labels.labels))``.
        """
        return probabilities(self.logits(sentences, batch_tokens=batch_tokens, progress=progress), self.labels)

    def logits(
        self, sentences: Sequence[str], *, batch_tokens: int = DEFAULT_BATCH_TOKENS, progress: bool = False
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Raw outputs before calibration, float32 of the shape of :meth:`scores`."""
        with _bar(len(sentences), progress) as advance:
            return self._engine.logits(sentences, batch_tokens, advance)

    def _sentence(self, span: Span, scores: list[float], source: Span | None, stances: tuple[Stance, ...]) -> Sentence:
        frames = self.labels.select(scores) if scores else ()
        named = dict(zip(self.labels.labels, scores, strict=True))
        return Sentence(span.text, span.start, span.end, frames[0] if frames else None, frames, named, source, stances)


def _blocks(articles: Sequence[str], parts: Sequence[list[Span]]) -> Iterator[Block]:
    """Articles with their sentences, so many together that a block has ``_BLOCK`` sentences or more."""
    block: Block = []
    size = 0
    for article, sentences in zip(articles, parts, strict=True):
        block.append((article, sentences))
        size += len(sentences)
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


@contextmanager
def _bar(total: int, shown: bool) -> Iterator[Callable[[int], Any] | None]:
    """What to call with the number of sentences just finished; None where no bar is wanted."""
    if not shown:
        yield None
        return
    from tqdm import tqdm  # a tenth of the time to the first result, and only wanted here

    with tqdm(total=total, unit="sentence", delay=0.5) as bar:
        yield bar.update


def probabilities(logits: np.ndarray[Any, Any], labels: LabelSet) -> Scores:
    """Logits to calibrated probabilities.

    Args:
        logits: array of shape ``(n, len(labels.labels))``.
        labels: says whether labels exclude one another, and holds the calibration.

    Returns:
        float64 array of the same shape: each label on its own (Platt scaling, then sigmoid) where ``labels.multi_label``,
        rows that sum to 1 (temperature, then softmax) otherwise.
    """
    z = np.asarray(logits, dtype=np.float64)
    if not labels.multi_label:
        z = z * labels.calibration.get("*", (1.0, 0.0))[0]
        z = np.exp(z - z.max(axis=1, keepdims=True)) if len(z) else z
        softmax: Scores = z / z.sum(axis=1, keepdims=True)
        return softmax
    pairs = np.array([labels.calibration.get(name, (1.0, 0.0)) for name in labels.labels])
    sigmoid: Scores = 1.0 / (1.0 + np.exp(-np.clip(z * pairs[:, 0] + pairs[:, 1], -60, 60)))
    return sigmoid


@overload
def classify(texts: str, *, model: str | os.PathLike[str] = ..., **options: Any) -> Document: ...


@overload
def classify(texts: Iterable[str], *, model: str | os.PathLike[str] = ..., **options: Any) -> list[Document]: ...


def classify(
    texts: str | Iterable[str], *, model: str | os.PathLike[str] = "default", **options: Any
) -> Document | list[Document]:
    """Read one article or many with the default checkpoint, which is loaded once and kept.

    Args:
        texts: a str gives a :class:`Document`, an iterable of str a list of them.
        model: name or folder of another checkpoint.
        options: those of :meth:`Classifier.classify`.

    Examples:
        >>> from framelens import classify
        >>> classify("The minister opened a bridge.").sentences[0].frame is None
        True
    """
    return _loaded(os.fspath(model)).classify(texts, **options)


@lru_cache(maxsize=4)
def _loaded(path_or_name: str) -> Classifier:
    return Classifier.load(path_or_name)


def _checked(texts: Any) -> list[str]:
    """The texts as a list, each of them a str."""
    accepted = "accepted: a str, or an iterable of str"
    if isinstance(texts, (bytes, bytearray)):
        raise InputError(f"received {type(texts).__name__}; decode it first, as in text.decode('utf-8'); {accepted}")
    if isinstance(texts, dict) or not isinstance(texts, Iterable):
        raise InputError(f"received {type(texts).__name__}; {accepted}")
    articles = list(texts)
    for position, article in enumerate(articles):
        if not isinstance(article, str):
            raise InputError(f"text {position} of {len(articles)} is {article!r:.60} ({type(article).__name__}); {accepted}")
        try:
            article.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"text {position} of {len(articles)} has half a surrogate pair ({article[error.start]!r}) at character {error.start}; "
                "accepted: text that can be written as UTF-8"
            ) from None
    return articles
