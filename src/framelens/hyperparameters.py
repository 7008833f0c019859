"""Hyperparameter search with Optuna over :func:`framelens.train`: by YAML, pruned, resumable, and nested in folds if asked.

What a search sees of the data is train and dev; test articles are not in the files its runs read. With ``cross_validation`` the
search is done once per outer fold, inside its training articles, so that the outer estimates are of the whole procedure (Varma and Simon
2006), and once more on all articles for the parameters to use.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from framelens.checkpoint import write_json, write_text
from framelens.config import TrainingConfig, read_block
from framelens.crossvalidation import (
    CrossValidation,
    Parts,
    claim_folder,
    draw_dev,
    finished,
    fixed_rows,
    group_folds,
    load,
    load_config,
    run_fold,
    train_parts,
)
from framelens.data import LabelledSentences, split_by_article
from framelens.errors import ConfigError, MissingExtraError
from framelens.runs import listening
from framelens.tables import text_table

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState
except ImportError as error:
    raise MissingExtraError.for_extra("search", "search") from error

log = logging.getLogger("framelens.search")
_RESULT, _BEST = "search.json", "best.yaml"
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Parameter:
    """What values a parameter may take: ``choices``, or a range from ``low`` to ``high``.

    Attributes:
        low, high: ends of the range, both included; whole numbers give whole numbers.
        log: draw the logarithm uniformly.
        step: of the range, not together with ``log``.
        choices: the values.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = None
    choices: list[bool | int | float | str] | None = None

    def __post_init__(self) -> None:
        ranged = self.low is not None and self.high is not None
        if ranged == (self.choices is not None) or (self.low is None) != (self.high is None):
            raise ConfigError("a parameter needs either 'choices' or both 'low' and 'high'")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ConfigError(f"low must be below high; received {self.low}, {self.high}")
        if self.log and (self.step is not None or self.low is None or self.low <= 0):
            raise ConfigError("log needs a range above 0 and no step")

    def draw(self, name: str, trial: optuna.Trial) -> Any:
        """A value for a trial."""
        if self.choices is not None:
            return trial.suggest_categorical(name, self.choices)
        assert self.low is not None
        assert self.high is not None
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)


@dataclass(frozen=True)
class OuterFolds:
    """Nested selection: ``folds`` of whole articles, drawn with ``seed``."""

    folds: int = 5
    seed: int = 13


@dataclass(frozen=True)
class SearchConfig:
    """A hyperparameter search.

    Attributes:
        training: the YAML file of the training run whose settings are varied.
        space: setting, such as ``optimisation.learning_rate`` -> the values it may take.
        output: the folder of the search.
        trials: of each search, pruned ones included.
        inner_folds: 1 judges a trial on one dev split; more, on the mean over so many folds of whole articles.
        sampler: ``tpe`` (Bergstra et al. 2011) or ``random``.
        pruning: end a trial that is below the median of the trials before it, at the same epoch or after as many inner folds.
        startup: trials before pruning, and before ``tpe`` stops drawing at random.
        storage: ``sqlite`` or ``journal`` (a log file, where a network disk has no locks), in the output folder.
        seed: of the sampler.
        cross_validation: outer folds for nested selection; left out, there are none.
    """

    training: Path
    space: dict[str, Parameter]
    output: Path = Path("runs/search")
    trials: int = 20
    inner_folds: int = 1
    sampler: Literal["tpe", "random"] = "tpe"
    pruning: bool = True
    startup: int = 5
    storage: Literal["sqlite", "journal"] = "sqlite"
    seed: int = 13
    cross_validation: OuterFolds | None = field(default=None)

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("space must name at least one setting")
        if self.trials < 1 or self.inner_folds < 1 or self.startup < 1:
            raise ConfigError(
                f"trials, inner_folds and startup must be 1 or more; received {self.trials}, {self.inner_folds}, {self.startup}"
            )


