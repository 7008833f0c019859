"""Who frames what, toward whom: sums over one document or many, as plain rows or as a graph.

A source or target counts under its ``name``, so that "Hua", "she" and "the spokeswoman" are one row where they were resolved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

from framelens.errors import InputError, MissingExtraError
from framelens.schema import AUTHOR, STANCES, Document, Sentence

if TYPE_CHECKING:
    import networkx as nx

Row = dict[str, Any]
Placed = Iterable[tuple[Any, Sentence]]


def by_source(documents: Iterable[Document]) -> list[Row]:
    """:meth:`Document.by_source` over many documents; ``sentences`` are pairs (index of the document, of the sentence).

    Raises:
        InputError: something other than documents.
    """
    return source_rows(_placed(documents))


@overload
def network(documents: Iterable[Document], *, as_graph: Literal[False] = ...) -> list[Row]: ...


@overload
def network(documents: Iterable[Document], *, as_graph: Literal[True]) -> nx.DiGraph[str]: ...


def network(documents: Iterable[Document], *, as_graph: bool = False) -> list[Row] | nx.DiGraph[str]:
    """:meth:`Document.network` over many documents; ``sentences`` are pairs (index of the document, of the sentence).

    Raises:
        InputError: something other than documents.
        MissingExtraError: ``as_graph=True`` without networkx.
    """
    rows = edge_rows(_placed(documents))
    return to_graph(rows) if as_graph else rows


def source_rows(sentences: Placed) -> list[Row]:
    """The rows of :meth:`Document.by_source` for pairs (place, sentence)."""
    rows: dict[str, Row] = {}
    for place, sentence in sentences:
        name = _source(sentence)
        row = rows.setdefault(name, {"source": name, "sentences": [], "frames": Counter(), "stances": {}})
        row["sentences"].append(place)
        row["frames"].update(sentence.frames)
        for stance in sentence.stances:
            row["stances"].setdefault(stance.target.name, Counter())[stance.label] += 1
    for row in rows.values():
        row["frames"] = dict(row["frames"])
        row["stances"] = {target: dict(counts) for target, counts in row["stances"].items()}
    return sorted(rows.values(), key=lambda row: -len(row["sentences"]))


def edge_rows(sentences: Placed) -> list[Row]:
    """The rows of :meth:`Document.network` for pairs (place, sentence)."""
    edges: dict[tuple[str, str], Row] = {}
    for place, sentence in sentences:
        for stance in sentence.stances:
            key = _source(sentence), stance.target.name
            new = {"source": key[0], "target": key[1], "stances": Counter(), "frames": Counter(), "sentences": []}
            edge = edges.setdefault(key, new)
            edge["stances"][stance.label] += 1
            if place not in edge["sentences"][-1:]:  # a second mention in the same sentence adds a stance, no frames
                edge["sentences"].append(place)
                edge["frames"].update(sentence.frames)
    for edge in edges.values():
        edge["stances"] = {label: edge["stances"][label] for label in STANCES}
        edge["frames"] = dict(edge["frames"])
    return sorted(edges.values(), key=lambda edge: -len(edge["sentences"]))


def to_graph(edges: Iterable[Row]) -> nx.DiGraph[str]:
    """The rows of :func:`edge_rows` as a graph whose attributes are numbers, so that GraphML and GEXF can hold them.

    Returns:
        A :class:`networkx.DiGraph`; each edge has ``weight`` (sentences), ``favor``, ``against``, ``neutral`` and
        ``frame_<label>`` (counts).

    Raises:
        MissingExtraError: networkx is not installed.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise MissingExtraError.for_extra("network(as_graph=True)", "network") from error
    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in edges:
        frames = {f"frame_{label}": count for label, count in edge["frames"].items()}
        graph.add_edge(edge["source"], edge["target"], weight=len(edge["sentences"]), **edge["stances"], **frames)
    return graph


def _source(sentence: Sentence) -> str:
    return sentence.source.name if sentence.source else AUTHOR


def _placed(documents: Iterable[Document]) -> Iterator[tuple[tuple[int, int], Sentence]]:
    if isinstance(documents, Document):
        raise InputError("received one Document; accepted: an iterable of them (or the method of the same name)")
    for number, document in enumerate(documents):
        if not isinstance(document, Document):
            raise InputError(f"document {number} is {type(document).__name__}; accepted: Document")
        for index, sentence in enumerate(document.sentences):
            yield (number, index), sentence
