"""Do annotators agree, frame by frame, and which sentences should they talk about?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from framelens.data import label_names, rows_of
from framelens.errors import DataError, MissingExtraError
from framelens.intervals import RESAMPLES, ArticleBootstrap
from framelens.readers import BadRow, raise_bad_rows
from framelens.schema import NO_FRAME
from framelens.tables import Table, Tabular, shorten

try:
    import krippendorff
    from sklearn.metrics import cohen_kappa_score
except ImportError as error:
    raise MissingExtraError.for_extra("agreement", "evaluate") from error

Array = np.ndarray[Any, Any]
PRIMARY = "primary frame"
_LABEL_COLUMNS = ("frames", "labels", "frame", "label")
_SHOWN = 20


@dataclass(frozen=True)
class Agreement(Tabular):
    """The result of :func:`annotator_agreement`.

    Attributes:
        annotators: names, in order.
        sentences: annotated by two or more; ``single`` were annotated by one and tell nothing.
        single: see above.
        rows: per frame, and for the ``primary frame`` (nominal, "none" included) where it is known: ``frame``, Krippendorff's
            ``alpha``, Cohen's ``kappa`` (mean over pairs of annotators), ``observed`` (share of agreeing pairs), 95%
            ``alpha_interval`` and ``kappa_interval`` (bootstrap over articles, or over sentences where no article is named), ``kappas`` per
            pair, and ``uses``, how often each annotator gave the frame. None where undefined, as when a frame is never used.
        contested: the sentences annotators differ on, the most contested first: ``id``, ``article_id``, ``text`` if known,
            ``disagreement`` (share of pairs that differ, mean over frames), ``frames`` in dispute, and each annotator's ``labels``.
    """

    annotators: tuple[str, ...]
    sentences: int
    single: int
    rows: tuple[Mapping[str, Any], ...]
    contested: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """What was annotated, in a line."""
        alone = f" ({self.single} more by one annotator only)" if self.single else ""
        return f"Agreement of {', '.join(self.annotators)} on {self.sentences} sentences{alone}"

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        return {**asdict(self), "annotators": list(self.annotators)}

    def tables(self) -> list[Table]:
        """Coefficients, and the most contested sentences."""
        rows = [
            [
                row["frame"],
                _coefficient(row["alpha"], row["alpha_interval"]),
                _coefficient(row["kappa"], row["kappa_interval"]),
                f"{100 * row['observed']:.1f}",
                " / ".join(str(n) for n in row["uses"].values()) or "-",
            ]
            for row in self.rows
        ]
        uses = f"sentences per annotator ({' / '.join(self.annotators)})"
        tables = [
            Table("Agreement", ["frame", "Krippendorff's alpha", "Cohen's kappa", "agreeing pairs, per cent", uses], rows)
        ]
        if self.contested:
            lines = [
                [
                    str(row["id"]),
                    f"{row['disagreement']:.2f}",
                    "; ".join(f"{who}: {' + '.join(names) or NO_FRAME}" for who, names in row["labels"].items()),
                    shorten(row["text"] or "", 70),
                ]
                for row in self.contested[:_SHOWN]
            ]
            title = f"To adjudicate: {len(self.contested)} sentences" + (
                f", the first {_SHOWN}" if len(self.contested) > _SHOWN else ""
            )
            tables.append(Table(title, ["id", "disagreement", "labels", "sentence"], lines))
        return tables


@dataclass(frozen=True)
class _Annotation:
    labels: tuple[str, ...]
    primary: str | None  # None: not known


@dataclass
class _Unit:
    article: str | None
    text: str | None
    by: dict[str, _Annotation]


def annotator_agreement(
    source: str | Path | Iterable[Mapping[str, Any]],
    *,
    texts: str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 13,
) -> Agreement:
    """Agreement per frame from annotations of the same sentences by several annotators; not every one need have done all.

    Args:
        source: a file or rows, either one row a sentence with ``id`` and ``annotators`` (name -> ``frames`` or ``labels``, and
            ``primary`` if known), or one row an annotation with ``id``, ``annotator`` and ``frames``, ``labels``, ``frame`` or
            ``label`` (a list, a JSON list, or names joined by ``;``). ``article_id``, ``text`` and ``primary`` are used where
            they are there.
        texts: a file with ``id`` and ``text``, to show contested sentences.
        resamples: for the intervals.
        seed: of the resamples.

    Raises:
        DataError: unusable rows, an annotator twice on one sentence, or no sentence with two annotators.

    Sources: Krippendorff (2018), nominal alpha, through the package ``krippendorff``; Cohen (1960), through scikit-learn.

    Examples:
        >>> rows = [{"id": i, "annotator": who, "frames": frames} for i, pair in enumerate((["a", "a"], ["", ""], ["a", ""]))
        ...         for who, frames in zip("XY", pair)]
        >>> annotator_agreement(rows).contested[0]["id"]
        '2'
    """
    units = _read(source)
    if texts is not None:
        for row in rows_of(texts):
            if not isinstance(row, BadRow) and str(row.values.get("id")) in units:
                units[str(row.values["id"])].text = row.values.get("text")
    several = {key: unit for key, unit in units.items() if len(unit.by) > 1}
    if not several:
        raise DataError(f"no sentence has two annotators; {len(units)} have one")
    annotators = tuple(sorted({who for unit in several.values() for who in unit.by}))
    frames = sorted({name for unit in several.values() for a in unit.by.values() for name in a.labels})
    bootstrap = ArticleBootstrap([unit.article or f"sentence {key}" for key, unit in several.items()], resamples, seed)
    codes = {
        frame: np.array(
            [[float(frame in u.by[who].labels) if who in u.by else np.nan for who in annotators] for u in several.values()]
        )
        for frame in frames
    }
    rows = [_row(frame, codes[frame], annotators, bootstrap) for frame in frames]
    if all(a.primary is not None for unit in several.values() for a in unit.by.values()):
        place = {name: float(i) for i, name in enumerate((*frames, NO_FRAME))}
        primary = [[place[str(u.by[who].primary)] if who in u.by else np.nan for who in annotators] for u in several.values()]
        rows.append({**_row(PRIMARY, np.array(primary), annotators, bootstrap), "uses": {}})
    return Agreement(annotators, len(several), len(units) - len(several), tuple(rows), _contested(several, codes))


def _row(frame: str, codes: Array, annotators: Sequence[str], bootstrap: ArticleBootstrap) -> dict[str, Any]:
    counts = _value_counts(codes)
    alpha = None
    if counts.shape[1] > 1:
        alpha = float(krippendorff.alpha(value_counts=counts.astype(int), level_of_measurement="nominal"))
    pairs, kappas = list(combinations(range(len(annotators)), 2)), {}
    for i, j in pairs:
        both = ~np.isnan(codes[:, [i, j]]).any(axis=1)
        if both.any() and len(np.unique(codes[both][:, [i, j]])) > 1:
            kappas[f"{annotators[i]}, {annotators[j]}"] = float(cohen_kappa_score(codes[both, i], codes[both, j]))
    differing, pairs_of = _pairs(counts)
    return {
        "frame": frame,
        "alpha": alpha,
        "alpha_interval": _ends(bootstrap.sums(_alpha, _alpha_summands(counts))) if alpha is not None else None,
        "kappa": float(np.mean(list(kappas.values()))) if kappas else None,
        "kappa_interval": _ends(bootstrap.sums(_kappa, _kappa_summands(codes, pairs))) if kappas else None,
        "observed": float(1 - differing.sum() / pairs_of.sum()),
        "kappas": kappas,
        "uses": {who: int(np.nansum(codes[:, i])) for i, who in enumerate(annotators)},
    }


def _value_counts(codes: Array) -> Array:
    """How many annotators gave each value, shape ``(sentences, values)``."""
    values = np.unique(codes[~np.isnan(codes)])
    return np.stack([(codes == value).sum(axis=1) for value in values], axis=1)


def _pairs(counts: Array) -> tuple[Array, Array]:
    """Pairs of annotators that differ, and all pairs, per sentence."""
    size = counts.sum(axis=1)
    return (size**2 - (counts**2).sum(axis=1)) / 2, size * (size - 1) / 2


def _alpha_summands(counts: Array) -> Array:
    """Per sentence what :func:`_alpha` needs the sums of: disagreement, and the count of each value."""
    differing, _ = _pairs(counts)
    return np.concatenate([(2 * differing / (counts.sum(axis=1) - 1))[:, None], counts], axis=1)


def _alpha(sums: Array) -> Array:
    """Nominal alpha of many resamples at once (Krippendorff 2018, 11.3); 1 where a resample has one value only."""
    observed, values = sums[:, 0], sums[:, 1:]
    total = values.sum(axis=1)
    expected = (total**2 - (values**2).sum(axis=1)) / (total - 1)
    result: Array = 1 - observed / np.where(expected > 0, expected, 1)
    return result


def _kappa_summands(codes: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """A confusion matrix per sentence and pair of annotators, shape ``(sentences, pairs, values, values)``."""
    values = np.unique(codes[~np.isnan(codes)])
    given = codes[..., None] == values  # a missing code equals nothing
    return np.stack([given[:, i, :, None] & given[:, j, None, :] for i, j in pairs], axis=1).astype(float)


def _kappa(sums: Array) -> Array:
    """Cohen's kappa of many resamples at once, mean over the pairs that have sentences in common."""
    total = sums.sum(axis=(-1, -2))
    shares = sums / np.maximum(total, 1)[..., None, None]
    agreed = np.einsum("...ii->...", shares)
    chance = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
    kappa = np.where(chance < 1, (agreed - chance) / np.where(chance < 1, 1 - chance, 1), 1.0)
    shown = total > 0
    result: Array = (kappa * shown).sum(axis=1) / np.maximum(shown.sum(axis=1), 1)
    return result