@dataclass(frozen=True)
class Search:
    """The result of :func:`search`.

    Attributes:
        parameters: the best of the search over all articles that are not test.
        macro_f1: theirs on dev; chosen as the highest of many, so an optimistic figure.
        trials: rows with ``number``, ``state``, ``macro_f1`` and ``parameters``.
        config: YAML file of the training run with the best parameters.
        outer: the estimates of the outer folds, which no search has seen; None without ``cross_validation``.
    """

    parameters: Mapping[str, Any]
    macro_f1: float
    trials: tuple[Mapping[str, Any], ...]
    config: Path
    outer: CrossValidation | None

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        plain = {"parameters": dict(self.parameters), "dev_macro_f1": self.macro_f1, "config": str(self.config)}
        return {**plain, "trials": list(self.trials), "outer": self.outer.to_dict() if self.outer else None}

    def to_text(self) -> str:
        """Tables for a terminal."""
        names = list(self.parameters)
        rows = [
            [str(t["number"]), t["state"], "" if t["macro_f1"] is None else f"{100 * t['macro_f1']:.1f}"]
            + [_short(t["parameters"].get(name)) for name in names]
            for t in sorted(self.trials, key=lambda t: -(t["macro_f1"] or 0))
        ]
        lines = [text_table(["trial", "state", "dev macro-F1", *names], rows), "", f"best: {self.config}"]
        if self.outer:
            lines += ["", "Outer folds, each with the parameters found inside it:", self.outer.to_text()]
        return "\n".join(lines)


def search(config: SearchConfig | str | Path | Mapping[str, Any], *, resume: bool = False, progress: bool = True) -> Search:
    """Search for settings that give a high macro-F1 on dev articles.

    Args:
        config: a configuration, a YAML file, or a dictionary of its keys.
        resume: go on with a search that was cut short (same configuration): finished trials count, an unfinished one is repeated.
        progress: show the progress bars of training.

    Raises:
        ConfigError: a wrong configuration, an unknown setting, or an output folder in use.
        DataError: unusable data, or too few articles.
    """
    if not isinstance(config, SearchConfig):
        config = read_block(SearchConfig, config)
    training = load_config(config.training)
    for name in config.space:
        _set(training.to_dict(), name, None)
    claim_folder(config.output, {"search": asdict(config), "training": training.to_dict()}, resume)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = load(training)
    fixed = fixed_rows(training, data)
    outer = None
    if config.cross_validation is not None:
        drawn = config.cross_validation
        results = []
        for number, (inside, held_out) in enumerate(group_folds(data, drawn.folds, drawn.seed, fixed=fixed), start=1):
            study = _study(config, training, data, inside, f"fold-{number}", progress)
            parts = {**draw_dev(data, inside, training.split.dev, drawn.seed, fixed), "test": held_out}
            best = _with(training, study.best_params)
            found = run_fold(best, data, parts, config.output / f"fold-{number}", progress)
            results.append({**found, "parameters": study.best_params})
            log.info("outer fold %d of %d: macro-F1 %.3f", number, drawn.folds, found["macro_f1"])
        outer = finished(results, config.output)
        rows = list(range(len(data)))
    else:
        place = {s.where: i for i, s in enumerate(data)}
        rows = [place[s.where] for name in ("train", "dev") for s in _own_splits(training, data)[name]]
    study = _study(config, training, data, rows, "all", progress)
    best_file = config.output / _BEST
    chosen = replace(_with(training, study.best_params), output=config.output / "best")
    write_text(best_file, yaml.safe_dump(chosen.to_dict(), sort_keys=False, allow_unicode=True))
    result = Search(study.best_params, study.best_value, tuple(_rows(study)), best_file, outer)
    write_json(config.output / _RESULT, result.to_dict())
    return result


