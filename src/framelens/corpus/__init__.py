"""A corpus of any size: articles from files, one Parquet row per sentence, on one machine or on a Ray cluster.

>>> from framelens.corpus import classify_corpus
>>> result = classify_corpus("articles/*.jsonl.gz", "frames")  # doctest: +SKIP
>>> result.articles, result.sentences, result.unusable  # doctest: +SKIP
(12000, 301244, 3)
"""

from __future__ import annotations

from framelens.errors import CorpusError, MissingExtraError

try:
    import filelock  # noqa: F401
    import pyarrow  # noqa: F401
except ImportError as error:
    raise MissingExtraError.for_extra("classifying a corpus", "corpus") from error

from framelens.corpus.run import CorpusResult, classify_corpus

__all__ = ["CorpusError", "CorpusResult", "classify_corpus"]
