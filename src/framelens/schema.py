"""The nouns of framelens: :class:`Span`, :class:`Stance`, :class:`Sentence`, :class:`Document`, :class:`LabelSet`.

All are frozen dataclasses that turn into plain dictionaries (``to_dict``) and come back equal (``from_dict``).
Every offset counts Unicode characters from the start of the *document*: ``document.text[s.start:s.end] == s.text``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, overload

from framelens.errors import InputError

if TYPE_CHECKING:  # pandas and networkx belong to the caller, not to the base install
    import networkx as nx
    import pandas as pd

StanceLabel = Literal["favor", "against", "neutral"]
STANCES: tuple[StanceLabel, ...] = ("favor", "against", "neutral")
TAGS = ("O", "B", "I")  # of a token: outside a source, at its beginning, within it
TASKS = ("frames", "source", "stance")
NO_FRAME = "none"
AUTHOR = "(author)"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the document: ``document.text[start:end] == text``.

    ``name`` is whom or what it means where that is known from elsewhere ("Hua Chunying" for "she", "China" for "Beijing"), else the text.
    """

    text: str
    start: int
    end: int
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.text)
        if self.start < 0 or self.end - self.start != len(self.text):
            raise InputError(
                f"a span of {len(self.text)} characters cannot stand at {self.start}:{self.end}; "
                "start must be 0 or more and end - start the length of the text"
            )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Span:
        """The inverse of :func:`dataclasses.asdict`."""
        return cls(_get(data, "text", str), _get(data, "start", int), _get(data, "end", int), str(data.get("name", "")))


