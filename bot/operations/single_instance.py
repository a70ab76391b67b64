"""Allow one program at a time on an SQLite file, by a file lock that the system releases with its holder.

Not the library filelock: where flock is missing it falls back to a marker file that outlives its holder, and
its lock files do not carry the process number that our message names.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import make_url

from bot.domain.errors import StorageError
from storage.private_files import private


@contextlib.contextmanager
def exclusive(database: str) -> Iterator[None]:
    """Lock the SQLite database of this URL. Raises StorageError if another program holds it.

    Does nothing on PostgreSQL, which several programs may share.
    """
    url = make_url(database)
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    path = Path(url.database)
    try:
        beside = path.with_name(f"{path.name}-lock")
        file = open(beside, "a+", encoding="ascii", opener=private)  # noqa: SIM115  # closed below
    except OSError as error:
        raise StorageError(f"database: {path.parent} cannot be written to: {error.strerror}") from None
    with file:
        if not _lock(file):
            file.seek(0)
            holder = file.read(20).strip()
            named = f" (process {holder})" if holder.isdecimal() else ""
            raise StorageError(f"another xiaoer{named} works on {path}; stop that one first")
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 20  # far behind the process number, which must stay readable

    def _lock(file: IO[str]) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
