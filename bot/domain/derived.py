"""Values that follow from a record: derived once, when they are first asked for."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class derived(Generic[T]):  # noqa: N801 - read as a decorator
    """As functools.cached_property, which in Python 3.11 takes a lock for each value of each record."""

    def __init__(self, derive: Callable[[Any], T]) -> None:
        self._derive = derive

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: Any, owner: type | None = None) -> T:
        value: T = self._derive(record)
        record.__dict__[self._name] = value  # found there from now on
        return value
