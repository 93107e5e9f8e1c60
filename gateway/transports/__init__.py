"""How do bytes reach the other side, and how do bytes reach us?

One seam (:mod:`gateway.transports.base`), three roads: AS2 over HTTP (:mod:`gateway.transports.as2` sends,
:mod:`gateway.transports.as2_server` receives), folders on a disk (:mod:`gateway.transports.directory`), and folders on
an SFTP server (:mod:`gateway.transports.sftp` sends, :mod:`gateway.transports.sftp_inbox` fetches, both over one
:mod:`gateway.transports.sftp_link`). Settings per partner stand in :mod:`gateway.transports.settings`, key files in
:mod:`gateway.transports.keys` and :mod:`gateway.transports.ssh_keys`.
"""

from __future__ import annotations

from gateway.transports.as2 import As2Transport
from gateway.transports.as2_server import As2Receiver, EarlierAnswer
from gateway.transports.base import Handover, OutboundFile, PreparedTransmission, Receipt, Transport
from gateway.transports.directory import DirectoryInbox, DirectoryTransport, InboundFile, InboxReport
from gateway.transports.settings import PartnerSettings, Timeouts
from gateway.transports.sftp import SftpTransport
from gateway.transports.sftp_inbox import SftpInbox
from gateway.transports.sftp_link import SftpLink, SftpPlace

__all__ = [
    "As2Receiver",
    "As2Transport",
    "DirectoryInbox",
    "DirectoryTransport",
    "EarlierAnswer",
    "Handover",
    "InboundFile",
    "InboxReport",
    "OutboundFile",
    "PartnerSettings",
    "PreparedTransmission",
    "Receipt",
    "SftpInbox",
    "SftpLink",
    "SftpPlace",
    "SftpTransport",
    "Timeouts",
    "Transport",
]
