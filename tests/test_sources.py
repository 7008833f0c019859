"""Articles in which ``{span|name}`` marks the source that a model saw and whom it means, ``{>|name}`` a sentence that only carries on
a quotation, and a span without a name one that must stay as it is. A sentence without a mark has no source.
"""

from __future__ import annotations

import re

import pytest

from framelens import Span, resolve_sources, split_sentences

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
    given = resolve_sources(text, sentences, found)
    assert len(given) == len(sentences)
    for source, place in zip(given, found, strict=True):
        assert source is None or text[source.start : source.end] == source.text
        assert place is None or (source is not None and (source.start, source.end) == place)
    return [(s.text, name, g and g.name) for s, name, g in zip(sentences, wanted, given, strict=True)]


ARTICLES = {
    "agency": """Zentrix ban is wrong, {Lin|Lin Meiyu} says

BEIJING (Agency) - A foreign ministry spokeswoman, {Lin Meiyu}, said on Monday the ban on Zentrix was wrong.

"We oppose this," {she|Lin Meiyu} told reporters. {>|Lin Meiyu}"We will act."

{The spokeswoman|Lin Meiyu} gave no details. {Lin|Lin Meiyu} also said talks would go on.

Britain's Trade Secretary {Owen Hartley} said the ban would stay. {Hartley|Owen Hartley} said it was final.
""",
    "british": """‘We are not for sale,’ {Dame Ruth Pell|Ruth Pell} told the Commons yesterday.

The Culture Secretary, {Alan Bright}, said that the Bill would pass. ‘It must be strong,’ {he|Alan Bright} said. {>|Alan Bright}‘It must also be fair.’

{Mr Bright|Alan Bright} was heckled. {Dame Ruth|Ruth Pell} called it a shambles. {She|Ruth Pell} wants a vote.
""",
    "state media": """{Geng Wei}, a spokesperson for the Ministry of Commerce (MOC), told a news conference on Thursday that China opposes the tariffs.

{The MOC|Ministry of Commerce} has filed a complaint. {The ministry|Ministry of Commerce} will "take all measures necessary". {Geng|Geng Wei} expects a reply.

"The two sides should meet halfway," {the spokesperson|Geng Wei} stressed, adding that mutual respect is key.
""",
    "op-ed": """I have lived in Lagos for forty years. Nobody asked me.

{My neighbour} tells me the port is closed. {I} said so in this column in May. {The minister}, who has never met us, calls it progress.
""",
    "two women": """{Marta Silva}, the finance minister, met reporters on Monday. Her rival, Ana Lopes, was there too.

{Ana Lopes} said the budget was a fraud. {Silva|Marta Silva} said it was sound. {She} refused to say more.

{Ms Lopes|Ana Lopes} laughed. {The finance minister|Marta Silva} did not.
""",
    "running quote": """“The valley is dying,” said {Tomas Rehn}, a farmer. {>|Tomas Rehn}“My father planted these trees.

{>|Tomas Rehn}“He watered them by hand. {>|Tomas Rehn}He never sold one.

{>|Tomas Rehn}“Now the state wants a road. {>|Tomas Rehn}I will not move.”

The ministry has not answered. “It is only a road,” said {Ida Falk}, its lawyer.
""",
    "straight quotes": """{Paulo Reis}, head of the growers' union, was blunt. {>|Paulo Reis}"They promised us water.

{>|Paulo Reis}"They sent us forms." The union has 300 members.

"We have no comment," {a spokesman} for the board said. {The spokesman|a spokesman} hung up.
""",
    "offices that differ": """{Prime Minister Jonas Berg|Jonas Berg} promised calm. {Foreign Minister Eva Lind|Eva Lind} promised talks.

{The prime minister|Jonas Berg} spoke for an hour. {The foreign minister|Eva Lind} spoke for two. {The minister|Eva Lind} flew home.

{Vice President Karl Holm|Karl Holm} stayed. {The president} was silent.
""",
    "company": """Shares in Norvik fell on Friday. {The Danish chipmaker Norvik|Norvik} blamed the weather.

{The company|Norvik} said it would recover. {It|Norvik} gave no date. {Analysts} doubted that. {They|Analysts} expect a loss.
""",
    "two companies": """{Norvik Ltd} sued Halden Group on Friday. {Halden Group} denied all charges. {The company} would not say more.
""",
    "acronym and commission": """{The Port Safety Authority of Ghana (PSAG)|Port Safety Authority of Ghana} closed two piers.

{PSAG|Port Safety Authority of Ghana} found cracks. {The European Commission|European Commission} offered help. {The Commission|European Commission} will pay half.

{The authority|Port Safety Authority of Ghana} welcomed that. {Accra|Ghana} did not reply.
""",
    "same surname": """{Peter Amsel} and his sister Clara Amsel own the mill. {Amsel} said it would close.

{Mr Amsel|Peter Amsel} blamed wages. {Ms Amsel|Clara Amsel} blamed him. {He|Peter Amsel} shrugged.
""",
    "pronoun between two men": """{John Pike} called the plan a joke. {Mark Dunn} called it a gift. {He} left early.

{The mayor} was absent.
""",
    "introduced without a name": """{A retired colonel} warned of a trap. {The colonel|A retired colonel} asked not to be named. {He|A retired colonel} had been right before.

{A Czech diplomat} agreed. {The diplomat|A Czech diplomat} smiled.
""",
    "korean and capitals": """{MINISTER HAN|Han Ji-won}: Welcome to the port.

{Han Ji-won}, the trade minister, spoke in Seoul. {Han|Han Ji-won} cited figures. {Minister Han|Han Ji-won} then left.
""",
    "spoken of": """{Wei Zhang} said Ms Ruiz was wrong. {She} was not there.

{Ms Ruiz|Ruiz} answered by letter.
""",
}


@pytest.mark.parametrize("name", ARTICLES)
def test_article(name):
    for sentence, wanted, given in read(ARTICLES[name]):
        assert given == wanted, sentence
