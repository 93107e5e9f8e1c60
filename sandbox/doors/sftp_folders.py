"""What may a filer do in its two folders, and when is a file received?

``in``: write, go on with, rename and remove files under way; the rename to a final name hands the file over. ``out``:
list, read, remove, move to ``done``. Everything else is refused. Names are checked after they have been brought to
their plain form, and no link can be made, so that no path leads out of the filer's own folders. A fault of the plan
may cut the session within an upload, after a hand-over or within a fetch.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import asyncssh
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE

from sandbox.settings import Settings

UNDER_WAY: Final = (".part", ".tmp", ".filepart")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
_WRITES: Final = FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC
_MOST_OPEN: Final = 64
_KEPT_OF_DONE: Final = 2000


class Desk(Protocol):
    """Who takes what has been handed over."""

    def is_out(self, filer: str) -> bool:
        """Whether nobody is there for a filer."""
        ...

    async def received(self, filer: str, path: Path, before: Path) -> None:
        """Commit the file and take it away; if that cannot be done, give it back its name ``before`` and raise."""
        ...

    async def refuse(self, filer: str, name: str, content: bytes, reason: str) -> None:
        """Record what is not taken."""
        ...

    async def upload_is_cut(self, filer: str, name: str) -> bool:
        """Whether the session is to be cut within an upload that begins."""
        ...

    async def answer_is_lost(self, filer: str, name: str) -> bool:
        """Whether the session is to be cut instead of the answer to a hand-over, of what was called ``name``."""
        ...

    async def fetch_is_cut(self, filer: str, name: str) -> bool:
        """Whether the session is to be cut within a fetch that begins."""
        ...


def is_under_way(name: str) -> bool:
    """Whether a name says that the file is not finished."""
    return name.startswith(".") or name.lower().endswith(UNDER_WAY)


def settle_folder(folder: Path) -> Iterator[Path]:
    """Files that have their final name, in its order."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and not is_under_way(path.name):
            yield path


def _never(_self: Any, *_asked: Any) -> Any:
    """No links, no other versions of the protocol, no news about the disk; folders stay."""
    raise asyncssh.SFTPPermissionDenied("not here")


def _filers(_self: Any, *_asked: Any) -> str:
    """Whose it is."""
    return "filer"


_NEVER: Any = _never
_FILERS: Any = _filers


