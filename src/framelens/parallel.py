"""Work on several threads with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int, *, waiting: int, name: str
) -> Iterator[_Result]:
    """What ``function`` makes of each item, in order, ``threads`` at a time.

    Args:
        function: called on threads of its own; on the caller's for a single item, or if ``threads`` is 1.
        items: taken as they are needed, on the caller's thread.
        threads: at most so many calls at the same time.
        waiting: items taken beyond those at work, and results held back.
        name: of the threads.

    After an error or an interruption nothing more is begun.
    """
    rest = iter(items)
    first = list(islice(rest, 2))
    if threads < 2 or len(first) < 2:
        yield from map(function, chain(first, rest))
        return
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        pending: deque[Future[_Result]] = deque()
        try:
            for item in chain(first, rest):
                pending.append(pool.submit(function, item))
                if len(pending) > threads + waiting:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
