from __future__ import annotations

import sys

import pytest

from framelens import Document, InputError, Sentence, Span, Stance, by_source, network
from framelens.errors import MissingExtraError


def read(text: str, source: tuple[str, str] | None, stances: tuple[tuple[str, str, str], ...] = (), *frames: str) -> Document:
    """A document of one sentence; source as (text, name), stances as (text, name, label)."""

    def span(words: str, name: str) -> Span:
        return Span(words, text.index(words), text.index(words) + len(words), name)

    found = tuple(Stance(span(words, name), label, 0.9) for words, name, label in stances)  # type: ignore[arg-type]
    sentence = Sentence(text, 0, len(text), None, frames, {}, source and span(*source), found)
    return Document(text, (sentence,), ("security", "trade"))


SHE = read(
    "She said Beijing and China were right.",
    ("She", "Ana Ruiz"),
    (("Beijing", "China", "favor"), ("China", "China", "neutral")),
    "trade",
)
ANA = read(
    "Ana Ruiz blamed Norway; China was safe.",
    ("Ana Ruiz", ""),
    (("Norway", "", "against"), ("China", "", "favor")),
    "security",
)
NOBODY = read("Norway was cold.", None, (("Norway", "", "neutral"),))
BOTH = Document(
    SHE.text + " " + NOBODY.text,
    (SHE.sentences[0], Sentence(NOBODY.text, 39, 55, stances=(Stance(Span("Norway", 39, 45), "neutral", 0.5),))),
)


def test_sources_count_under_their_names():
    assert BOTH.by_source() == [
        {
            "source": "Ana Ruiz",
            "sentences": [0],
            "frames": {"trade": 1},
            "stances": {"China": {"favor": 1, "neutral": 1}},
        },
        {"source": "(author)", "sentences": [1], "frames": {}, "stances": {"Norway": {"neutral": 1}}},
    ]


def test_sources_of_many_documents():
    rows = by_source(iter([NOBODY, SHE, ANA]))
    assert [(row["source"], row["sentences"]) for row in rows] == [("Ana Ruiz", [(1, 0), (2, 0)]), ("(author)", [(0, 0)])]
    assert rows[0]["frames"] == {"trade": 1, "security": 1}
    assert rows[0]["stances"] == {"China": {"favor": 2, "neutral": 1}, "Norway": {"against": 1}}


def test_network_counts_mentions_per_stance_and_sentences_per_frame():
    edges = network([SHE, ANA, NOBODY])
    assert edges == [
        {
            "source": "Ana Ruiz",
            "target": "China",
            "stances": {"favor": 2, "against": 0, "neutral": 1},
            "frames": {"trade": 1, "security": 1},
            "sentences": [(0, 0), (1, 0)],
        },
        {
            "source": "Ana Ruiz",
            "target": "Norway",
            "stances": {"favor": 0, "against": 1, "neutral": 0},
            "frames": {"security": 1},
            "sentences": [(1, 0)],
        },
        {
            "source": "(author)",
            "target": "Norway",
            "stances": {"favor": 0, "against": 0, "neutral": 1},
            "frames": {},
            "sentences": [(2, 0)],
        },
    ]
    assert [(edge["source"], edge["sentences"]) for edge in BOTH.network()] == [("Ana Ruiz", [0]), ("(author)", [1])]


def test_network_as_a_graph_that_graphml_can_hold(tmp_path):
    nx = pytest.importorskip("networkx")
    graph = network([SHE, ANA], as_graph=True)
    assert graph.edges["Ana Ruiz", "China"] == {
        "weight": 2,
        "favor": 2,
        "against": 0,
        "neutral": 1,
        "frame_trade": 1,
        "frame_security": 1,
    }
    assert set(BOTH.network(as_graph=True).edges) == {("Ana Ruiz", "China"), ("(author)", "Norway")}
    nx.write_graphml(graph, tmp_path / "network.graphml")
    assert nx.read_graphml(tmp_path / "network.graphml").edges["Ana Ruiz", "Norway"]["against"] == 1


def test_a_graph_without_networkx_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'framelens\[network\]'"):
        SHE.network(as_graph=True)


@pytest.mark.parametrize("summary", [by_source, network])
def test_something_else_than_documents_is_refused(summary):
    with pytest.raises(InputError, match="received one Document; accepted: an iterable"):
        summary(SHE)
    with pytest.raises(InputError, match="document 1 is str; accepted: Document"):
        summary([SHE, "text"])
    assert summary([]) == []


def test_rows_hold_what_the_text_says_and_whom_it_means():
    row = SHE.to_rows()[0]
    assert (row["source"], row["source_name"]) == ("She", "Ana Ruiz")
    assert row["stances"] == "China=favor;China=neutral"
    assert NOBODY.to_rows()[0]["source_name"] is None
    assert Document.from_json(SHE.to_json()) == SHE
