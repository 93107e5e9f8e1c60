"""What do good 358s and 353s look like? Small fictional interchanges, beside the 309s of :mod:`sandbox.samples`.

Written by hand from the guides, not by the gateway's writers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_VERSIONS = {"309": ("AQ", "00502", "005020"), "358": ("BD", "00502", "005020"), "353": ("AX", "00605", "006050")}
TRIP_DATA = (
    "VEH*1*1M8GDM9AXKP042788*******AB1234*ON*******CA",
    "NM1*Z1*1*TESTWELL*MARIE",
    "DMG*D8*19840517*F****CA",
    "REF*5K*T62358400517",
)


@dataclass(frozen=True, slots=True)
class SampleLink:
    """One shipment of a 358: ``action`` MBL03 (1 link, 2 other equipment, 3 delink); ``reason`` makes an M13."""

    number: str
    action: str = "1"
    reason: str = ""
    scac: str = "TSTC"


def truck_interchange(set_id: str, body: Sequence[str], control: int, day: str, acknowledgment: str = "0") -> bytes:
    """An envelope around the segments between ST and SE."""
    group, version, release = _VERSIONS[set_id]
    isa = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'XGTW':15}*ZZ*{'CBP-ACE-TEST':15}*{day[2:]}*0905*^*{version}*{control:09d}"
        f"*{acknowledgment}*T*>"
    )
    lines = [isa, f"GS*{group}*XGTW*CBP-ACE-TEST*{day}*0905*{control}*X*{release}", f"ST*{set_id}*0001", *body]
    lines += [f"SE*{len(body) + 2}*0001", f"GE*1*{control}", f"IEA*1*{control:09d}"]
    return "".join(f"{line}~" for line in lines).encode("ascii")


def consist_358(
    links: Iterable[SampleLink] = (),
    *,
    trip: str = "TSTC2503100001",
    day: str = "20250310",
    time: str = "1630",
    port: str = "0901",
    control: int = 1,
    kind: str = "P",
    reason: str = "",
    trip_data: bool | None = None,
) -> bytes:
    """A 358 interchange; ``kind`` P, Y or 3. Truck and driver come with a P unless ``trip_data`` says otherwise."""
    with_data = kind == "P" if trip_data is None else trip_data
    body = [f"M10*TSTC*J*CA**TRUCK****{kind}***{trip}*00***{reason}".rstrip("*"), *(TRIP_DATA if with_data else ())]
    body.append(f"P4*{port}*{day}***{time}")
    listed = list(links)
    if listed:
        body.append("VID*TL**T53012*SEAL0001******L****AT9921*ON*CA")
    for link in listed:
        body.append(f"MBL*{link.scac}*{link.number}*{link.action}".rstrip("*"))
        if link.reason:
            body.append(f"M13*TSTC*{port}*A*{link.number}**{link.reason}*1**{link.scac}")
    return truck_interchange("358", body, control, day)


def events_353(
    events: Iterable[str],
    *,
    trip: str = "",
    day: str = "20250310",
    port: str = "0901",
    control: int = 1,
) -> bytes:
    """A 353 interchange of M15 segments; with a ``trip`` M10 and P4 stand before them."""
    head = [f"M10*TSTC*J*CA**TRUCK****H***{trip}", f"P4*{port}*{day}"] if trip else []
    return truck_interchange("353", [*head, *events], control, day)


def finish_353(trip: str = "TSTC2503100001", *, day: str = "20250310", control: int = 1) -> bytes:
    """A 353 that makes a preliminary manifest complete."""
    return events_353([f"M15*Z*{trip}*{day}*0901**0900"], trip=trip, day=day, control=control)
