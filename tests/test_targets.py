from __future__ import annotations

import numpy as np
import pytest

from framelens import InputError, Span, TargetFinder, split_sentences
from framelens.attribution import judge_targets
from framelens.lexicon import countries

FINDER = TargetFinder()


def found(text: str, finder: TargetFinder = FINDER) -> list[str]:
    return [text[t.start : t.end] for t in finder.find(text)]


def named(text: str, finder: TargetFinder = FINDER) -> dict[str, str]:
    return {text[t.start : t.end]: t.name for t in finder.find(text)}


def kinds(text: str) -> dict[str, str]:
    return {text[t.start : t.end]: t.kind for t in FINDER.find(text)}


def test_every_state_is_there_under_one_name():
    names = [country.name for country in countries()]
    assert len(set(names)) == len(names) == 200
    assert {"Taiwan", "European Union", "Hong Kong", "Kosovo", "Palestine", "Vatican City"} <= set(names)
    aliases = [alias for country in countries() for alias in (*country.names, *country.seats)]
    assert {a for a in aliases if aliases.count(a) > 1} == set()


def test_states_by_name_demonym_and_seat():
    text = "Beijing told the White House that U.S. firms and two Britons may leave the Kremlin's friends in Côte d’Ivoire."
    assert named(text) == {
        "Beijing": "China",
        "White House": "United States",
        "U.S.": "United States",
        "Britons": "United Kingdom",
        "Kremlin": "Russia",
        "Côte d’Ivoire": "Ivory Coast",
    }
    assert named("The Chinese government and UK officials met in The Hague.") == {
        "Chinese government": "China",
        "UK officials": "United Kingdom",
        "The Hague": "Netherlands",
    }


def test_us_is_a_country_and_us_is_not():
    assert found("Give us the US, he said to us.") == ["US"]
    assert found("US SLAPS TARIFFS ON CHINA") == ["US", "TARIFFS", "CHINA"]
    assert found("GIVE US BREAD") == []
    assert named("The US-led group and a U.S-born cook") == {"US": "United States", "U.S": "United States"}


def test_states_that_are_given_names_too():
    assert named("Turkey met Georgia, Jordan and Chad.") == {x: x for x in ("Turkey", "Georgia", "Jordan", "Chad")}
    assert kinds("Jordan Hale and Michael Jordan flew to Jordan.") == {
        "Jordan Hale": "unknown",
        "Michael Jordan": "unknown",
        "Jordan": "state",
    }
    assert kinds("Mr Jordan met Chad Weller in Georgia.") == {"Jordan": "person", "Chad Weller": "unknown", "Georgia": "state"}
    assert FINDER.find("Georgia, 34, said she slept.")[0].kind != "state"


def test_languages_and_lookalikes_are_no_states():
    assert found("She speaks Chinese and French, and wrote it in Japanese.") == []
    assert found("He lives in New Mexico, loves the Latin American coast and keeps Guinea pigs.") == []
    assert found("The Chinese-language daily was read in Chinese waters.") == ["Chinese"]


def test_persons_without_their_offices():
    text = "Chinese Foreign Minister Wang Ling and Secretary of State for Trade Sir Ian O'Dell met Ms. Ana de la Cruz and Dr. J. P. Holt."
    assert named(text)["Chinese"] == "China"
    assert [n for n, kind in kinds(text).items() if kind == "person"] == [
        "Wang Ling",
        "Ian O'Dell",
        "Ana de la Cruz",
        "J. P. Holt",
    ]
    assert kinds("Bank of England Governor Ann Lee met Park Geun-mi, a professor.") == {
        "Bank of England": "organisation",
        "Ann Lee": "person",
        "Park Geun-mi": "person",
    }
    assert found("The President and the Prime Minister spoke to Mr Tull.") == ["Tull"]


def test_organisations_firms_and_policies():
    assert kinds("The Department for Digital, Culture, Media and Sport drafted the Telecommunications (Security) Bill.") == {
        "Department for Digital, Culture, Media and Sport": "organisation",
        "Telecommunications (Security) Bill": "policy",
    }
    assert kinds("Under Section 301 of the Trade Act, AT&T and Acme Holdings Ltd attacked Made in China 2025 and tariffs.") == {
        "Section 301": "policy",
        "Trade Act": "policy",
        "AT&T": "organisation",
        "Acme Holdings Ltd": "firm",
        "Made in China 2025": "policy",
        "tariffs": "policy",
    }
    assert kinds("People's Daily cited the Securities and Exchange Commission and the Bank of China.") == {
        "People's Daily": "organisation",
        "Securities and Exchange Commission": "organisation",
        "Bank of China": "organisation",
    }
    assert kinds("He blamed the Tull administration.") == {"Tull administration": "organisation"}


def test_a_capital_at_the_start_of_a_sentence_makes_no_name():
    assert found("Prices fell. “Steel is cheap,” analysts said: Nobody buys.") == []
    assert found("Meanwhile Zentrix said its shares fell on Monday, 3 May.") == ["Zentrix"]
    assert found("I think it's fine, don't you?") == []


