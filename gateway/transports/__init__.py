"""How do bytes reach the other side, and how do bytes reach us?

One seam (:mod:`gateway.transports.base`), two roads: AS2 over HTTP (:mod:`gateway.transports.as2` sends,
:mod:`gateway.transports.as2_server` receives) and folders on a disk (:mod:`gateway.transports.directory`). Settings per
partner stand in :mod:`gateway.transports.settings`, key files in :mod:`gateway.transports.keys`.
"""

from __future__ import annotations

from gateway.transports.as2 import As2Transport
from gateway.transports.as2_server import As2Receiver, EarlierAnswer
from gateway.transports.base import OutboundFile, PreparedTransmission, Receipt, Transport
from gateway.transports.directory import DirectoryInbox, DirectoryTransport, InboundFile, InboxReport
from gateway.transports.settings import PartnerSettings, Timeouts

__all__ = [
    "As2Receiver",
    "As2Transport",
    "DirectoryInbox",
    "DirectoryTransport",
    "EarlierAnswer",
    "InboundFile",
    "InboxReport",
    "OutboundFile",
    "PartnerSettings",
    "PreparedTransmission",
    "Receipt",
    "Timeouts",
    "Transport",
]
