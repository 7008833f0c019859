"""Features of sentences that know nothing of their labels, and the cheap classifier on top of them."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from framelens.config import ModelConfig
from framelens.errors import DataError, MissingExtraError
from framelens.schema import NO_FRAME

try:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import normalize
except ImportError as error:
    raise MissingExtraError.for_extra("help with labels", "labels") from error

Array = np.ndarray[Any, Any]
AUTO, TFIDF = "auto", "tfidf"
_REGULARISATION = 10.0  # scikit-learn's C, for rows of unit length
_LSA_WIDTH = 128
_MAX_TOKENS = 128
_FEW = 100  # sentences; beyond, a word that occurs once is left out
_BATCH = 64


def features(texts: Sequence[str], encoder: str = AUTO, known: Array | None = None) -> Any:
    """What a cheap classifier reads: words and pairs of words (TF-IDF), joined with :func:`vectors`. No label is used.

    Args:
        texts: the sentences.
        encoder: as for :func:`vectors`; ``"tfidf"`` gives the words alone.
        known: what :func:`vectors` gave for the same texts and encoder, to spare computing it again.

    Returns:
        Sparse matrix of shape ``(len(texts), width)``, rows of unit length.
    """
    words = _words(texts)
    encoder = _resolved(encoder)
    if encoder == TFIDF:
        return words
    return normalize(hstack([words, csr_matrix(_encode(texts, encoder) if known is None else known)]).tocsr())


def vectors(texts: Sequence[str], encoder: str = AUTO) -> Array:
    """One dense vector of unit length per sentence: sentences of like meaning lie close together.

    Args:
        texts: the sentences.
        encoder: ``"tfidf"`` (reduced by latent semantic analysis), or whatever ``ModelConfig.base`` may name, whose token
            vectors are averaged (needs the extra ``train``). ``"auto"`` takes the default base model where it and torch are
            installed, and TF-IDF otherwise.

    Returns:
        float array of shape ``(len(texts), width)``.
    """
    encoder = _resolved(encoder)
    if encoder != TFIDF:
        return _encode(texts, encoder)
    words = _words(texts)
    width = min(_LSA_WIDTH, min(words.shape) - 1)
    return np.asarray(normalize(TruncatedSVD(width, random_state=0).fit_transform(words)) if width > 0 else words.toarray())


def out_of_fold(rows: Any, truth: Array, groups: Sequence[str], *, multi_label: bool, folds: int = 5, seed: int = 13) -> Array:
    """Probabilities from logistic regressions that saw no sentence of the same article.

    Args:
        rows: features, shape ``(n, width)``.
        truth: shape ``(n, k)``, 0/1.
        groups: the article of each sentence.
        multi_label: one regression per label, or one softmax over all.
        folds: at most; fewer where there are fewer articles.
        seed: of the folds.

    Returns:
        float array of shape ``(n, k)``.

    Raises:
        DataError: all sentences are of one article.
    """
    folds = min(folds, len(set(groups)))
    if folds < 2:
        raise DataError("all sentences are of one article; out-of-fold probabilities need two or more")
    strata = ["+".join(map(str, np.flatnonzero(row))) or NO_FRAME for row in truth]
    result = np.zeros(truth.shape)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a combination of labels rarer than the folds is no reason to stop
        warnings.simplefilter("ignore", UserWarning)
        parts = list(splitter.split(np.zeros(len(truth)), strata, groups))
    for train, held_out in parts:
        result[held_out] = fit_predict(rows[train], truth[train], rows[held_out], multi_label=multi_label)
    return result


def fit_predict(rows: Any, truth: Array, others: Any, *, multi_label: bool) -> Array:
    """Probabilities of ``others`` by logistic regression on ``rows``, shape ``(len(others), k)``."""
    result = np.zeros((others.shape[0], truth.shape[1]))
    if multi_label:
        for column, y in enumerate(truth.T):
            known = len(set(y.tolist())) > 1
            result[:, column] = _regression().fit(rows, y).predict_proba(others)[:, 1] if known else float(y[0])
        return result
    classes = truth.argmax(axis=1)
    if len(set(classes.tolist())) == 1:
        result[:, classes[0]] = 1.0
        return result
    fitted = _regression().fit(rows, classes)
    result[:, fitted.classes_] = fitted.predict_proba(others)
    return result


def _regression() -> Any:
    return LogisticRegression(C=_REGULARISATION, max_iter=1000)


def _resolved(encoder: str) -> str:
    if encoder != AUTO:
        return encoder
    base = ModelConfig().base
    installed = all(importlib.util.find_spec(name) for name in ("torch", "transformers", base.replace("-", "_")))
    return base if installed else TFIDF


def _words(texts: Sequence[str]) -> Any:
    rare = 2 if len(texts) > _FEW else 1
    return TfidfVectorizer(ngram_range=(1, 2), min_df=rare, sublinear_tf=True).fit_transform(texts)


def _encode(texts: Sequence[str], base: str) -> Array:
    """Mean of an encoder's token vectors, computed once per distinct text in batches of like length."""
    import torch
    from transformers.utils import logging

    from framelens.modeling import load_base  # raises MissingExtraError without torch

    logging.disable_progress_bar()
    encoder, tokenizer = load_base(base)
    encoder.eval()
    unique = sorted(set(texts), key=len)
    place = {text: index for index, text in enumerate(unique)}
    parts = []
    with torch.inference_mode():
        for start in range(0, len(unique), _BATCH):
            batch = tokenizer(
                unique[start : start + _BATCH], truncation=True, max_length=_MAX_TOKENS, padding=True, return_tensors="pt"
            )
            mask = batch["attention_mask"]
            hidden = encoder(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            pooled = (hidden * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)
            parts.append(pooled.numpy())
    return np.asarray(normalize(np.concatenate(parts))[[place[text] for text in texts]])
