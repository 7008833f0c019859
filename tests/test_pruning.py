from __future__ import annotations

import json

import pytest
import torch

from framelens import Classifier, ConfigError, train
from framelens.modeling import load_base
from framelens.pruning import prune
from tests.conftest import toy_settings


def test_the_first_layers_and_the_strongest_neurons_are_kept(tiny_base):
    whole, _ = load_base(str(tiny_base))
    layer = whole.encoder.layer[0]
    with torch.no_grad():
        layer.intermediate.dense.weight[5] *= 100
    expected = layer.intermediate.dense.weight[5].clone()
    small = prune(whole, layers=1, neurons=8)
    assert len(small.encoder.layer) == 1
    assert small.config.num_hidden_layers == 1
    kept = small.encoder.layer[0]
    assert kept.intermediate.dense.weight.shape == (8, 32)
    assert kept.output.dense.weight.shape == (32, 8)
    assert any(torch.equal(row, expected) for row in kept.intermediate.dense.weight)


def test_all_neurons_change_nothing(tiny_base):
    ids = torch.tensor([[2, 7, 8, 3]])
    before, _ = load_base(str(tiny_base))
    after, _ = load_base(str(tiny_base))
    prune(after, layers=2, neurons=64)
    before.eval(), after.eval()
    assert torch.allclose(before(ids).last_hidden_state, after(ids).last_hidden_state, atol=1e-6)


def test_a_small_student_is_a_checkpoint_like_any_other(tiny_base, toy_file, tmp_path):
    settings = toy_settings(tiny_base, toy_file, tmp_path / "small")
    settings["model"] = {"base": str(tiny_base), "max_length": 32, "layers": 1, "neurons": 16}
    run = train(settings, progress=False)
    config = json.loads((run.checkpoint / "config.json").read_text())
    assert (config["num_hidden_layers"], config["intermediate_size"]) == (1, 16)
    assert run.metrics["test"].macro_f1 > 0.8
    assert Classifier.load(run.checkpoint).scores(["a storm closed the coast road"]).shape == (1, 2)


@pytest.mark.parametrize(("asked", "message"), [({"layers": 3}, "1 to 2"), ({"neurons": 0}, "1 to 64")])
def test_more_than_there_is_is_refused(tiny_base, asked, message):
    encoder, _ = load_base(str(tiny_base))
    with pytest.raises(ConfigError, match=message):
        prune(encoder, **asked)


def test_other_encoders_are_refused():
    with pytest.raises(ConfigError, match="Linear"):
        prune(torch.nn.Linear(2, 2), layers=1)
