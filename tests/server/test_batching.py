from __future__ import annotations

import asyncio
import threading
import time

import pytest

from framelens.schema import Document
from framelens.server.batching import Batcher

from .fakes import run_async


class Engine:
    """Answers with the texts; waits while ``gate`` is closed, so that a test decides what arrives meanwhile."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], tuple[str, ...]]] = []
        self.gate = threading.Event()
        self.at_once = self.most_at_once = 0

    def __call__(self, texts: list[str], targets: tuple[str, ...]) -> list[Document]:
        self.calls.append((texts, targets))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.gate.wait(10)
        self.at_once -= 1
        if "broken" in texts:
            raise ValueError("broken")
        return [Document(text, ()) for text in texts]


async def started(engine: Engine, batcher: Batcher, calls: int = 1) -> None:
    """Wait until the engine is busy with that many calls."""
    while len(engine.calls) < calls:
        await asyncio.sleep(0.001)


def texts_of(documents: list[Document]) -> list[str]:
    return [d.text for d in documents]


def run(scenario, batch_sentences: int = 10, engines: int = 1) -> Engine:
    engine = Engine()

    async def body() -> None:
        async with Batcher(engine, batch_sentences, engines) as batcher:
            await scenario(engine, batcher)

    run_async(asyncio.wait_for(body(), 20))
    return engine


def test_what_waits_together_goes_in_one_call_and_comes_back_to_its_own_request():
    async def scenario(engine, batcher):
        first = asyncio.create_task(batcher.classify(["a"], 1))
        await started(engine, batcher)
        waiting = [asyncio.create_task(batcher.classify([f"{i}x", f"{i}y"], 2)) for i in range(4)]
        await asyncio.sleep(0.02)
        assert len(batcher) == 4
        engine.gate.set()
        assert texts_of(await first) == ["a"]
        for i, task in enumerate(waiting):
            assert texts_of(await task) == [f"{i}x", f"{i}y"]
        assert len(batcher) == 0
        assert batcher.calls == 2

    engine = run(scenario)
    assert [len(texts) for texts, _ in engine.calls] == [1, 8]


def test_a_call_holds_no_more_sentences_than_it_may_and_smaller_jobs_fill_it():
    async def scenario(engine, batcher):
        tasks = [asyncio.create_task(batcher.classify(["first"], 1))]
        await started(engine, batcher)
        tasks += [
            asyncio.create_task(batcher.classify([name], n)) for name, n in [("six", 6), ("seven", 7), ("four", 4), ("one", 1)]
        ]
        await asyncio.sleep(0.02)
        engine.gate.set()
        await asyncio.gather(*tasks)

    engine = run(scenario, batch_sentences=10)
    assert [texts for texts, _ in engine.calls] == [["first"], ["six", "four"], ["seven", "one"]]


def test_a_job_larger_than_a_batch_gets_a_call_of_its_own_in_its_turn():
    async def scenario(engine, batcher):
        tasks = [asyncio.create_task(batcher.classify(["first"], 1))]
        await started(engine, batcher)
        tasks += [asyncio.create_task(batcher.classify([name], n)) for name, n in [("huge", 1000), ("small", 1)]]
        await asyncio.sleep(0.02)
        engine.gate.set()
        await asyncio.gather(*tasks)

    assert [texts for texts, _ in run(scenario).calls] == [["first"], ["huge"], ["small"]]


def test_jobs_with_other_targets_do_not_share_a_call():
    async def scenario(engine, batcher):
        tasks = [asyncio.create_task(batcher.classify(["first"], 1))]
        await started(engine, batcher)
        for name, targets in [("a", ["X"]), ("b", []), ("c", ["X"])]:
            tasks.append(asyncio.create_task(batcher.classify([name], 1, targets)))
        await asyncio.sleep(0.02)
        engine.gate.set()
        await asyncio.gather(*tasks)

    assert run(scenario).calls == [(["first"], ()), (["a", "c"], ("X",)), (["b"], ())]


def test_a_job_cancelled_while_it_waits_is_not_computed():
    async def scenario(engine, batcher):
        first = asyncio.create_task(batcher.classify(["first"], 1))
        await started(engine, batcher)
        gone, stays = (asyncio.create_task(batcher.classify([name], 1)) for name in ("gone", "stays"))
        await asyncio.sleep(0.02)
        gone.cancel()
        await asyncio.sleep(0.02)
        assert len(batcher) == 1
        engine.gate.set()
        await first
        assert texts_of(await stays) == ["stays"]

    assert [texts for texts, _ in run(scenario).calls] == [["first"], ["stays"]]


def test_a_job_cancelled_while_it_runs_leaves_the_others_of_its_call_alone():
    async def scenario(engine, batcher):
        first = asyncio.create_task(batcher.classify(["first"], 1))
        await started(engine, batcher)
        first.cancel()
        second = asyncio.create_task(batcher.classify(["second"], 1))
        await asyncio.sleep(0.02)
        engine.gate.set()
        assert texts_of(await second) == ["second"]
        assert first.cancelled()

    run(scenario)


def test_one_broken_job_fails_alone():
    async def scenario(engine, batcher):
        tasks = [asyncio.create_task(batcher.classify(["first"], 1))]
        await started(engine, batcher)
        tasks += [asyncio.create_task(batcher.classify([name], 1)) for name in ("a", "broken", "b")]
        await asyncio.sleep(0.02)
        engine.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert texts_of(results[1]) == ["a"]
        assert isinstance(results[2], ValueError)
        assert texts_of(results[3]) == ["b"]
        assert texts_of(await batcher.classify(["after"], 1)) == ["after"]

    run(scenario)


def test_two_engines_let_a_short_job_pass_a_long_one():
    async def scenario(engine, batcher):
        tasks = [asyncio.create_task(batcher.classify([name], 1000)) for name in ("long", "short")]
        await started(engine, batcher, calls=2)
        engine.gate.set()
        await asyncio.gather(*tasks)

    assert run(scenario, engines=2).most_at_once == 2


def test_leaving_finishes_what_was_accepted_and_accepts_no_more():
    engine = Engine()

    async def body():
        batcher = Batcher(engine)
        async with batcher:
            tasks = [asyncio.create_task(batcher.classify([name], 500)) for name in ("a", "b", "c")]
            await started(engine, batcher)
            threading.Timer(0.05, engine.gate.set).start()
        assert [texts_of(task.result()) for task in tasks] == [["a"], ["b"], ["c"]]
        with pytest.raises(RuntimeError, match="closed"):
            await batcher.classify(["late"], 1)

    run_async(asyncio.wait_for(body(), 20))


def test_a_hundred_jobs_at_random_times_all_get_their_own_answers():
    engine = Engine()
    engine.gate.set()

    async def body():
        async with Batcher(engine, 16, engines=2) as batcher:

            async def client(i: int) -> None:
                await asyncio.sleep((i * 7919 % 50) / 5000)
                texts = [f"{i}-{k}" for k in range(i % 4)]
                assert texts_of(await batcher.classify(texts, len(texts), [str(i % 2)])) == texts

            await asyncio.gather(*(client(i) for i in range(100)))
            assert batcher.calls < 100

    started_at = time.monotonic()
    run_async(body())
    assert time.monotonic() - started_at < 10
