"""The same shards on a Ray cluster: files are read by tasks, shards classified and written by actors that hold a loaded model.

Ray Data moves shards between them, starts actors as there is work, and repeats what a lost worker had begun. The ledger stays with
the process that started the run, so a shard counts once, however often it was repeated; and since a shard gives the same files
wherever it is done, a repetition replaces them by themselves.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from framelens.classifier import Classifier
from framelens.corpus.ledger import Finished
from framelens.corpus.output import explained
from framelens.corpus.run import Job
from framelens.corpus.sources import shards
from framelens.errors import CorpusError, FramelensError, MissingExtraError

try:
    import ray
    from ray.data import ActorPoolStrategy, DataContext
except ImportError as error:
    raise MissingExtraError.for_extra("engine 'ray'", "ray") from error

_SHARDS_IN_FLIGHT = 2  # per actor: one at work, one waiting
Batch = dict[str, Any]


class _Worker:
    """A loaded model in an actor; one shard a call."""

    def __init__(self, job: Job, model_name: str, start: Path) -> None:
        os.chdir(start)
        self._stage = job.stage
        self._classifier = Classifier.load(job.model, job.device, job.threads or 1)
        if self._classifier.name != model_name:
            raise CorpusError(f"{job.model} is {self._classifier.name} on this machine, {model_name} where the run was started")

    def __call__(self, batch: Batch) -> Batch:
        lines, errors = [], []
        for shard in batch["shard"]:
            line, error = "", ""
            try:
                with explained(self._stage.folder):
                    line = self._stage(shard, self._classifier).to_json()
            except FramelensError as failure:  # not for Ray to repeat: a full disk is full for the next worker too
                error = str(failure)
            lines.append(line)
            errors.append(error)
        return {"finished": lines, "error": errors}


def run(
    job: Job, pending: Mapping[int, set[int]], model_name: str, workers: int | tuple[int, int] | None
) -> Iterator[Finished]:
    """Do the shards of the units in ``pending`` that are not done (unit -> numbers of its finished shards).

    Raises:
        CorpusError: a worker cannot write, or has another model.
    """
    if not pending:
        return
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    block, bars = context.target_max_block_size, context.enable_progress_bars
    # A block is a shard: by default Ray gathers 128 MiB, hundreds of shards, before it hands anything on.
    context.target_max_block_size, context.enable_progress_bars = 1, False
    tasks = [{"task": (number, tuple(job.units[number]), done)} for number, done in pending.items()]
    job, start = replace(job, units={}), Path.cwd()  # names of files and of the model may be relative to where we are

    def read(batch: Batch) -> Iterator[Batch]:
        os.chdir(start)
        for number, files, done in batch["task"]:
            for shard in shards(number, files, job.fields, job.shard_size, done):
                yield {"shard": [shard]}

    try:
        low, high = _bounds(workers, job.threads or 1)
        done = (
            ray.data.from_items(tasks, override_num_blocks=len(tasks))
            # No core of its own: reading is light, and a cluster whose cores are all taken by models must still read. It also
            # keeps Ray from fusing the two stages, which would tie all shards of a unit to one actor.
            .map_batches(read, batch_size=1, num_cpus=0, max_retries=-1)
            .map_batches(
                _Worker,
                batch_size=1,
                fn_constructor_args=(job, model_name, start),
                num_cpus=job.threads or 1,
                num_gpus=1 if job.device == "cuda" else None,
                compute=ActorPoolStrategy(min_size=low, max_size=high, max_tasks_in_flight_per_actor=_SHARDS_IN_FLIGHT),
            )
        )
        for row in done.iter_rows():
            if row["error"]:
                raise CorpusError(row["error"])
            yield Finished.from_json(row["finished"])
    finally:
        context.target_max_block_size, context.enable_progress_bars = block, bars
        if started_here:
            ray.shutdown()


def _bounds(workers: int | tuple[int, int] | None, threads: int) -> tuple[int, int]:
    """Smallest and largest number of actors."""
    if isinstance(workers, int):
        return workers, workers
    return workers or (1, max(int(ray.cluster_resources().get("CPU", 1)) // threads, 1))
