"""How long a handler may think: one that does not return is interrupted in its own thread."""

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

TICK_SECONDS = 0.5  # seconds between two looks
TICKS = 6  # that may find the same thought; a handler needs less than a thousandth of one


class TookTooLong(Exception):
    """The handler did not return; what it was at stands in the traceback."""


class _Interrupted(BaseException):
    """Not an Exception: no handler may take it for a mistake of its own and go on."""


class _Call:
    __slots__ = ("interrupted", "looks")

    def __init__(self) -> None:
        self.looks = 0
        self.interrupted = False


class TimeLimit:
    """Counts looks and not seconds: a machine that was asleep, or a program that was stopped for a while,
    takes nothing from a handler's time.

    It interrupts whatever runs in Python. What hangs inside of one call of a library in C it cannot.
    """

    def __init__(self, looks: int = TICKS, every: float = TICK_SECONDS) -> None:
        self._looks = looks
        self._every = every
        self._thoughts: dict[int, _Call] = {}  # by thread
        self._lock = threading.Lock()

    def bounded(self, think: Callable[[], T]) -> T:
        """What `think` returns. Raises TookTooLong while `watching` if it does not return in time."""
        thread = threading.get_ident()
        try:
            with self._lock:
                self._thoughts[thread] = _Call()
            try:
                return think()
            finally:
                self._end(thread)
        except _Interrupted as interrupted:
            raise TookTooLong(f"no end after {self._looks * self._every:g} s") from interrupted

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,), name="xiaoer-time-limit", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(self._every):
            with self._lock:
                for thread, thought in self._thoughts.items():
                    thought.looks += 1
                    if thought.looks >= self._looks and not thought.interrupted:
                        thought.interrupted = True
                        _raise_in(thread, _Interrupted)

    def _end(self, thread: int) -> None:
        """From here on nothing of it can reach the thread any more."""
        with self._lock:
            thought = self._thoughts.pop(thread)
            if thought.interrupted:
                _raise_in(thread, None)  # it ended by itself in the last moment


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """None takes back what has not been raised yet."""
    raised = ctypes.py_object(error) if error else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
