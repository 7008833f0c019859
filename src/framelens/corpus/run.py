"""``classify_corpus``: articles of any number from files to Parquet, each exactly once, however often the run is cut short."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from framelens import __version__
from framelens.classifier import Classifier
from framelens.corpus.ledger import Finished, Totals
from framelens.corpus.output import QUARANTINE, Output, open_output
from framelens.corpus.sources import Fields, InputFile, columns_of, find_files, shards, units
from framelens.corpus.stage import Stage
from framelens.corpus.tables import sentence_schema
from framelens.engine import DEFAULT_BATCH_TOKENS
from framelens.errors import InputError
from framelens.parallel import in_order

ENGINES = ("local", "ray")
DEFAULT_SHARD = 500


@dataclass(frozen=True)
class CorpusResult:
    """A finished run.

    Attributes:
        folder: the output folder.
        articles, sentences: in the output, those of earlier parts of the run included.
        unusable: rows in ``quarantine``, which is None if there are none.
        left_out: files of the input folders whose ending is none that is read.
        seconds: of this part of the run; ``resumed`` shards were finished before it.
    """

    folder: Path
    articles: int
    sentences: int
    unusable: int
    quarantine: Path | None
    left_out: tuple[str, ...]
    seconds: float
    resumed: int


@dataclass(frozen=True)
class Job:
    """What an engine is handed: the units with their numbers, how to cut and read them, and the model."""

    units: Mapping[int, Sequence[InputFile]]
    fields: Fields
    shard_size: int
    stage: Stage
    model: str
    device: str
    threads: int | None


def classify_corpus(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] = "default",
    engine: str = "local",
    text_column: str = "text",
    id_column: str = "id",
    carry: Sequence[str] | Mapping[str, str] | None = None,
    with_text: bool = True,
    partition_by: Sequence[str] = (),
    targets: Sequence[str] | None = None,
    encoding: str = "utf-8",
    shard_size: int = DEFAULT_SHARD,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    device: str = "cpu",
    threads: int | None = None,
    workers: int | tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> CorpusResult:
    """Classify every article of ``inputs`` and write one row per sentence to Parquet files in ``output``.

    A run that was cut short, by whatever, goes on when it is called again with the same arguments: finished shards are kept,
    and every article is in the output exactly once. Rows that are no article are listed in ``quarantine.jsonl`` with file, row
    and reason, and do not stop the run.

    Args:
        inputs: .parquet, .csv, .tsv, .jsonl (one article a row) and .txt files (one article each), text formats also with .gz or
            .zst, folders of these, and glob patterns.
        output: a new folder, or that of the same run.
        model: name or folder of a checkpoint.
        engine: ``"local"``, or ``"ray"`` for a cluster (``framelens[ray]``) whose machines all see ``inputs``, ``output`` and
            ``model`` under the same names.
        text_column, id_column: columns of the text and of the article's id (``file:row`` where there is none).
        carry: columns to carry through to every sentence, as text: names, or ``{name in the output: column}``. None takes all
            columns of the first rows; a name that the output has already gets ``input_`` before it.
        with_text: whether to write the sentences' text; its place in the article is written in any case.
        partition_by: carried columns that become folders ``column=value`` (Hive's layout). A few values each, not thousands.
        targets: whom to find the stance toward.
        encoding: of text formats.
        shard_size: rows classified and written as one; a kill loses the work on up to three shards, and up to four are held in
            memory.
        batch_tokens: as of :meth:`Classifier.classify`.
        device, threads: as of :meth:`Classifier.load`; with ``"ray"``, those of one worker (1 thread if None).
        workers: with ``"ray"``, how many models are loaded: a number, or the bounds of an autoscaling pool; None scales from 1 to
            what the cluster has room for.
        overwrite: replace a run in ``output``.
        progress: show a bar with rate and time left on stderr.

    Raises:
        InputError: nothing to read, a column that is not there, or an unknown setting.
        CorpusError: the folder is in use, holds another run, or cannot be written to.
        CheckpointError: the model cannot be loaded.
        MissingExtraError: ``"ray"`` without ``framelens[ray]``.
    """
    started = time.monotonic()
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r} is unknown; accepted: {', '.join(ENGINES)}")
    if shard_size < 1:
        raise InputError(f"shard_size must be 1 or more; received {shard_size}")
    folder = Path(output)
    files, left_out = find_files([inputs] if isinstance(inputs, (str, os.PathLike)) else inputs, without=folder)
    classifier = Classifier.load(model, device, threads)
    carried = _carried(carry, files, text_column, id_column, encoding, classifier, with_text)
    for column in partition_by:
        if column not in carried:
            raise InputError(f"partition_by: {column!r} is not carried through; carried: {', '.join(carried) or 'nothing'}")
    fields = Fields(text_column, id_column, tuple(carried.items()), encoding)
    stage = Stage(
        folder.resolve(),
        tuple(carried),
        with_text,
        tuple(partition_by),
        batch_tokens,
        None if targets is None else tuple(targets),
    )
    settings = {
        "framelens": __version__,
        "model": classifier.name,
        "labels": classifier.labels.labels,
        "text_column": text_column,
        "id_column": id_column,
        "carry": carried,
        "with_text": with_text,
        "partition_by": tuple(partition_by),
        "targets": targets and list(targets),
        "encoding": encoding,
        "shard_size": shard_size,
        "batch_tokens": batch_tokens,
    }
    job = Job(dict(enumerate(units(files))), fields, shard_size, stage, os.fspath(model), device, threads)
    with open_output(folder, settings, files, overwrite) as out:
        resumed = out.ledger.totals.shards
        if out.ledger.lost:
            warnings.warn(f"{out.ledger.lost} shards whose files are gone or cut short are done again", stacklevel=2)
        finished = _on_ray(job, out, classifier.name, workers) if engine == "ray" else _local(job, out, classifier)
        _commit(finished, out, progress)
        out.finish()
    totals = out.ledger.totals
    return CorpusResult(
        folder,
        totals.articles,
        totals.sentences,
        totals.unusable,
        folder / QUARANTINE if totals.unusable else None,
        tuple(left_out),
        time.monotonic() - started,
        resumed,
    )


def _local(job: Job, out: Output, classifier: Classifier) -> Iterator[Finished]:
    """Two shards at a time (one where only one thread is wanted): while one is read or written the other is classified."""
    pending = (
        shard
        for number, files in job.units.items()
        if not out.ledger.complete(number)
        for shard in shards(number, files, job.fields, job.shard_size, out.ledger.done(number))
    )
    return in_order(
        lambda shard: job.stage(shard, classifier), pending, min(classifier.threads, 2), waiting=0, name="framelens-shard"
    )


def _on_ray(job: Job, out: Output, model_name: str, workers: int | tuple[int, int] | None) -> Iterator[Finished]:
    from framelens.corpus.on_ray import run

    pending = {number: out.ledger.done(number) for number in job.units if not out.ledger.complete(number)}
    return run(job, pending, model_name, workers)


def _commit(finished: Iterable[Finished], out: Output, progress: bool) -> None:
    """Enter shards in the ledger as they come, and show how far the run is: by bytes of input, whose sum is known."""
    totals, here = out.ledger.totals, Totals()
    started = time.monotonic()
    with tqdm(
        total=out.total_bytes, initial=totals.size, unit="B", unit_scale=True, disable=not progress, smoothing=0.1
    ) as bar:
        for shard in finished:
            out.commit(shard)
            here.add(shard)
            rate = here.sentences / max(time.monotonic() - started, 1e-9)
            bar.set_postfix_str(
                f"{totals.articles} articles, {rate:.0f} sentences/s, {totals.unusable} unusable", refresh=False
            )
            bar.update(shard.size)


def _carried(
    carry: Sequence[str] | Mapping[str, str] | None,
    files: Sequence[InputFile],
    text_column: str,
    id_column: str,
    encoding: str,
    classifier: Classifier,
    with_text: bool,
) -> dict[str, str]:
    """Columns to carry through: name in the output -> column of the input, checked against the input's first rows."""
    columns = columns_of(files, encoding)
    taken = set(sentence_schema(classifier.labels.labels, (), with_text).names)
    if columns is not None and text_column not in columns:
        raise InputError(f"no column {text_column!r} for the text; the columns are {', '.join(columns)}")
    if carry is None:
        others = [name for name in columns or () if name not in (text_column, id_column)]
        return {f"input_{name}" if name in taken else name: name for name in others}
    chosen = dict(carry) if isinstance(carry, Mapping) else {name: name for name in carry}
    for name, source in chosen.items():
        if source not in (columns or ()):
            raise InputError(f"no column {source!r} to carry through; the columns are {', '.join(columns or ()) or '(none)'}")
        if name in taken:
            raise InputError(f"the output has a column {name!r} already; give {source!r} another name, as in outlet={source}")
    return chosen
