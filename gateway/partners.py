"""Who is the partner? Its certificate is read when it is first needed, and again when its file changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.settings import Settings
from gateway.transports import PartnerSettings
from gateway.transports.settings import load_partner
from schemas.as2 import Partner
from schemas.errors import FormatError


class Partners(Mapping[str, Partner]):
    """The partner by its AS2 name, read anew when its certificate file changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path: Path = settings.partner_certificate
        self._read: tuple[float, Partner] | None = None

    def current(self) -> Partner:
        """The partner; raises FormatError while its certificate is not there."""
        try:
            changed = self._path.stat().st_mtime
        except OSError:
            changed = -1.0
        if self._read is None or self._read[0] != changed:
            partner = self._settings.partner
            loaded = load_partner(
                PartnerSettings(
                    name=self._settings.partner_name,
                    as2_from=self._settings.exchange.as2_name,
                    as2_to=partner.as2_name,
                    url=partner.url,
                    certificate=self._path,
                    encrypt=partner.encrypt,
                    compress=partner.compress,
                    receipt_url=partner.receipt_url,
                    require_encryption=partner.encrypt,
                )
            )
            self._read = (changed, loaded)
        return self._read[1]

    def __getitem__(self, name: str) -> Partner:
        if name != self._settings.partner.as2_name:
            raise KeyError(name)
        try:
            return self.current()
        except FormatError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter((self._settings.partner.as2_name,))

    def __len__(self) -> int:
        return 1
