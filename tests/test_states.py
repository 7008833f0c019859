from __future__ import annotations

import random
import re

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from framelens import Classifier, ConfigError, train
from framelens.augmentation import swap_states
from framelens.checkpoint import TOKENIZER
from framelens.states import any_of, as_seen
from framelens.tokens import whole_offsets
from tests.conftest import toy_settings

SENTENCES = [
    "The United States told Mexico City and the Dominican Republic that U.S.-China talks had failed.",
    "Kenyans in Nairobi said the American firm was Kenya's; CHINA and the UK denied it.",
    "In South Africa and Papua New Guinea, Turkish officials met Germans.",
]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    """A tokenizer whose tokens can be read: every word is one, in small letters."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def read(tokenizer: Tokenizer, text: str) -> str:
    return tokenizer.normalizer.normalize_str(text)


def test_every_state_is_read_as_one(words):
    masked = as_seen(words, mask=True)
    assert read(masked, SENTENCES[0]) == "france told paris and france that france-france talks had failed."
    assert read(masked, SENTENCES[1]) == "french in paris said the french firm was france's; france and france denied it."
    assert read(masked, SENTENCES[2]) == "in france and france, french officials met french."


def test_words_that_hold_or_resemble_a_name_stay(words):
    text = "chinaware, Omanite and us: they turkey-farmed while Chinatown slept"
    assert read(as_seen(words, mask=True), text) == text.lower()


def test_swapped_sentences_are_read_alike(words):
    masked = as_seen(words, mask=True)
    for sentence in SENTENCES:
        for seed in range(20):
            swapped = swap_states(sentence, random.Random(seed))
            assert swapped
            assert read(masked, swapped) == read(masked, sentence)


def test_tokens_cover_the_whole_name(words):
    offsets = whole_offsets(as_seen(words, mask=True).encode(SENTENCES[0]).offsets, SENTENCES[0])
    assert [SENTENCES[0][a:b] for a, b in offsets][:6] == [
        "The United States",
        "told",
        "Mexico City",
        "and",
        "the Dominican Republic",
        "that",
    ]
    for sentence in SENTENCES:
        offsets = whole_offsets(as_seen(words, mask=True).encode(sentence).offsets, sentence)
        assert "".join(sentence[a:b] for a, b in offsets).replace(" ", "") == sentence.replace(" ", "")


def test_words_can_be_left_out(words):
    seen = as_seen(words, mask=True, skip=["the", "a", "of", ",", '"'])
    assert seen.encode('The Kenyan, a man of "Athens", met the a-team.', add_special_tokens=False).offsets[0] == (9, 10)
    assert read(seen, 'The Kenyan, a man of "Athens", met the a-team.').split() == ["french", "man", "paris", "met", "a-team."]
    assert as_seen(seen).to_str() == words.to_str()
    assert as_seen(seen, mask=True).to_str() == as_seen(words, mask=True).to_str()


def test_words_are_left_out_of_models_of_frames_alone(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "run")
    settings["tasks"] = ["frames", "source"]
    settings["model"] = {"base": str(tiny_base), "skip_words": ["the"]}
    with pytest.raises(ConfigError, match="frames alone"):
        train(settings, progress=False)


def test_masking_can_be_undone_and_done_twice(words):
    masked = as_seen(words, mask=True)
    assert as_seen(masked, mask=True).to_str() == masked.to_str()
    assert as_seen(masked).to_str() == words.to_str()
    assert as_seen(words).to_str() == words.to_str()


def test_the_longest_of_several_words_is_found():
    pattern = re.compile(any_of(["Niger", "Nigeria", "Oman", "U.S.", "U.S"]))
    assert pattern.findall("Nigeria Niger Omani U.S. U.S, UxS") == ["Nigeria", "Niger", "Oman", "U.S.", "U.S"]


def test_a_model_trained_with_masked_states_does_not_tell_them_apart(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "masked")
    settings["model"] = {"base": str(tiny_base), "max_length": 32, "mask_states": True}
    settings["optimisation"] = {"epochs": 1, "batch_size": 8}
    checkpoint = train(settings, progress=False).checkpoint
    scores = Classifier.load(checkpoint).scores(
        ["rain fell in Kenya.", "rain fell in the United Kingdom.", "rain fell in snow."]
    )
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])
    # What is trained on from it reads states as they are written, unless it says so too.
    settings = toy_settings(checkpoint, toy_file, tmp_path / "as_written")
    settings["optimisation"] = {"epochs": 1, "batch_size": 8}
    again = train(settings, progress=False).checkpoint
    assert Tokenizer.from_file(str(checkpoint / TOKENIZER)).to_str() != Tokenizer.from_file(str(again / TOKENIZER)).to_str()
    scores = Classifier.load(again).scores(["rain fell in Kenya.", "rain fell in the United Kingdom."])
    assert not np.array_equal(scores[0], scores[1])
