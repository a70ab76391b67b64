"""Make files that only their owner can read, whatever the umask, because buyers' data stands in them."""

import contextlib
import os
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def private(path: str, flags: int) -> int:
    """An opener for `open`: mode 0600, also where a looser file of that name was left behind."""
    handle = os.open(path, flags, FILE_MODE)
    if os.name == "posix":
        with contextlib.suppress(PermissionError):  # somebody else's file, that we may write to
            os.fchmod(handle, FILE_MODE)
    return handle


def create_private(file: Path) -> None:
    """Create an empty file, mode 0600; one that is there stays as it is. Raises OSError.

    One that is there is not even opened: closing it again would end every lock that this process has on it
    (POSIX), and with them SQLite's, so that another program would take our database for one that nobody uses.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))


def make_private_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, mode 0700; what is there stays. Raises OSError."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