def _study(
    config: SearchConfig, training: TrainingConfig, data: LabelledSentences, rows: Sequence[int], name: str, progress: bool
) -> optuna.Study:
    """A finished search inside ``rows``."""
    splits = _inner_splits(config, training, data, rows, nested=config.cross_validation is not None)
    study = _open(config, name)
    _repeat_unfinished(study)

    def objective(trial: optuna.Trial) -> float:
        candidate = _with(training, {key: parameter.draw(key, trial) for key, parameter in config.space.items()})
        scores: list[float] = []
        for number, parts in enumerate(splits):
            folder = config.output / "trials" / f"{name}-{trial.number}-{number}"
            try:
                with listening(_Pruner(trial) if len(splits) == 1 and config.pruning else lambda logs: None):
                    scores.append(train_parts(candidate, data, parts, folder, progress).metrics["dev"].macro_f1)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if len(splits) > 1:
                trial.report(float(np.mean(scores)), number)
                if config.pruning and number < len(splits) - 1 and trial.should_prune():
                    raise optuna.TrialPruned
        log.info("%s, trial %d: dev macro-F1 %.3f with %s", name, trial.number, np.mean(scores), trial.params)
        return float(np.mean(scores))

    left = config.trials - len(study.get_trials(deepcopy=False, states=_FINISHED))
    if left > 0:
        study.optimize(objective, n_trials=left)
    return study


def _repeat_unfinished(study: optuna.Study) -> None:
    """Put the trials of a search that was killed or interrupted first in line."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    known = [t.params for t in study.get_trials(states=_FINISHED)]
    known += [t.system_attrs.get("fixed_params") for t in study.get_trials(states=(TrialState.WAITING,))]
    for trial in study.get_trials(states=(TrialState.FAIL,)):
        if trial.params and trial.params not in known:
            study.enqueue_trial(trial.params)
            known.append(trial.params)


class _Pruner:
    """Ends a trial that lags behind at an epoch."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial, self._epoch = trial, 0

    def __call__(self, logs: Mapping[str, Any]) -> None:
        if "eval_macro_f1" not in logs:
            return
        self._epoch += 1
        self._trial.report(float(logs["eval_macro_f1"]), self._epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def _inner_splits(
    config: SearchConfig, training: TrainingConfig, data: LabelledSentences, rows: Sequence[int], *, nested: bool
) -> list[Parts]:
    """What each trial trains on and is judged by: train and dev only."""
    fixed = fixed_rows(training, data)
    if config.inner_folds > 1:
        folds = group_folds(data, config.inner_folds, config.seed, rows, fixed)
        return [{"train": inside, "dev": held_out} for inside, held_out in folds]
    if nested:
        return [draw_dev(data, rows, training.split.dev, config.seed, fixed)]
    own, place = _own_splits(training, data), {s.where: i for i, s in enumerate(data)}
    return [{name: [place[s.where] for s in own[name]] for name in ("train", "dev")}]


def _own_splits(training: TrainingConfig, data: LabelledSentences) -> dict[str, LabelledSentences]:
    split = training.split
    return split_by_article(data, dev=split.dev, test=split.test, seed=split.seed, use_column=split.use_column)


def _open(config: SearchConfig, name: str) -> optuna.Study:
    storage: optuna.storages.BaseStorage
    if config.storage == "sqlite":
        storage = optuna.storages.RDBStorage(f"sqlite:///{config.output / 'study.db'}")
    else:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(config.output / "study.journal")))
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    seed = config.seed + len(study.trials)  # a resumed search must not draw again what it drew
    study.sampler = (
        optuna.samplers.RandomSampler(seed)
        if config.sampler == "random"
        else optuna.samplers.TPESampler(seed=seed, n_startup_trials=config.startup)
    )
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=config.startup, n_warmup_steps=1)
    return study


def _with(training: TrainingConfig, parameters: Mapping[str, Any]) -> TrainingConfig:
    settings = training.to_dict()
    for name, value in parameters.items():
        _set(settings, name, value)
    return TrainingConfig.from_dict(settings)


def _set(settings: dict[str, Any], name: str, value: Any) -> None:
    """Set ``block.key``."""
    block, _, key = name.rpartition(".")
    if block not in ("model", "optimisation") or key not in settings[block]:
        accepted = ", ".join(f"{b}.{k}" for b in ("model", "optimisation") for k in settings[b])
        raise ConfigError(f"unknown setting {name!r} in space; accepted: {accepted}")
    settings[block][key] = value


def _rows(study: optuna.Study) -> list[dict[str, Any]]:
    return [
        {"number": t.number, "state": t.state.name.lower(), "macro_f1": t.value, "parameters": t.params} for t in study.trials
    ]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
