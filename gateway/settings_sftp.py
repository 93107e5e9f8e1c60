"""What has to be said about a partner that is reached by SFTP?

Without a host key or a file of them no connection is made: a server is known by its key or not at all. By default our
key pair is made on first start, and the keys of the simulated CBP are read from the exchange directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings_base import Section, matching
from schemas.errors import FormatError

Folder = Annotated[str, matching(r"[^\x00-\x1f\x7f]{1,1024}", "a folder on the server")]
FolderName = Annotated[str, matching(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", "the plain name of a folder")]


def _pins(value: str) -> str:
    if value:
        from gateway.transports.ssh_keys import read_pins  # here: most commands need no SSH library

        try:
            read_pins(value, "", 22)
        except FormatError as error:
            raise PydanticCustomError(
                "not_a_host_key",
                "{text}",
                {"text": error.problems[0].text, "remedy": error.problems[0].remedy},
            ) from None
    return value


class SftpPartner(Section):
    """Where a partner's SFTP server is, how it is known, who we are there, and which folders are whose."""

    host: str = Field("127.0.0.1", min_length=1, max_length=253, description="SFTP: name or address of the server.")
    port: int = Field(8473, ge=1, le=65535, description="SFTP: its TCP port.")
    user: str = Field("gateway", min_length=1, max_length=128, description="SFTP: our name there.")
    password: SecretStr | None = Field(None, description="SFTP: our password there, if we log in with one.")
    private_key: Path | None = Field(
        None, description="SFTP: our key; by default `gateway-sftp-key` in the data directory, made on first start."
    )
    private_key_password: SecretStr | None = Field(None, description="SFTP: password of our key, if it has one.")
    host_key: Annotated[str, AfterValidator(_pins)] = Field(
        "", description="SFTP: the server's key: its fingerprint `SHA256:…`, or a line of `known_hosts`."
    )
    host_keys: Path | None = Field(
        None,
        description="SFTP: file with the server's keys; by default `sandbox-sftp.pub` in the exchange directory.",
    )
    outbox: Folder = Field("in", description="SFTP: folder on the server that we write to.")
    inbox: Folder = Field("out", description="SFTP: folder on the server that we read from.")
    after: Literal["move", "delete"] = Field(
        "move", description="SFTP: what becomes of a file that was taken: `move` to the folder `done`, or `delete`."
    )
    done: FolderName = Field("done", description="SFTP: folder in the inbox for files that were taken.")
    poll_seconds: float = Field(5.0, gt=0, le=3600, description="SFTP: pause between two looks into the inbox.")
    steady_seconds: float = Field(
        2.0, ge=0, le=3600, description="SFTP: a file is taken when it has not changed for so long."
    )
    connect_seconds: float = Field(10.0, gt=0, le=120, description="SFTP: longest wait for the connection and login.")
    operation_seconds: float = Field(30.0, gt=0, le=120, description="SFTP: longest wait for one answer of the server.")

    @model_validator(mode="after")
    def _two_folders(self) -> Self:
        if self.outbox.rstrip("/") == self.inbox.rstrip("/"):
            raise PydanticCustomError("same_folder", "The folders outbox and inbox on the server must differ.")
        return self
