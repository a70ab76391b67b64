"""How the commands show things: tables that fit 80 columns, JSON for programs, progress for long work."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bot.commands.visible import VisibleConsole, visible_json
from bot.texts import operator_words

Advance = Callable[[int], None]


def stdout() -> Console:
    """Where results go. What a buyer or seller wrote is text, never markup, nor a command to the terminal."""
    return VisibleConsole(file=sys.stdout, markup=False, emoji=False, highlight=False)


def stderr() -> Console:
    """Where everything else goes: notes, progress."""
    return VisibleConsole(file=sys.stderr, markup=False, emoji=False, highlight=False)


def say(code: str, reader: str, **values: object) -> str:
    """One of the commands' sentences, in the reader's language."""
    return operator_words.say("commands", code, reader, values)


def show(thing: RenderableType) -> None:
    stdout().print(thing)


def tell(sentence: str) -> None:
    """A line of the result; it breaks where the window ends, and a file gets it whole."""
    stdout().print(sentence, soft_wrap=True)


def remark(sentence: str) -> None:
    """A note beside the result."""
    stderr().print(sentence, style="dim", soft_wrap=True)


def show_json(value: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(visible_json(text.decode()) + "\n")


def table(*heads: str, stretched: int = -1) -> Table:
    """Without lines; the stretched column takes the room that is left, and folds."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    last = stretched % len(heads)
    for place, head in enumerate(heads):
        made.add_column(Text(head), overflow="fold", ratio=1 if place == last else None, no_wrap=False)
    return made


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Yields a function that takes how far the work is; shows nothing if stderr is no terminal."""
    console = stderr()
    if not console.is_terminal:
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=max(total, 1))
        yield lambda done: bar.update(task, completed=done)


@contextlib.contextmanager
def counting(label: str) -> Iterator[Advance]:
    """Like `progress`, for work whose end is not known."""
    console = stderr()
    if not console.is_terminal:
        yield lambda done: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done: bar.update(task, completed=done)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Shows that work goes on of which nothing can be counted; nothing if stderr is no terminal."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    with Progress(SpinnerColumn(), TimeElapsedColumn(), console=console, transient=True) as bar:
        bar.add_task("", total=None)
        yield
