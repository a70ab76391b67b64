"""Named values that are made when they are asked for: what no template reads is never computed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

Makers = Mapping[str, Callable[[T], Any]]


class Parts(Mapping[str, Any]):
    """A mapping whose values are made of `of`, each when it is first asked for, and then kept.

    makers: by name, how the value is made.
    """

    __slots__ = ("_made", "_makers", "_of")

    def __init__(self, makers: Makers[T], of: T) -> None:
        self._makers: Makers[Any] = makers
        self._of = of
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name](self._of)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __or__(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **changed}
