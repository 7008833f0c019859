"""A pandas accessor. After ``import framelens.integrations.pandas`` every Series of texts has ``.framelens``."""

from __future__ import annotations

import os
from typing import Any

from framelens.classifier import classify
from framelens.errors import InputError, MissingExtraError

try:
    import pandas as pd
except ImportError as error:
    raise MissingExtraError.for_extra("framelens.integrations.pandas", "pandas") from error


@pd.api.extensions.register_series_accessor("framelens")
class FramelensAccessor:
    """``series.framelens`` for a Series of articles.

    Examples:
        >>> import pandas as pd
        >>> import framelens.integrations.pandas
        >>> articles = pd.Series({"a": "Both sides agreed to keep talking. It rained.", "b": "Rain again."})
        >>> articles.framelens.classify()[["row", "sentence", "frame"]].fillna("-").values.tolist()
        [['a', 0, 'cooperation_appeal'], ['a', 1, '-'], ['b', 0, '-']]
        >>> articles.framelens.frame_shares()["cooperation_appeal"].to_dict()
        {'a': 0.5, 'b': 0.0}
    """

    def __init__(self, series: pd.Series) -> None:
        self._series = series

    def documents(self, *, model: str | os.PathLike[str] = "default", **options: Any) -> pd.Series:
        """A Series of :class:`framelens.Document` with the same index; ``options`` are those of ``Classifier.classify``.

        Raises:
            InputError: a value that is no text, with its index.
        """
        for key, text in self._series.items():
            if not isinstance(text, str):
                raise InputError(f"the value at index {key!r} is {text!r:.60} ({type(text).__name__}); accepted: str")
        documents = classify(self._series.tolist(), model=model, **options)
        return pd.Series(documents, index=self._series.index, name=self._series.name, dtype=object)

    def classify(self, *, model: str | os.PathLike[str] = "default", **options: Any) -> pd.DataFrame:
        """One row per sentence: ``row`` (the article's index), then the columns of :meth:`framelens.Document.to_rows`."""
        documents = self.documents(model=model, **options)
        return pd.DataFrame([{"row": key, **row} for key, document in documents.items() for row in document.to_rows()])

    def frame_shares(self, *, primary: bool = False, model: str | os.PathLike[str] = "default", **options: Any) -> pd.DataFrame:
        """One row per article with the same index, so that it can be joined: the share of sentences per frame, 0 to 1."""
        documents = self.documents(model=model, **options)
        return pd.DataFrame([d.frame_shares(primary=primary) for d in documents], index=documents.index)
