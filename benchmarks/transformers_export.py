"""Does ``transformers.pipeline`` give the scores of the checkpoint that was exported for it?

``python benchmarks/transformers_export.py`` compares, on sentences of the seed corpus, the probabilities of the pipeline with those of
the float model in torch (which the export should equal) and of the int8 model that ``Classifier`` runs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import pipeline

from framelens import Classifier, Columns, load_dataset
from framelens.checkpoint import WEIGHTS, open_checkpoint
from framelens.classifier import Scores, probabilities
from framelens.integrations.transformers import export_model
from framelens.modeling import FrameModel, load_base
from framelens.tables import text_table

SEEDS = Path(__file__).parents[1] / "seeds" / "sentences.jsonl"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--sentences", type=int, default=300)
    arguments = parser.parse_args()
    texts = load_dataset(SEEDS, Columns(labels="frames")).texts[: arguments.sentences]
    classifier = Classifier.load(arguments.model)
    with tempfile.TemporaryDirectory() as scratch:
        pipe = pipeline("text-classification", model=str(export_model(arguments.model, Path(scratch) / "export")), top_k=None)
        found = [{row["label"]: row["score"] for row in rows} for rows in pipe(texts, batch_size=16)]
    exported = np.array([[row[label] for label in classifier.labels.labels] for row in found])
    rows = []
    for name, scores in (
        ("float, torch", float_scores(arguments.model, texts)),
        ("int8, Classifier", classifier.scores(texts)),
    ):
        gap = np.abs(exported - scores)
        same = np.mean(
            [
                set(classifier.labels.select(a)) == set(classifier.labels.select(b))
                for a, b in zip(exported, scores, strict=True)
            ]
        )
        rows.append([name, f"{gap.mean():.2g}", f"{gap.max():.2g}", f"{100 * same:.1f}"])
    print(f"{classifier.name}, {len(texts)} sentences: the pipeline against")
    print(text_table(["model", "mean difference", "largest", "same frames, %"], rows))


def float_scores(model: str, texts: list[str]) -> Scores:
    """Calibrated probabilities of the checkpoint's own weights in torch, without the export."""
    checkpoint = open_checkpoint(model, need=None)
    encoder, tokenizer = load_base(str(checkpoint.path))
    frames = FrameModel(encoder, len(checkpoint.labels.labels))
    frames.load_state_dict({k: v.float() for k, v in load_file(checkpoint.file(WEIGHTS)).items()}, strict=False)
    frames.eval()
    logits = []
    with torch.no_grad():
        for start in range(0, len(texts), 16):
            batch = tokenizer(texts[start : start + 16], padding=True, return_tensors="pt")
            logits.append(frames(batch["input_ids"], batch["attention_mask"])["logits"].numpy())
    return probabilities(np.concatenate(logits), checkpoint.labels)


if __name__ == "__main__":
    main()
