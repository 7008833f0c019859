from __future__ import annotations

from html.parser import HTMLParser

from framelens import Document, Sentence, Span, Stance
from framelens.display import COLOURS, colour, document_html

TEXT = 'The ministry called the "<b>duty</b>" a wall.\n\nRain fell.'
LABELS = ("wall", "door")


def span(words: str) -> Span:
    start = TEXT.index(words)
    return Span(words, start, start + len(words))


def document(**fields: object) -> Document:
    first, second = TEXT.index("\n"), TEXT.index("Rain")
    framed = Sentence(TEXT[:first], 0, first, "wall", ("wall",), {"wall": 0.9, "door": 0.1}, **fields)  # type: ignore[arg-type]
    return Document(TEXT, (framed, Sentence(TEXT[second:], second, len(TEXT), scores={"wall": 0.1, "door": 0.2})), LABELS)


class Page(HTMLParser):
    """Tags balanced, text outside of the legend, titles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text, self.titles, self.bold, self.tags = "", [], [], set()
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "p" not in self.open and "sup" not in self.open:
            self.text += data
            if "b" in self.open:
                self.bold.append(data)


def test_the_text_is_all_there_and_no_markup_of_it_is():
    page = Page(document_html(document()))
    assert page.text == TEXT
    assert page.bold == []
    assert "script" not in page.tags
    assert page.titles == ["wall\nwall 0.90\ndoor 0.10", "none\nwall 0.10\ndoor 0.20"]


def test_source_and_stances_are_shown():
    page = document_html(document(source=span("ministry"), stances=(Stance(span("duty"), "against", 0.8),)))
    read = Page(page)
    assert read.text == TEXT
    assert read.bold == ["ministry"]
    assert "duty<sup>▼</sup>" in page
    assert "source: ministry\nagainst toward duty (0.80)" in read.titles[0]
    assert "▲&nbsp;favor" in page
    assert "▲" not in document_html(document())


def test_overlapping_and_foreign_spans_lose_no_text():
    overlapping = (
        Stance(span('the "<b>duty'), "against", 0.8),
        Stance(span("duty"), "favor", 0.5),
        Stance(span("Rain"), "favor", 0.5),
    )
    assert Page(document_html(document(source=span("ministry called"), stances=overlapping))).text == TEXT


def test_a_title_cannot_be_left():
    sly = Document("a", (Sentence("a", 0, 1, 'x" onclick="y', ('x" onclick="y',)),), ('x" onclick="y',))
    assert Page(document_html(sly)).titles == ['x" onclick="y']
    assert ' onclick="' not in document_html(sly)


def test_colours_go_by_place_and_the_page_keeps_its_own():
    assert [colour(label, LABELS) for label in ("wall", "door", "other")] == [COLOURS[0], COLOURS[1], COLOURS[-1]]
    page = document_html(document())
    assert "solid #E69F00" in page
    assert "dashed #56B4E9" in page
    assert "color:inherit" in page
    assert Page(document_html(Document("", (), ()))).text == ""
