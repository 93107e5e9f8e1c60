"""How is a folder that a stranger can write to read and written, safely and whole?

Everything goes through the open folder and through plain names in it: a link or a pipe is never followed or opened,
also not in place of a folder within it, so nothing that a filer makes leads to another's files. What is laid appears
whole: written as ``NAME.part``, flushed, renamed, and the folder flushed.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PART: Final = ".part"
SIGNATURE: Final = ".p7s"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class NotPlain(Exception):
    """A file that is not read: no plain file, no plain name, too large."""


def is_plain(name: str) -> bool:
    """Whether a name is one that files have here."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """The content of a file, and what tells it from another of the same name."""

    content: bytes
    mark: tuple[int, int, int]


class PlainFolder:
    """One open folder, by its descriptor."""

    def __init__(self, place: int) -> None:
        self._place = place

    @contextmanager
    def inner(self, name: str) -> Iterator[PlainFolder]:
        """A folder in this one, made when it is missing. Raises ``OSError`` where something else has its name."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=self._place)
        with _opened(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._place)) as folder:
            yield folder

    def finished(self, most: int) -> list[str]:
        """Names that are not hidden, under way or signatures, the first ``most`` in their order."""
        with os.scandir(self._place) as entries:
            return heapq.nsmallest(
                most,
                (
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and not entry.name.endswith((PART, SIGNATURE)) and _is_file(entry)
                ),
            )

    def oddities(self, most: int) -> list[str]:
        """Names of what is neither a plain file nor a folder: links, pipes, devices."""
        with os.scandir(self._place) as entries:
            odd = (e.name for e in entries if not _is_file(e) and not e.is_dir(follow_symlinks=False))
            return heapq.nsmallest(most, odd)

    def filled(self) -> tuple[int, int]:
        """Files in it, and their bytes."""
        files, used = 0, 0
        with os.scandir(self._place) as entries:
            for entry in entries:
                if _is_file(entry):
                    files, used = files + 1, used + entry.stat(follow_symlinks=False).st_size
        return files, used

    def read(self, name: str, limit: int) -> Found | None:
        """A file, ``None`` when it is gone. Raises :class:`NotPlain`."""
        if not is_plain(name):
            raise NotPlain("the name is not plain: letters, digits, '.', '_' and '-'")
        try:
            opened = os.open(name, _FILE, dir_fd=self._place)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotPlain(f"it cannot be read: {error.strerror}") from error
        with os.fdopen(opened, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise NotPlain("it is not a plain file")
            content = file.read(limit + 1)
        if len(content) > limit:
            raise NotPlain(f"it holds more than {limit} bytes")
        return Found(content, _mark(found))

    def is_still(self, name: str, found: Found) -> bool:
        """Whether a name still stands for the file that was read."""
        try:
            return _mark(os.stat(name, dir_fd=self._place, follow_symlinks=False)) == found.mark
        except FileNotFoundError:
            return False

    def lay(self, name: str, content: bytes) -> None:
        """Put a file there so that it appears whole; one of the same name is replaced."""
        self.begin(name, content)
        os.rename(name + PART, name, src_dir_fd=self._place, dst_dir_fd=self._place)
        os.fsync(self._place)

    def begin(self, name: str, content: bytes) -> None:
        """Write a file under way and leave it so."""
        with os.fdopen(os.open(name + PART, _NEW, 0o644, dir_fd=self._place), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def move(self, name: str, other: PlainFolder, new: str) -> str:
        """Move a file to another folder under a name that is free there (``NEW``, ``NEW.2`` …); gives that name."""
        target, count = new, 1
        while other.has(target):
            count += 1
            target = f"{new}.{count}"
        os.rename(name, target, src_dir_fd=self._place, dst_dir_fd=other._place)
        os.fsync(other._place)
        os.fsync(self._place)
        return target

    def has(self, name: str) -> bool:
        """Whether anything has this name."""
        try:
            os.stat(name, dir_fd=self._place, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def thin_out(self, most: int) -> None:
        """Keep the newest files, so many at most."""
        with os.scandir(self._place) as entries:
            aged = sorted((e.stat(follow_symlinks=False).st_mtime_ns, e.name) for e in entries if _is_file(e))
        for _, name in aged[: -most or None]:
            os.unlink(name, dir_fd=self._place)


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _mark(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def _opened(place: int) -> Iterator[PlainFolder]:
    try:
        yield PlainFolder(place)
    finally:
        os.close(place)


@contextmanager
def folder_at(path: Path) -> Iterator[PlainFolder]:
    """A folder that the operator named, made when it is missing, for as long as the block runs."""
    path.mkdir(parents=True, exist_ok=True)
    with _opened(os.open(path, _FOLDER)) as folder:
        yield folder
