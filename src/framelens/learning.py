"""Would more labels help? Train on growing shares of the training articles and look at the slope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from framelens.config import DataConfig, SplitConfig, TrainingConfig
from framelens.data import LabelledSentences, rows_of, split_by_article
from framelens.errors import ConfigError
from framelens.evaluation import score_predictions
from framelens.intervals import RESAMPLES
from framelens.readers import BadRow
from framelens.tables import Table, Tabular, percent

SHARES = (0.125, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class LearningCurve(Tabular):
    """The result of :func:`learning_curve`.

    Attributes:
        name: of the configuration.
        split: what was evaluated.
        points: per share and seed ``share``, ``seed``, training ``articles`` and ``sentences``, ``macro_f1``, its 95% ``interval``
            (bootstrap over articles; None for fewer than five), and ``f1`` per label.
    """

    name: str
    split: str
    points: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """What was trained, in a line."""
        return f"Learning curve of {self.name}, evaluated on {self.split}"

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        return {**asdict(self), "points": [dict(point) for point in self.points]}

    def tables(self) -> list[Table]:
        """A row per training."""
        names = list(self.points[0]["f1"])
        rows = [
            [
                str(p["articles"]),
                str(p["sentences"]),
                str(p["seed"]),
                percent(p["macro_f1"], p["interval"]),
                *(percent(p["f1"][name]) for name in names),
            ]
            for p in self.points
        ]
        header = ["articles", "sentences", "seed", "macro-F1", *(f"F1 {name}" for name in names)]
        return [Table("Learning curve", header, rows)]

    def to_svg(self) -> str:
        """The curve as a drawing, mean over seeds."""
        from framelens.svg import learning_plot

        return learning_plot(self.means())

    def means(self) -> list[dict[str, Any]]:
        """One point per share: means over seeds; the interval is that of the only seed, or None."""
        result = []
        for share in dict.fromkeys(p["share"] for p in self.points):
            same = [p for p in self.points if p["share"] == share]
            means = {key: float(np.mean([p[key] for p in same])) for key in ("articles", "macro_f1")}
            articles = round(means["articles"])
            result.append({**means, "articles": articles, "interval": same[0]["interval"] if len(same) == 1 else None})
        return result


def learning_curve(
    config: TrainingConfig | str | Path | Mapping[str, Any],
    *,
    shares: Sequence[float] = SHARES,
    seeds: Sequence[int] | None = None,
    split: str = "dev",
    resamples: int = RESAMPLES,
    overwrite: bool = False,
    progress: bool = False,
) -> LearningCurve:
    """Train on growing shares of the training articles and evaluate each model on the same held-out articles.

    Of one seed, a larger share holds the smaller ones. Runs are kept in ``learning-curve`` in the configuration's run folder.

    Args:
        config: as for :func:`framelens.train`.
        shares: of the training articles, above 0 and at most 1.
        seeds: of the draw and of training; None takes the configuration's.
        split: ``"dev"`` (which thresholds are also chosen on, so it is a little optimistic throughout) or ``"test"``.
        resamples: for the intervals.
        overwrite: replace runs that are there.
        progress: show progress bars.

    Raises:
        ConfigError: a share or split that makes no sense, or a run folder that is in use.
        DataError: unusable data, or a share so small that a label is missing from it.
    """
    from framelens.classifier import Classifier
    from framelens.training import load_training_data, train

    if isinstance(config, Mapping):
        config = TrainingConfig.from_dict(config)
    elif not isinstance(config, TrainingConfig):
        config = TrainingConfig.from_yaml(config)
    if not shares or not all(0 < share <= 1 for share in shares):
        raise ConfigError(f"shares must be above 0 and at most 1; received {list(shares)}")
    if split not in ("dev", "test"):
        raise ConfigError(f"split must be dev or test; received {split!r}")
    drawn = config.split
    parts = split_by_article(
        load_training_data(config), dev=drawn.dev, test=drawn.test, seed=drawn.seed, use_column=drawn.use_column
    )
    if not len(parts[split]):
        raise ConfigError(f"the {split} split is empty")
    points = []
    for seed in seeds or [config.optimisation.seed]:
        for share, kept in _growing(parts["train"], sorted(shares), seed):
            folder = config.output / "learning-curve" / f"seed{seed}-{share:g}"
            run = train(
                replace(
                    config,
                    data=_write_part(config.data, {**parts, "train": kept}, folder / "data"),
                    output=folder,
                    labels=config.labels if config.labels is not None else list(parts["train"].labels),
                    split=SplitConfig(),
                    optimisation=replace(config.optimisation, seed=seed),
                ),
                overwrite=overwrite,
                progress=progress,
            )
            model = Classifier.load(run.checkpoint)
            result = score_predictions(
                model.scores(parts[split].texts), parts[split], model.labels, model.name, resamples=resamples
            )
            ends = result.intervals["macro"]["f1"]
            points.append(
                {
                    "share": share, "seed": seed, "articles": len(set(kept.articles)), "sentences": len(kept),
                    "macro_f1": result.macro_f1, "interval": None if None in ends else ends,
                    "f1": {name: m["f1"] for name, m in result.per_label.items()},
                }
            )  # fmt: skip
    return LearningCurve(config.name, split, tuple(points))


def _growing(data: LabelledSentences, shares: Sequence[float], seed: int) -> Iterator[tuple[float, LabelledSentences]]:
    """The data cut to each share of its articles, drawn in one random order."""
    order = np.random.default_rng(seed).permutation(sorted(set(data.articles)))
    for share in shares:
        chosen = set(order[: max(1, round(share * len(order)))])
        yield share, data.select(i for i, article in enumerate(data.articles) if article in chosen)


def _write_part(files: Sequence[DataConfig], parts: Mapping[str, LabelledSentences], folder: Path) -> list[DataConfig]:
    """Each file again, with the rows of ``parts`` only and their split written beside them; texts stay where they are."""
    from framelens.runs import write_lines

    split_of = {s.where: split for split, part in parts.items() for s in part}
    folder.mkdir(parents=True, exist_ok=True)
    result = []
    for number, file in enumerate(files):
        rows = [
            {**row.values, file.split: split_of[row.where]}
            for row in rows_of(file.path, file.encoding)
            if not isinstance(row, BadRow) and row.where in split_of
        ]
        if rows:
            path = folder / f"{number}.jsonl"
            write_lines(path, rows)
            result.append(replace(file, path=path, encoding="utf-8"))
    return result