class Folders(asyncssh.SFTPServer):
    """One session of one filer."""

    def __init__(
        self, chan: asyncssh.SSHServerChannel[bytes], root: Path, settings: Settings, desk: Desk, filer: str
    ) -> None:
        super().__init__(chan, os.fsencode(root))
        self._root, self._settings, self._desk, self._filer = root, settings, desk, filer
        self._writing: dict[int, int] = {}
        self._cut: dict[int, int] = {}
        """Open files within which the session is cut, and how many bytes go through before that (writing: half)."""
        self._opened = 0
        self._used = 0

    # ------------------------------------------------------------------ where

    def _place(self, path: bytes) -> tuple[str, str]:
        """Folder (``""``, ``in``, ``out``, ``out/done``) and name; raises for anything else."""
        if self._desk.is_out(self._filer):
            self.connection.abort()
            raise asyncssh.SFTPFailure("the service is not there")
        try:
            plain = posixpath.normpath(posixpath.join("/", path.decode("utf-8"))).strip("/")
        except UnicodeDecodeError:
            raise asyncssh.SFTPNoSuchFile("names are UTF-8") from None
        if plain in ("", "in", "out", "out/done"):
            return plain, ""
        folder, name = posixpath.split(plain)
        if folder not in ("in", "out", "out/done") or "\0" in name:
            raise asyncssh.SFTPNoSuchFile("there are the folders in, out and out/done")
        return folder, name

    def _file(self, path: bytes) -> tuple[str, str]:
        folder, name = self._place(path)
        if not name:
            raise asyncssh.SFTPPermissionDenied("this is a folder")
        return folder, name

    # ------------------------------------------------------------------ writing

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Read anything of one's own; write only what is under way in ``in``."""
        folder, name = self._file(path)
        if self._opened >= _MOST_OPEN:
            raise asyncssh.SFTPFailure("too many files are open")
        if not pflags & _WRITES:
            file: Any = super().open(path, pflags, asyncssh.SFTPAttrs())
            if folder == "out" and await self._desk.fetch_is_cut(self._filer, name):
                self._cut[id(file)] = os.fstat(file.fileno()).st_size // 2
        else:
            if folder != "in" or not is_under_way(name):
                reason = "write to in, as .NAME.part, and rename it"
                await self._desk.refuse(self._filer, name, b"", reason)
                raise asyncssh.SFTPPermissionDenied(reason)
            files, self._used = self._left()
            if files >= self._settings.sftp_files or self._used >= self._settings.sftp_quota:
                await self._desk.refuse(self._filer, name, b"", "too much is unfinished")
                raise asyncssh.SFTPFailure("too much is unfinished: remove some of it")
            new = not (self._root / folder / name).exists()
            file = super().open(path, pflags, asyncssh.SFTPAttrs(permissions=0o600))
            self._writing[id(file)] = os.fstat(file.fileno()).st_size
            if new and await self._desk.upload_is_cut(self._filer, name):
                self._cut[id(file)] = 0
        del attrs
        self._opened += 1
        return file

    def _left(self) -> tuple[int, int]:
        files, used = 0, 0
        with os.scandir(self._root / "in") as entries:
            for entry in entries:
                files, used = files + 1, used + entry.stat(follow_symlinks=False).st_size
        return files, used

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write within the size of a message and the room of the filer."""
        size, end = self._writing.get(id(file_obj), 0), offset + len(data)
        if end > self._settings.body_limit:
            raise asyncssh.SFTPFailure(f"a file holds at most {self._settings.body_limit} bytes")
        if end > size:
            self._used += end - size
            if self._used > self._settings.sftp_quota:
                raise asyncssh.SFTPFailure("too much is unfinished: remove some of it")
            self._writing[id(file_obj)] = end
        if id(file_obj) in self._cut:
            super().write(file_obj, offset, data[: len(data) // 2])
            raise self._broken()
        written: Any = super().write(file_obj, offset, data)
        return int(written)

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        """Read; where the session is to be cut, half of the file comes."""
        half = self._cut.get(id(file_obj))
        if half is None:
            return super().read(file_obj, offset, size)
        if offset >= half:
            raise self._broken()
        return super().read(file_obj, offset, min(size, half - offset))

    def _broken(self) -> asyncssh.SFTPError:
        self.connection.abort()
        return asyncssh.SFTPFailure("the line is dead")

    def close(self, file_obj: object) -> None:
        """Close it; it is not received by that, for a cut connection closes files too."""
        self._opened -= 1
        self._writing.pop(id(file_obj), None)
        self._cut.pop(id(file_obj), None)
        super().close(file_obj)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Rights and times are ours; a size may be set by writing only."""
        self._file(path)
        if attrs.size is not None:
            raise asyncssh.SFTPPermissionDenied("open it anew to cut it")

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """As :meth:`setstat`."""
        del file_obj
        if attrs.size is not None:
            raise asyncssh.SFTPPermissionDenied("open it anew to cut it")

    # ------------------------------------------------------------------ names

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move within ``in`` (where a final name hands the file over) or within ``out``; nothing is replaced."""
        await self._move(oldpath, newpath, replace=False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As :meth:`rename`; among files under way one may replace another."""
        await self._move(oldpath, newpath, replace=True)

    async def _move(self, oldpath: bytes, newpath: bytes, *, replace: bool) -> None:
        (folder, name), (target_folder, target_name) = self._file(oldpath), self._file(newpath)
        old, new = self._root / folder / name, self._root / target_folder / target_name
        if folder.split("/")[0] != target_folder.split("/")[0]:
            raise asyncssh.SFTPPermissionDenied("files stay in their folder")
        if not old.is_file() or old.is_symlink():
            raise asyncssh.SFTPNoSuchFile("there is no such file")
        handed_over = folder == "in" and not is_under_way(target_name)
        if new.exists() and (handed_over or not replace or folder != "in"):
            raise asyncssh.SFTPFailure("there is a file of this name")
        if handed_over:
            await self._hand_over(old, new)
            return
        old.replace(new)
        if target_folder == "out/done":
            self._thin_out(new.parent)

    async def _hand_over(self, old: Path, new: Path) -> None:
        if not _NAME.fullmatch(new.name):
            await self._desk.refuse(self._filer, new.name, b"", "not a plain file name")
            raise asyncssh.SFTPFailure("not a plain file name")
        if not await asyncio.to_thread(_name_finally, old, new):
            await self._desk.refuse(self._filer, new.name, b"", "an empty file")
            raise asyncssh.SFTPFailure("an empty file")
        try:
            await self._desk.received(self._filer, new, old)
        except Exception as error:
            raise asyncssh.SFTPFailure("it could not be taken in; try again") from error
        if await self._desk.answer_is_lost(self._filer, old.name):
            raise self._broken()

    @staticmethod
    def _thin_out(folder: Path) -> None:
        """What was fetched is kept for a while, the oldest not for ever."""
        fetched = sorted(entry.name for entry in os.scandir(folder))
        for name in fetched[: -_KEPT_OF_DONE or None]:
            (folder / name).unlink(missing_ok=True)

    def remove(self, path: bytes) -> None:
        """Remove what is under way in ``in``, and anything in ``out``."""
        folder, name = self._file(path)
        if folder == "in" and not is_under_way(name):
            raise asyncssh.SFTPPermissionDenied("it is being taken in")
        super().remove(path)

    def lstat(self, path: bytes) -> Any:
        """Attributes of one's own files and folders."""
        self._place(path)
        return super().lstat(path)

    def stat(self, path: bytes) -> Any:
        """As :meth:`lstat`: there are no links."""
        return self.lstat(path)

    def realpath(self, path: bytes) -> bytes:
        """The plain form of a path."""
        return posixpath.normpath(posixpath.join(b"/", path)).replace(b"//", b"/")

    def scandir(self, path: bytes) -> Any:
        """List one's own folders."""
        _, name = self._place(path)
        if name:
            raise asyncssh.SFTPNoSuchFile("there is no such folder")
        return super().scandir(path)

    # ------------------------------------------------------------------ what nobody may

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """All folders there are are there."""
        del attrs
        _, name = self._place(path)
        raise asyncssh.SFTPPermissionDenied("no folders are made here") if name else asyncssh.SFTPFailure("it is there")

    open56 = lsetstat = rmdir = readlink = symlink = link = statvfs = fstatvfs = _NEVER
    format_user = format_group = _FILERS


def _name_finally(old: Path, new: Path) -> bool:
    """Give a file its final name; an empty one is taken away instead, and that is ``False``."""
    if old.stat().st_size == 0:
        old.unlink()
        return False
    old.rename(new)
    return True
