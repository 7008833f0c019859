"""A Polars namespace. After ``import framelens.integrations.polars`` every Series of texts has ``.framelens``."""

from __future__ import annotations

import os
from typing import Any

from framelens.classifier import classify
from framelens.errors import InputError, MissingExtraError
from framelens.schema import Document

try:
    import polars as pl
except ImportError as error:
    raise MissingExtraError.for_extra("framelens.integrations.polars", "polars") from error


@pl.api.register_series_namespace("framelens")
class FramelensNamespace:
    """``series.framelens`` for a Series of articles.

    Examples:
        >>> import polars as pl
        >>> import framelens.integrations.polars
        >>> articles = pl.DataFrame({"text": ["Both sides agreed to keep talking. It rained.", "Rain again."]})
        >>> articles["text"].framelens.classify()["row", "sentence", "frame"].rows()
        [(0, 0, 'cooperation_appeal'), (0, 1, None), (1, 0, None)]
        >>> articles.hstack(articles["text"].framelens.frame_shares())["cooperation_appeal"].to_list()
        [0.5, 0.0]
    """

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def documents(self, *, model: str | os.PathLike[str] = "default", **options: Any) -> list[Document]:
        """A :class:`framelens.Document` per article; ``options`` are those of ``Classifier.classify``.

        Raises:
            InputError: a Series that holds no text, or a null, with its position.
        """
        if self._series.dtype != pl.String:
            raise InputError(f"series {self._series.name!r} has the type {self._series.dtype}; accepted: String")
        texts: list[str] = self._series.to_list()
        return classify(texts, model=model, **options)

    def classify(self, *, model: str | os.PathLike[str] = "default", **options: Any) -> pl.DataFrame:
        """One row per sentence: ``row`` (the article's position), then the columns of :meth:`framelens.Document.to_rows`."""
        documents = self.documents(model=model, **options)
        rows = [{"row": number, **row} for number, document in enumerate(documents) for row in document.to_rows()]
        return pl.DataFrame(rows, infer_schema_length=None)

    def frame_shares(self, *, primary: bool = False, model: str | os.PathLike[str] = "default", **options: Any) -> pl.DataFrame:
        """One row per article, in the order of the Series: the share of sentences per frame, 0 to 1."""
        documents = self.documents(model=model, **options)
        return pl.DataFrame([d.frame_shares(primary=primary) for d in documents])
