"""A spaCy component: ``nlp.add_pipe("framelens")``.

It leaves tokens, sentences and entities as they are and adds:

- ``doc.spans["framelens"]``: a span for each frame of each sentence, labelled with the frame;
- ``doc._.framelens``: the :class:`framelens.Document`;
- ``span._.framelens``: the :class:`framelens.Sentence` in which a span (any span, an entity for instance) begins, or None.

What it finds lies in ``doc.user_data`` as plain values, so documents may be written to disk and sent between processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from framelens.classifier import Classifier
from framelens.errors import MissingExtraError
from framelens.schema import Document, Sentence

try:
    from spacy.language import Language
    from spacy.tokens import Doc, Span, SpanGroup
    from spacy.util import minibatch
except ImportError as error:
    raise MissingExtraError.for_extra("framelens.integrations.spacy", "spacy") from error

_KEY = "framelens"


class FrameComponent:
    """Reads the frames of each sentence. Made by ``nlp.add_pipe("framelens", config={...})``.

    Args:
        model: a checkpoint folder or the name of a packaged one.
        spans_key: where in ``doc.spans`` the spans go.
        threads: threads for one batch; None takes the cores this process may use.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """

    def __init__(self, model: str = "default", spans_key: str = _KEY, threads: int | None = None) -> None:
        self.model, self.spans_key, self.threads = model, spans_key, threads
        self._load()

    def __call__(self, doc: Doc) -> Doc:
        """Annotate one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 64) -> Iterator[Doc]:
        """Annotate documents, ``batch_size`` of them at a time."""
        for batch in minibatch(stream, batch_size):
            docs = list(batch)
            for doc, document in zip(docs, self._loaded().classify([doc.text for doc in docs]), strict=True):
                doc.user_data[_KEY] = document.to_dict()
                doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, spans=list(_spans(doc, document)))
                yield doc

    def _load(self) -> Classifier:
        self._classifier, self._process = Classifier.load(self.model, threads=self.threads), os.getpid()
        return self._classifier

    def _loaded(self) -> Classifier:
        # The threads of a session do not outlive a fork, which is how nlp.pipe(..., n_process=2) starts its processes.
        return self._classifier if self._process == os.getpid() else self._load()

    def __reduce__(self) -> Any:
        return type(self), (self.model, self.spans_key, self.threads)


@Language.factory(_KEY, default_config={"model": "default", "spans_key": _KEY, "threads": None}, assigns=["doc.spans"])  # type: ignore[untyped-decorator]
def make_framelens(nlp: Language, name: str, model: str, spans_key: str, threads: int | None) -> FrameComponent:
    """What ``nlp.add_pipe("framelens")`` calls."""
    return FrameComponent(model, spans_key, threads)


def _spans(doc: Doc, document: Document) -> Iterator[Span]:
    for sentence in document.sentences:
        for frame in sentence.frames:
            span = doc.char_span(sentence.start, sentence.end, label=frame, alignment_mode="expand")
            if span is not None:
                yield span


def _document(doc: Doc) -> Document | None:
    stored = doc.user_data.get(_KEY)
    return None if stored is None else Document.from_dict(stored)


def _sentence(span: Span) -> Sentence | None:
    stored = span.doc.user_data.get(_KEY)
    if stored is None:
        return None
    found = next((s for s in stored["sentences"] if s["start"] <= span.start_char < s["end"]), None)
    return None if found is None else Sentence.from_dict(found)


Doc.set_extension(_KEY, getter=_document, force=True)
Span.set_extension(_KEY, getter=_sentence, force=True)
