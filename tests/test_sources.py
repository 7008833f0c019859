"""Articles in which ``{span|name}`` marks the source that a model saw and whom it means, ``{>|name}`` a sentence that only carries on
a quotation, and a span without a name one that must stay as it is; ``{span|name?}`` may stay or get the name. A sentence without a mark has no
source. A last line ``-- a; b`` lists targets that must be found.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelens import Span, TargetFinder, resolve_sources, split_sentences

MARK = re.compile(r"\{([^|{}]*)(?:\|([^{}]*))?\}")


def read(marked: str) -> list[tuple[str, str | None, str | None]]:
    """Per sentence: its text, the name wanted, the name given."""
    text, places, at = "", [], 0
    for match in MARK.finditer(marked):
        text += marked[at : match.start()]
        words = "" if match[1] == ">" else match[1]
        places.append((len(text), len(text) + len(words), match[2] or words))
        text += words
        at = match.end()
    text += marked[at:]
    sentences = split_sentences(text)
    found, wanted = [], []
    for sentence in sentences:
        inside = [p for p in places if sentence.start <= p[0] < sentence.end]
        assert len(inside) < 2, f"two marks in {sentence.text!r}"
        found.append(inside[0][:2] if inside and inside[0][0] < inside[0][1] else None)
        wanted.append(inside[0][2] if inside else None)
    assert len(places) == sum(name is not None for name in wanted)
    resolved = resolve_sources(text, sentences, found)
    assert len(resolved) == len(sentences)
    for source, place in zip(resolved, found, strict=True):
        assert source is None or text[source.start : source.end] == source.text
        assert place is None or (source is not None and (source.start, source.end) == place)
    for index, (name, source) in enumerate(zip(wanted, resolved, strict=True)):
        if name is not None and name.endswith("?"):
            wanted[index] = name.rstrip("?") if source is None or source.name != source.text else source.text
    return [(s.text, name, g and g.name) for s, name, g in zip(sentences, wanted, resolved, strict=True)]


FRESH = "sources_fresh.txt"  # written with their answers before the resolver had seen them; 47 of 59 names were right at first
WHOLE = "articles.txt"  # likewise; 80 of 96 names were right at first, 2 were somebody else's


def articles() -> list[object]:
    files = [Path(__file__).parent / "data" / name for name in ("sources.txt", FRESH, WHOLE)]
    parts = [
        part.split("\n", 1) for file in files for part in re.split(r"^== ", file.read_text(encoding="utf-8"), flags=re.M)[1:]
    ]
    return [pytest.param(text, id=name) for name, text in parts]


@pytest.mark.parametrize("article", articles())
def test_article(article):
    marked, _, targets = article.partition("\n-- ")
    read_sentences = read(marked)
    for sentence, wanted, name in read_sentences:
        assert name == wanted, sentence
    finder = TargetFinder()
    found = {target.name for sentence, _, _ in read_sentences for target in finder.find(sentence)}
    assert found >= {target.strip() for target in targets.split(";") if target.strip()}


def test_no_name_is_wrong_in_articles_that_no_rule_was_made_for():
    """Written after the rules, which were not changed for them since: 35 of 37 names right, the others as the text has them."""
    text = (Path(__file__).parent / "data" / "articles_held.txt").read_text(encoding="utf-8")
    right = kept = 0
    for part in re.split(r"^== .*\n", text, flags=re.M)[1:]:
        for sentence, wanted, name in read(part.partition("\n-- ")[0]):
            right += name == wanted and name is not None
            kept += name != wanted
            assert name == wanted or (name is not None and name in sentence), sentence
    assert right >= 35
    assert kept <= 2


def test_a_carried_quotation_keeps_the_span_of_its_attribution():
    text = "“It is over,” said Ana Ruiz. “We go home.” Nobody moved."
    sentences = split_sentences(text)
    first, second, last = resolve_sources(text, sentences, [(19, 27), None, None])
    assert first == second == Span("Ana Ruiz", 19, 27)
    assert last is None


def test_nested_and_apostrophe_marks_do_not_end_a_quotation():
    text = "“They said ‘never again’ and didn’t mean it. It’s over,” said Ana Ruiz.\n\nThe dogs’ home burned."
    sentences = split_sentences(text)
    at = text.index("Ana")
    found = [(at, at + 8) if s.start <= at < s.end else None for s in sentences]
    assert [s and s.name for s in resolve_sources(text, sentences, found)][-2:] == ["Ana Ruiz", None]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("He said no.", []),
        ("He said no.", [None, (0, 2), None]),
        ("He said no.", [(5, 2)]),
        ("He said no.", [(0, 999)]),
        ("He said no.", [(-3, 2)]),
        ("He said no.", ["he"]),
        ("He said no.", [(0,)]),
        ("He said no.", [(2, 3)]),
    ],
)
def test_odd_input_gives_no_source(text, found):
    sentences = split_sentences(text)
    assert resolve_sources(text, sentences, found) == [None] * len(sentences)


@given(st.text(alphabet="“”\"'‘’ .,\n()AaHhe-—éSsThe&", max_size=120), st.data())
def test_any_text_and_any_place_is_survived(text, data):
    sentences = split_sentences(text)
    places = st.one_of(st.none(), st.tuples(st.integers(-2, 130), st.integers(-2, 130)))
    found = [data.draw(places) for _ in sentences]
    for source in resolve_sources(text, sentences, found):
        assert source is None or (text[source.start : source.end] == source.text and source.name)
