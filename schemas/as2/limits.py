"""How large may anything be that comes from outside?

Every bound has one name and stands here. They are bounds on memory and time, not on the trade: a
manifest of 10,000 shipments is about 3 MB.
"""

from __future__ import annotations

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Body of an AS2 message as it came over HTTP, in bytes."""

MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
"""Payload after decompression, in bytes: a compression bomb ends here."""

MAX_MDN_BYTES = 1024 * 1024
"""Body of a message disposition notification, in bytes."""

MAX_MIME_HEADER_BYTES = 64 * 1024
"""Header block of one MIME part, in bytes."""

MAX_DEPTH = 32
"""Nesting of a DER or BER value."""

MAX_VALUES = 200_000
"""Values in one BER value from outside: enough for 64 MiB in pieces of 512 bytes; OpenSSL writes pieces of 4 KiB
and more.
"""

MAX_SIGNATURE_BYTES = 1024 * 1024
"""A detached signature with its certificates, in bytes. It is read before anybody is known to have signed anything."""
