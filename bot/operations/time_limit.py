"""A time limit for handlers: one that does not return is interrupted in its own thread.

The limit of this: an asynchronous exception interrupts Python code only, not a call inside a C library.
"""

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

TICK_SECONDS = 0.5
TICKS = 6  # that a call may last; a handler needs less than a thousandth of one


class TookTooLong(Exception):
    """The handler did not return in time; the traceback shows where it was."""


class _Interrupted(BaseException):
    """Not an Exception, so that no handler catches it as an error of its own."""


class _Call:
    __slots__ = ("interrupted", "ticks")

    def __init__(self) -> None:
        self.ticks = 0
        self.interrupted = False


class TimeLimit:
    """Interrupts calls after `ticks` of a watching thread.

    Ticks and not seconds, so that a machine that slept or a program that was stopped costs a handler no time.
    """

    def __init__(self, ticks: int = TICKS, tick_seconds: float = TICK_SECONDS) -> None:
        self._ticks = ticks
        self._tick_seconds = tick_seconds
        self._calls: dict[int, _Call] = {}  # by thread
        self._lock = threading.Lock()

    def bounded(self, work: Callable[[], T]) -> T:
        """Run `work` and return its result. Raises TookTooLong, while `watching`, if it takes too long."""
        thread = threading.get_ident()
        try:
            with self._lock:
                self._calls[thread] = _Call()
            try:
                return work()
            finally:
                self._end(thread)
        except _Interrupted as interrupted:
            raise TookTooLong(f"no end after {self._ticks * self._tick_seconds:g} s") from interrupted

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Run the watching thread."""
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,), name="xiaoer-time-limit", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(self._tick_seconds):
            with self._lock:
                for thread, call in self._calls.items():
                    call.ticks += 1
                    if call.ticks >= self._ticks and not call.interrupted:
                        call.interrupted = True
                        _raise_in(thread, _Interrupted)

    def _end(self, thread: int) -> None:
        """Forget the call; from here on it cannot be interrupted."""
        with self._lock:
            call = self._calls.pop(thread)
            if call.interrupted:
                _swallow(thread)  # it may have returned before the exception was raised


def _swallow(thread: int) -> None:
    """Raise the exception that may be pending in this thread, and catch it.

    Where it is only taken back, CPython 3.11 keeps the flag of it, and spins under a trace function.
    """
    with contextlib.suppress(_Interrupted):
        _raise_in(thread, _Interrupted)  # in place of the one that is pending
        while True:
            pass


def _raise_in(thread: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
