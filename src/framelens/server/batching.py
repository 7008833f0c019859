"""Micro-batching: the sentences of requests that wait at the same time go through the engine in one call.

Nobody waits for a batch to fill: a free engine takes what has arrived while it was busy.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from framelens.schema import Document

Classify = Callable[[list[str], tuple[str, ...]], list[Document]]


@dataclass(eq=False)
class _Job:
    texts: list[str]
    sentences: int
    targets: tuple[str, ...]
    done: asyncio.Future[list[Document]]


class Batcher:
    """A queue in front of ``classify``, an asynchronous context manager. Leaving it finishes what was accepted.

    Args:
        classify: texts and targets to documents; called in threads of the batcher's own.
        batch_sentences: most sentences in a call that several jobs share. A larger job gets a call of its own.
        engines: calls at the same time.

    Attributes:
        calls: calls of ``classify`` so far.
    """

    def __init__(self, classify: Classify, batch_sentences: int = 256, engines: int = 1) -> None:
        self._classify = classify
        self._batch_sentences = batch_sentences
        self._engines = engines
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Condition()
        self._closing = False
        self.calls = 0

    async def __aenter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._engines, "framelens-engine")
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._engines)]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        async with self._arrived:
            self._closing = True
            self._arrived.notify_all()
        await asyncio.gather(*self._workers)
        self._pool.shutdown()

    def __len__(self) -> int:
        """Jobs that wait for an engine."""
        return sum(not job.done.done() for job in self._waiting)

    async def classify(self, texts: list[str], sentences: int, targets: Sequence[str] = ()) -> list[Document]:
        """The documents of ``texts``, in their order. A job that is cancelled while it waits costs nothing.

        Args:
            texts: the articles of one job.
            sentences: how many sentences they hold together, about.
            targets: jobs with equal targets can share a call.
        """
        job = _Job(texts, sentences, tuple(targets), asyncio.get_running_loop().create_future())
        async with self._arrived:
            if self._closing:
                raise RuntimeError("the batcher is closed")
            self._waiting.append(job)
            self._arrived.notify()
        return await job.done

    async def _work(self) -> None:
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: self._waiting or self._closing)
                batch = self._next_batch()
            if batch:
                await self._run(batch)
            elif self._closing:
                return

    def _next_batch(self) -> list[_Job]:
        """The longest-waiting job and those behind it that fit into the same call; the others keep their places."""
        batch: list[_Job] = []
        passed: deque[_Job] = deque()
        room = self._batch_sentences
        for job in self._waiting:
            if job.done.done():  # cancelled while it waited
                continue
            if not batch or (job.targets == batch[0].targets and job.sentences <= room):
                batch.append(job)
                room -= job.sentences
            else:
                passed.append(job)
        self._waiting = passed
        return batch

    async def _run(self, batch: list[_Job]) -> None:
        texts = [text for job in batch for text in job.texts]
        self.calls += 1
        try:
            documents = await asyncio.get_running_loop().run_in_executor(self._pool, self._classify, texts, batch[0].targets)
            found = iter(documents)
            for job in batch:
                mine = [next(found) for _ in job.texts]
                if not job.done.done():
                    job.done.set_result(mine)
        except Exception as error:
            if len(batch) == 1:
                if not batch[0].done.done():
                    batch[0].done.set_exception(error)
                return
            for job in batch:  # one job's fault must not fail the others
                if not job.done.done():
                    await self._run([job])