def test_possessives_and_hyphens_stay_outside():
    assert found("Zentrix's and China’s Beijing-based labs") == ["Zentrix", "China", "Beijing"]


def test_headlines_and_capitals():
    assert found("Zentrix Faces Ban in Britain as Allies Press Commerce Department") == [
        "Zentrix",
        "Britain",
        "Commerce Department",
    ]
    assert found("ZENTRIX FACES BAN IN BRITAIN") == ["ZENTRIX", "BRITAIN"]
    assert found("LONDON (Agency) - Britain will wait.") == ["Britain"]
    assert found("BEIJING, Aug. 3 -- Nobody waits.") == []
    assert found("MINISTER TULLOCH: No.") == ["TULLOCH"]


def test_a_list_finds_only_its_names_with_the_aliases_of_states():
    finder = TargetFinder(["China", "Zentrix", "rare earths", "US"])
    text = "Rare earths from China: Beijing, the PRC and the Chinese state told America and Paris that Zentrix and zentrix pay."
    assert named(text, finder) == {
        "Rare earths": "rare earths",
        "China": "China",
        "Beijing": "China",
        "PRC": "China",
        "Chinese state": "China",
        "America": "US",
        "Zentrix": "Zentrix",
        "zentrix": "Zentrix",
    }
    assert [t.kind for t in finder.find("China, us and china")] == ["state"]
    assert found("CHINA and the ZENTRIXES", finder) == ["CHINA"]


def test_a_longer_name_shadows_an_alias_in_it():
    finder = TargetFinder(["South Korea", "Guinea", "United States"])
    assert found("North Korea, Papua New Guinea, Latin America and New Guinea-Bissau", finder) == []
    assert named("Korea and Guinea", finder) == {"Korea": "South Korea", "Guinea": "Guinea"}


def test_a_name_of_ones_own_comes_before_an_alias():
    finder = TargetFinder(["EU", "Brussels"])
    assert named("Brussels and the European Union", finder) == {"Brussels": "Brussels", "European Union": "EU"}


def test_a_mapping_gives_aliases():
    finder = TargetFinder({"the vendor": ["Zentrix", "ZTX"], "China": []})
    assert named("ZTX is Chinese, said Zentrix.", finder) == {"ZTX": "the vendor", "Chinese": "China", "Zentrix": "the vendor"}


def test_an_empty_list_finds_nothing():
    assert TargetFinder([]).find("China and Zentrix") == []
    assert FINDER.find("") == []


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("China", r"targets are 'China'; accepted: a sequence of names"),
        (7, "targets are 7"),
        (["China", " "], "target ' ' is not a name"),
        (["China", None], "target None is not a name"),
        ({"China": "Beijing"}, "aliases of target 'China' are 'Beijing'"),
        ({"China": ["Beijing"], "Party": ["Beijing"]}, "'Beijing' stands for two targets, 'China' and 'Party'"),
    ],
)
def test_what_is_no_list_of_names_is_refused(targets, message):
    with pytest.raises(InputError, match=message):
        TargetFinder(targets)


def test_text_must_be_text():
    with pytest.raises(InputError, match="text is bytes; accepted: str"):
        FINDER.find(b"China")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["\x00", "()[]", "’s", "A" * 5000, "A. " * 500, "of the " * 300, "China " * 500, "\ud800 China", "É" * 50]
)
def test_odd_text_does_no_harm(text):
    for target in FINDER.find(text):
        assert 0 <= target.start < target.end <= len(text)


def whom(text: str) -> list[str]:
    """The names that the default targets of an article end up with; its sources are the first two words before "said"."""
    parts = split_sentences(text)
    sources = [
        Span(p.text[: p.text.index(" said")], p.start, p.start + p.text.index(" said"), "Ana Ruiz")
        if "Ruiz said" in p.text
        else None
        for p in parts
    ]
    targets = [FINDER.find(part.text) for part in parts]
    scores = [np.full((len(row), 3), 1 / 3) for row in targets]
    judged = judge_targets(parts, sources, targets, scores, named_by_caller=False)
    return [stance.target.name for row in judged for stance in row]


def test_short_names_get_the_fuller_one_of_the_article():
    assert whom("The Grain Growers Federation (GGF) met. Talks with the GGF failed.")[-1] == "Grain Growers Federation"
    assert whom("The European Trade Commission met. They sued the Commission.")[-1] == "European Trade Commission"
    assert whom("They sued Tull Holdings. He left Tull.")[-1] == "Tull Holdings"
    assert whom("They sued Tull Holdings and Ana Tull. He left Tull.")[-1] == "Tull"


def test_a_source_takes_no_stance_toward_himself_and_a_place_is_nobody():
    assert whom("Ms Ruiz said Ana Ruiz would win.") == []
    assert whom("They met Ana Tull. She lives in Tull.")[-1] == "Tull"


def test_sums_of_money_and_cabinets_are_no_targets():
    assert found("He paid Sh40 billion and Rs500 to Cabinet Secretary Grace Tull and Union Trade Minister Asha Sen.") == [
        "Grace Tull",
        "Asha Sen",
    ]
    assert kinds("He told Bill Tull and Mr King that Bill Clause 4 was dead.")["Bill Tull"] == "unknown"
