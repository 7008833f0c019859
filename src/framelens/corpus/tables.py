"""Documents as an Arrow table: one row per sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from framelens.corpus.sources import Article
from framelens.schema import Document

_STANCE = pa.struct(
    [("target", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("score", pa.float32())]
)


def sentence_schema(labels: Sequence[str], carried: Sequence[str], with_text: bool) -> pa.Schema:
    """Columns of the output.

    Args:
        labels: of the model; each gets a column ``score_<label>``.
        carried: further columns, all strings.
        with_text: whether there is a column of the sentences' text.
    """
    return pa.schema(
        [
            pa.field("article_id", pa.string(), nullable=False),
            pa.field("file", pa.string(), nullable=False),
            pa.field("row", pa.int64(), nullable=False),
            pa.field("sentence", pa.int32(), nullable=False),
            pa.field("start", pa.int64(), nullable=False),
            pa.field("end", pa.int64(), nullable=False),
            *([pa.field("text", pa.string(), nullable=False)] if with_text else []),
            pa.field("frame", pa.string()),
            pa.field("frames", pa.list_(pa.string()), nullable=False),
            *(pa.field(f"score_{label}", pa.float32()) for label in labels),
            pa.field("source", pa.string()),
            pa.field("source_start", pa.int64()),
            pa.field("source_end", pa.int64()),
            pa.field("source_name", pa.string()),
            pa.field("stances", pa.list_(_STANCE), nullable=False),
            pa.field("model", pa.string(), nullable=False),
            *(pa.field(name, pa.string()) for name in carried),
        ]
    )


def sentence_table(
    articles: Sequence[Article], documents: Sequence[Document], schema: pa.Schema, carried: Sequence[tuple[str, int]]
) -> pa.Table:
    """One row per sentence.

    Args:
        articles: with ``documents``, one for one.
        documents: what the classifier made of them.
        schema: of :func:`sentence_schema`, without columns that ``carried`` leaves out.
        carried: name of a column and its place in ``Article.carried``.
    """
    sentences = [sentence for document in documents for sentence in document.sentences]
    owner = [index for index, document in enumerate(documents) for _ in document.sentences]
    sources = [sentence.source for sentence in sentences]

    def of_article(values: Sequence[Any]) -> pa.Array:
        """A value per article on each of its sentences, held once however long it is."""
        encoded = pa.array(values, pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices.take(pa.array(owner, pa.int32())), encoded.dictionary)

    columns: dict[str, Any] = {
        "article_id": of_article([article.id for article in articles]),
        "file": of_article([article.file for article in articles]),
        "row": [articles[index].row for index in owner],
        "sentence": [number for document in documents for number in range(len(document))],
        "start": [sentence.start for sentence in sentences],
        "end": [sentence.end for sentence in sentences],
        "text": [sentence.text for sentence in sentences],
        "frame": [sentence.frame for sentence in sentences],
        "frames": [sentence.frames for sentence in sentences],
        **{
            f"score_{label}": [s.scores.get(label) for s in sentences]
            for label in dict.fromkeys(x for d in documents for x in d.labels)
        },
        "source": [source and source.text for source in sources],
        "source_start": [source and source.start for source in sources],
        "source_end": [source and source.end for source in sources],
        "source_name": [getattr(source, "name", None) for source in sources],
        "stances": [[_stance(asdict(stance)) for stance in sentence.stances] for sentence in sentences],
        "model": of_article([document.model for document in documents]),
        **{name: of_article([article.carried[place] for article in articles]) for name, place in carried},
    }
    arrays = []
    for field in schema:
        values = columns.get(field.name, [None] * len(sentences))
        arrays.append(values if isinstance(values, pa.Array) else pa.array(values, field.type))
    fields = [field.with_type(array.type) for field, array in zip(schema, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _stance(stance: dict[str, Any]) -> dict[str, Any]:
    target = stance["target"]
    return {**stance, "target": target["text"], "start": target["start"], "end": target["end"]}
