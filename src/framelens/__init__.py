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
    "by_source": "summaries",
    "network": "summaries",
    "TargetFinder": "targets",
    "resolve_sources": "sources",
    "split_sentences": "segment",
    "Columns": "data",
    "LabelledSentences": "data",
    "load_dataset": "data",
    "TrainingConfig": "config",
    "train": "training",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "Comparison": "comparison",
    "compare": "comparison",
    "Prevalence": "prevalence",
    "frame_prevalence": "prevalence",
    "Agreement": "agreement",
    "annotator_agreement": "agreement",
    "LearningCurve": "learning",
    "learning_curve": "learning",
    "classify_corpus": "corpus",
    "audit": "labelling.auditing",
    "suggest": "labelling.suggesting",
    "cross_validate": "crossvalidation",
    "search": "hyperparameters",
    "FramelensError": "errors",
    "CorpusError": "errors",
    "InputError": "errors",
    "DataError": "errors",
    "ConfigError": "errors",
    "CheckpointError": "errors",
}

__all__ = [
    "Agreement",
    "CheckpointError",
    "Classifier",
    "Columns",
    "Comparison",
    "ConfigError",
    "CorpusError",
    "DataError",
    "Document",
    "Evaluation",
    "FramelensError",
    "InputError",
    "LabelSet",
    "LabelledSentences",
    "LearningCurve",
    "Prevalence",
    "Sentence",
    "Span",
    "Stance",
    "TargetFinder",
    "TrainingConfig",
    "__version__",
    "annotator_agreement",
    "audit",
    "available_checkpoints",
    "by_source",
    "classify",
    "classify_corpus",
    "compare",
    "cross_validate",
    "evaluate",
    "frame_prevalence",
    "frame_shares",
    "learning_curve",
    "load_dataset",
    "network",
    "resolve_sources",
    "search",
    "split_sentences",
    "suggest",
    "train",
]

if TYPE_CHECKING:
    from framelens.agreement import Agreement, annotator_agreement
    from framelens.checkpoint import available_checkpoints
    from framelens.classifier import Classifier, classify
    from framelens.comparison import Comparison, compare
    from framelens.config import TrainingConfig
    from framelens.corpus import classify_corpus
    from framelens.crossvalidation import cross_validate
    from framelens.data import Columns, LabelledSentences, load_dataset
    from framelens.errors import CheckpointError, ConfigError, CorpusError, DataError, FramelensError, InputError
    from framelens.evaluation import Evaluation, evaluate
    from framelens.hyperparameters import search
    from framelens.labelling.auditing import audit
    from framelens.labelling.suggesting import suggest
    from framelens.learning import LearningCurve, learning_curve
    from framelens.prevalence import Prevalence, frame_prevalence
    from framelens.schema import Document, LabelSet, Sentence, Span, Stance, frame_shares
    from framelens.segment import split_sentences
    from framelens.sources import resolve_sources
    from framelens.summaries import by_source, network
    from framelens.targets import TargetFinder
    from framelens.training import train


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'framelens' has no attribute {name!r}")
    value = getattr(import_module(f"framelens.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