@dataclass(frozen=True, slots=True)
class Stance:
    """The position that a sentence's source takes toward a target; ``score`` is a probability."""

    target: Span
    label: StanceLabel
    score: float

    def __post_init__(self) -> None:
        if self.label not in STANCES:
            raise InputError(f"stance {self.label!r} is unknown; accepted: {', '.join(STANCES)}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Stance:
        """The inverse of :func:`dataclasses.asdict`."""
        target = Span.from_dict(_get(data, "target", dict))
        return cls(target, _get(data, "label", str), float(_get(data, "score", (int, float))))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with what was read from it.

    Attributes:
        text, start, end: the sentence and its place in the document, in characters.
        frame: the primary frame (the most probable of ``frames``), or None.
        frames: every frame whose probability reaches its threshold, most probable first.
        scores: a calibrated probability for each label, each on its own (they need not sum to 1).
        source: the span that names who the content is attributed to, or None.
        stances: positions toward named targets.
    """

    text: str
    start: int
    end: int
    frame: str | None = None
    frames: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    source: Span | None = None
    stances: tuple[Stance, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        data = asdict(self)
        data["frames"], data["scores"] = list(self.frames), dict(self.scores)
        data["stances"] = list(data["stances"])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sentence:
        """The inverse of :meth:`to_dict`. Raises InputError on a missing or mistyped field."""
        source = data.get("source")
        return cls(
            text=_get(data, "text", str),
            start=_get(data, "start", int),
            end=_get(data, "end", int),
            frame=data.get("frame"),
            frames=tuple(data.get("frames", ())),
            scores={str(k): float(v) for k, v in data.get("scores", {}).items()},
            source=None if source is None else Span.from_dict(source),
            stances=tuple(Stance.from_dict(s) for s in data.get("stances", ())),
        )


@dataclass(frozen=True)
class Document:
    """A text, its sentences, and the sums over them. ``labels`` are those of the model that read it."""

    text: str
    sentences: tuple[Sentence, ...]
    labels: tuple[str, ...] = ()
    model: str = ""

    def __len__(self) -> int:
        return len(self.sentences)

    def frame_shares(self, *, primary: bool = False) -> dict[str, float]:
        """Share of sentences per frame, between 0 and 1; every share is 0.0 for a document without sentences.

        With ``primary=False`` a sentence counts for each of its frames, so the shares need not sum to 1.
        With ``primary=True`` it counts once, for its primary frame or for ``"none"``, and they sum to 1.
        """
        if primary:
            counts = Counter(s.frame or NO_FRAME for s in self.sentences)
            names = (*self.labels, NO_FRAME)
        else:
            counts = Counter(f for s in self.sentences for f in s.frames)
            names = self.labels
        total = max(len(self.sentences), 1)
        return {name: counts[name] / total for name in dict.fromkeys(names)}

    def by_source(self) -> list[dict[str, Any]]:
        """Who frames what, toward whom: one row per source, the most quoted first.

        Returns:
            Rows with ``source`` (the span's name, or ``"(author)"``), ``sentences`` (their indices),
            ``frames`` (count per frame) and ``stances`` (name of the target -> count per stance).
        """
        from framelens.summaries import source_rows  # sums need the nouns, so they stand below them

        return source_rows(enumerate(self.sentences))

    @overload
    def network(self, *, as_graph: Literal[False] = ...) -> list[dict[str, Any]]: ...

    @overload
    def network(self, *, as_graph: Literal[True]) -> nx.DiGraph[str]: ...

    def network(self, *, as_graph: bool = False) -> list[dict[str, Any]] | nx.DiGraph[str]:
        """Who takes which stance toward whom: one row per pair of source and target, the most frequent first.

        Args:
            as_graph: give a :class:`networkx.DiGraph` from source to target instead of rows; see
                :func:`framelens.summaries.to_graph` for what its edges hold. Needs the extra ``network``.

        Returns:
            Rows with ``source`` and ``target`` (names), ``stances`` (mentions per stance), ``frames`` (sentences per frame)
            and ``sentences`` (their indices).

        Raises:
            MissingExtraError: ``as_graph=True`` without networkx.
        """
        from framelens.summaries import edge_rows, to_graph

        rows = edge_rows(enumerate(self.sentences))
        return to_graph(rows) if as_graph else rows

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write; :meth:`from_dict` reads it back."""
        return {
            "text": self.text,
            "sentences": [s.to_dict() for s in self.sentences],
            "labels": list(self.labels),
            "model": self.model,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Document:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: a field is missing or mistyped, or a sentence's offsets do not point at its text.
        """
        text = _get(data, "text", str)
        sentences = tuple(Sentence.from_dict(s) for s in _get(data, "sentences", list))
        for number, sentence in enumerate(sentences):
            if text[sentence.start : sentence.end] != sentence.text:
                raise InputError(f"sentence {number}: text[{sentence.start}:{sentence.end}] is not {sentence.text!r}")
        return cls(text, sentences, tuple(data.get("labels", ())), str(data.get("model", "")))

    def to_json(self, **options: Any) -> str:
        """The document as a JSON string; ``options`` go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **{"ensure_ascii": False, **options})

    @classmethod
    def from_json(cls, text: str) -> Document:
        """The inverse of :meth:`to_json`."""
        return cls.from_dict(json.loads(text))

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat row per sentence, for tables: text, offsets, frames, a column per score, source, stances (by name of the target)."""
        return [
            {
                "sentence": number,
                "start": s.start,
                "end": s.end,
                "text": s.text,
                "frame": s.frame,
                "frames": ";".join(s.frames),
                **{f"score_{label}": s.scores.get(label) for label in self.labels},
                "source": s.source.text if s.source else None,
                "source_name": s.source.name if s.source else None,
                "stances": ";".join(f"{x.target.name}={x.label}" for x in s.stances),
            }
            for number, s in enumerate(self.sentences)
        ]

    def to_pandas(self) -> pd.DataFrame:
        """:meth:`to_rows` as a pandas DataFrame (pandas must be installed)."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("Document.to_pandas() needs pandas: pip install pandas") from error
        return pd.DataFrame(self.to_rows())

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentences, coloured by primary frame."""
        from framelens.display import document_html  # a page is only built when somebody looks

        return document_html(self)


@dataclass(frozen=True)
class LabelSet:
    """The labels of a checkpoint and how logits become decisions. Labels are data: no code names a frame.

    Attributes:
        labels: names, in the order of the model's outputs.
        multi_label: True where a sentence may carry several labels (sigmoid), False where exactly one (softmax).
        thresholds: per label, the calibrated probability from which it counts (multi-label only; default 0.5).
        calibration: per label ``(slope, intercept)`` of Platt scaling on the logit (multi-label; default ``(1, 0)``),
            or ``{"*": (slope, 0)}`` with the inverse temperature (single-label). Platt (1999); Guo et al. (2017).
        none_label: a label that means "no frame": shown as a score, never as a frame (single-label only).
        descriptions: one line per label, for people.
    """

    labels: tuple[str, ...]
    multi_label: bool = True
    thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    none_label: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels) or not (self.labels or self.multi_label):
            raise InputError(f"labels must be distinct, and at least one where one must hold; received {list(self.labels)}")
        # Labels are printed to terminals and may come from a stranger's checkpoint: no control sequences.
        if any(not isinstance(name, str) or not name.strip() or not name.isprintable() for name in self.labels):
            raise InputError(f"labels must be non-empty printable strings; received {list(self.labels)}")
        if self.multi_label and NO_FRAME in self.labels:
            raise InputError(f"{NO_FRAME!r} means that a sentence carries no frame and cannot be a label itself")
        for what, keys in (("threshold", self.thresholds), ("description", self.descriptions)):
            for key in keys:
                if key not in self.labels:
                    raise InputError(f"{what} for unknown label {key!r}; the labels are {', '.join(self.labels)}")
        for key, value in self.thresholds.items():
            if not 0 < value < 1:
                raise InputError(f"threshold of {key!r} is {value}; accepted: above 0 and below 1")

    def threshold(self, label: str) -> float:
        """The probability from which ``label`` counts."""
        return self.thresholds.get(label, 0.5)

    def select(self, scores: Sequence[float]) -> tuple[str, ...]:
        """The labels that a sentence with these probabilities carries, most probable first."""
        pairs = zip(self.labels, scores, strict=True)
        if self.multi_label:
            carried = [(-score, label) for label, score in pairs if score >= self.threshold(label)]
            return tuple([label for _, label in sorted(carried, key=itemgetter(0))])
        best = max(pairs, key=itemgetter(1))[0]
        return () if best == self.none_label else (best,)

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        data = asdict(self)
        data["labels"] = list(self.labels)
        data["calibration"] = {k: list(v) for k, v in self.calibration.items()}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSet:
        """The inverse of :meth:`to_dict`. Raises InputError on a missing or mistyped field."""
        return cls(
            labels=tuple(_get(data, "labels", list)),
            multi_label=_get(data, "multi_label", bool),
            thresholds={k: float(v) for k, v in data.get("thresholds", {}).items()},
            calibration={k: (float(v[0]), float(v[1])) for k, v in data.get("calibration", {}).items()},
            none_label=data.get("none_label"),
            descriptions=dict(data.get("descriptions", {})),
        )


def frame_shares(documents: Iterable[Document], *, primary: bool = False) -> dict[str, float]:
    """:meth:`Document.frame_shares` over all sentences of many documents."""
    documents = list(documents)
    labels = tuple(dict.fromkeys(label for d in documents for label in d.labels))
    pooled = Document("", tuple(s for d in documents for s in d.sentences), labels)
    return pooled.frame_shares(primary=primary)


def _get(data: Mapping[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    """``data[key]``, or an error that names the field, what it holds and what it should hold."""
    if not isinstance(data, Mapping):
        raise InputError(f"expected an object with the field {key!r}, received {type(data).__name__}")
    value = data.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise InputError(f"field {key!r} must be {wanted}; received {value!r}")
    return value
