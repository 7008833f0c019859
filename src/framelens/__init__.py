"""framelens: who frames what, how, and toward whom, sentence by sentence.

>>> from framelens import classify
>>> document = classify("The ministry called the tariffs illegal. It rained in Lisbon.")
>>> [sentence.frame for sentence in document.sentences]
['protectionism', None]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# name -> module. Loaded on first use: `import framelens` itself reads no model and imports no numpy, onnxruntime or torch.
_PUBLIC = {
    "Classifier": "classifier",
    "classify": "classifier",
    "available_checkpoints": "checkpoint",
    "Document": "schema",
    "Sentence": "schema",
    "Span": "schema",
    "Stance": "schema",
    "LabelSet": "schema",
    "frame_shares": "schema",
    "split_sentences": "segment",
    "Columns": "data",
    "LabelledSentences": "data",
    "load_dataset": "data",
    "TrainingConfig": "config",
    "train": "training",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "audit": "labelling.auditing",
    "suggest": "labelling.suggesting",
    "cross_validate": "crossvalidation",
    "search": "hyperparameters",
    "FramelensError": "errors",
    "InputError": "errors",
    "DataError": "errors",
    "ConfigError": "errors",
    "CheckpointError": "errors",
}

__all__ = [
    "CheckpointError",
    "Classifier",
    "Columns",
    "ConfigError",
    "DataError",
    "Document",
    "Evaluation",
    "FramelensError",
    "InputError",
    "LabelSet",
    "LabelledSentences",
    "Sentence",
    "Span",
    "Stance",
    "TrainingConfig",
    "__version__",
    "audit",
    "available_checkpoints",
    "classify",
    "cross_validate",
    "evaluate",
    "frame_shares",
    "load_dataset",
    "search",
    "split_sentences",
    "suggest",
    "train",
]

if TYPE_CHECKING:
    from framelens.checkpoint import available_checkpoints
    from framelens.classifier import Classifier, classify
    from framelens.config import TrainingConfig
    from framelens.crossvalidation import cross_validate
    from framelens.data import Columns, LabelledSentences, load_dataset
    from framelens.errors import CheckpointError, ConfigError, DataError, FramelensError, InputError
    from framelens.evaluation import Evaluation, evaluate
    from framelens.hyperparameters import search
    from framelens.labelling.auditing import audit
    from framelens.labelling.suggesting import suggest
    from framelens.schema import Document, LabelSet, Sentence, Span, Stance, frame_shares
    from framelens.segment import split_sentences
    from framelens.training import train


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'framelens' has no attribute {name!r}")
    value = getattr(import_module(f"framelens.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