def _contested(units: Mapping[str, _Unit], codes: Mapping[str, Array]) -> tuple[dict[str, Any], ...]:
    shares = {}
    for frame, values in codes.items():
        differing, pairs = _pairs(np.stack([(values == 0).sum(axis=1), (values == 1).sum(axis=1)], axis=1))
        shares[frame] = differing / pairs
    rows: list[dict[str, Any]] = []
    for index, (key, unit) in enumerate(units.items()):
        primaries = {a.primary for a in unit.by.values()}
        disputed = [frame for frame, share in shares.items() if share[index] > 0]
        if disputed or len(primaries) > 1:
            mean = float(np.mean([share[index] for share in shares.values()]))
            labels = {who: list(unit.by[who].labels) for who in sorted(unit.by)}
            rows.append(
                {
                    "id": key, "article_id": unit.article, "text": unit.text, "disagreement": mean, "frames": disputed,
                    "primary": {who: unit.by[who].primary for who in sorted(unit.by)} if len(primaries) > 1 else {},
                    "labels": labels,
                }
            )  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-row["disagreement"], not row["primary"])))


def _read(source: str | Path | Iterable[Mapping[str, Any]]) -> dict[str, _Unit]:
    units: dict[str, _Unit] = {}
    bad = []
    for row in rows_of(source):
        try:
            if isinstance(row, BadRow):
                raise DataError(row.reason)
            values = row.values
            if values.get("id") in (None, ""):
                raise DataError(f"no id; the columns are {', '.join(map(str, values))}")
            given = values.get("annotators")
            if given is None:
                if values.get("annotator") in (None, ""):
                    raise DataError(f"neither 'annotators' nor 'annotator'; the columns are {', '.join(map(str, values))}")
                given = {str(values["annotator"]): values}
            if not isinstance(given, Mapping):
                raise DataError(f"annotators must be an object of name -> labels; received {given!r:.80}")
            unit = units.setdefault(str(values["id"]), _Unit(None, None, {}))
            unit.article = str(values["article_id"]) if values.get("article_id") not in (None, "") else unit.article
            unit.text = values.get("text") or unit.text
            for who, what in given.items():
                if who in unit.by:
                    raise DataError(f"annotator {who!r} again on sentence {values['id']!r}")
                unit.by[str(who)] = _annotation(what)
        except DataError as error:
            bad.append(BadRow(row.where, str(error)))
    raise_bad_rows(bad, "annotations")
    return units


def _annotation(values: Any) -> _Annotation:
    if isinstance(values, (list, str)):
        values = {"labels": values}
    column = next((name for name in _LABEL_COLUMNS if isinstance(values, Mapping) and name in values), None)
    if column is None:
        raise DataError(f"no column of labels ({', '.join(_LABEL_COLUMNS)}) in {values!r:.80}")
    labels = tuple(dict.fromkeys(label_names(values[column])))
    primary = values.get("primary") or None
    if primary is None and len(labels) < 2:
        primary = labels[0] if labels else NO_FRAME
    if primary not in (None, NO_FRAME, *labels):
        raise DataError(f"primary label {primary!r} is not among the labels ({', '.join(labels) or 'none'})")
    return _Annotation(labels, primary)


def _ends(interval: Array) -> list[float] | None:
    return None if np.isnan(interval).any() else [float(end) for end in interval]


def _coefficient(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
