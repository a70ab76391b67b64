"""Keeps the understanding of a running program up to date, in a process of its own where that takes long."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import structlog

from bot.understanding.examples import FaultyExamples
from bot.understanding.learning import Learnt, learn, shipped
from bot.understanding.outcomes import thresholds_for
from bot.understanding.understander import Understander
from storage.private_files import make_private_folder

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def learning(
    understander: Understander, folder: Path, own: Path, on_left_out: Callable[[FaultyExamples], None]
) -> AsyncIterator[None]:
    """While inside: the starter set's model is put in use at once, and the one with the seller's sentences
    as soon as it is learned.

    folder: of what is learned. own: the seller's sentences, if the file is there.
    on_left_out: called where the seller's sentences are not used, with the reason.
    """
    task = asyncio.create_task(_learn(understander, folder, own, on_left_out), name="learning")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _learn(
    understander: Understander, folder: Path, own: Path, on_left_out: Callable[[FaultyExamples], None]
) -> None:
    try:
        first = await asyncio.to_thread(shipped)
        if first:
            understander.swap(first, thresholds_for(first))
        learnt = await _learnt(folder, own)
    except OSError as error:
        log.warning("what is learned cannot be kept", folder=str(folder), why=error.strerror or str(error))
        return
    if learnt is not None:
        understander.swap(learnt.model, thresholds_for(learnt.model))
        if learnt.left_out:
            on_left_out(learnt.left_out)


async def _learnt(folder: Path, own: Path) -> Learnt | None:
    """Read what is kept; learn in another process what is not. None if that failed."""
    try:
        return await asyncio.to_thread(learn, folder, own, on_learning=_not_here)
    except _ToBeLearned:
        make_private_folder(folder)
    return await asyncio.to_thread(learn, folder, own) if await learned_aside(folder, own) else None


class _ToBeLearned(Exception):
    """Something is not kept yet."""


def _not_here() -> None:
    raise _ToBeLearned


async def learned_aside(folder: Path, own: Path) -> bool:
    """Learn what is not kept yet, in another process; False if that failed."""
    command = (sys.executable, "-m", "bot.understanding.learning", str(folder), str(own))
    pipe = asyncio.subprocess.PIPE  # its input ends with us, and it with its input
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stderr=pipe)
    try:
        said = await process.stderr.read() if process.stderr else b""
        await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        log.warning("nothing learned", code=process.returncode, why=said.decode(errors="replace")[-500:])
    return process.returncode == 0
