"""What do good files look like? Small fictional 309 interchanges, cargo release and entry summary batches, for tests
and for trying the sandbox out.

Written by hand from the guides, not by the gateway's writers: a test that feeds the sandbox with them tests the
sandbox alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sandbox.abi.answers import columns
from sandbox.abi.cargo_entry import check_digit


@dataclass(frozen=True, slots=True)
class SampleBill:
    """One shipment: ``kind`` 35 for Section 321, 23 for an entry (PAPS). ``change`` and ``reason`` make an M13 before
    it, an ``in_bond`` number an M12 (type 61 to Detroit).
    """

    number: str
    kind: str = "23"
    consignee: str = "PAT TESTWELL"
    street: str = "12 SAMPLE AVE"
    state: str = "NY"
    value: str = "0045"
    origin: str = "CA"
    scac: str = "TSTC"
    quantity: str = "1"
    change: str = ""
    reason: str = ""
    in_bond: str = ""


def manifest_309(
    bills: Iterable[SampleBill],
    *,
    trip: str = "TSTC2503100001",
    day: str = "20250310",
    time: str = "1630",
    control: int = 1,
    kind: str = "W",
    reason: str = "",
    acknowledgment: str = "0",
    terminator: str = "~",
    scac: str = "TSTC",
    port: str = "0901",
) -> bytes:
    """A 309 interchange; ``kind`` W, P, Y or 3. ``day`` and ``time`` are the planned arrival in the port's time."""
    listed = list(bills)
    count = str(sum(1 for b in listed if b.change != "D")) if kind in {"W", "P"} else ""
    body = [
        "ST*309*0001",
        f"M10*{scac}*J*CA**TRUCK***{count}*{kind}***{trip}*00***{reason}".rstrip("*"),
        "VEH*1*1M8GDM9AXKP042788*******AB1234*ON*******CA",
        "NM1*Z1*1*TESTWELL*MARIE",
        "DMG*D8*19840517*F****CA",
        "REF*5K*T62358400517",
        f"P4*{port}*{day}***{time}",
    ]
    if kind in {"Y", "3"}:
        body = [s for s in body if not s.startswith(("VEH", "NM1", "DMG", "REF"))]
    for place, bill in enumerate(listed, 1):
        body += _bill(place, bill, port)
    if not listed:
        body.append("LX*1")
    body.append(f"SE*{len(body) + 1}*0001")
    isa = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'XGTW':15}*ZZ*{'CBP-ACE-TEST':15}*{day[2:]}*0905*^*00502*{control:09d}"
        f"*{acknowledgment}*T*>"
    )
    lines = [isa, f"GS*AQ*XGTW*CBP-ACE-TEST*{day}*0905*{control}*X*005020", *body, f"GE*1*{control}"]
    return terminator.join([*lines, f"IEA*1*{control:09d}", ""]).encode("ascii")


def _bill(place: int, bill: SampleBill, port: str) -> list[str]:
    rows = [f"LX*{place}"]
    if bill.change:
        quantity = bill.quantity if bill.change == "R" else ""
        action = {"A": "1", "R": "2", "D": "3"}.get(bill.change, "")
        rows.append(
            f"M13*{bill.scac}*{port}*{bill.change}*{bill.number}*{quantity}*{bill.reason}*{action}**{bill.scac}"
        )
        if bill.change == "D":
            return rows
    return [
        *rows,
        f"M11*{bill.number}*FORT ERIE ON*{bill.quantity}*BOX*2*K***{bill.kind}*FORT ERIE ON**{bill.scac}",
        "N1*SH*SAMPLE SHOP LTD",
        "N3*1 EXAMPLE ST",
        "N4*TORONTO*ON*M5H 1A1*CA",
        f"N1*CN*{bill.consignee}",
        f"N3*{bill.street}",
        f"N4*BUFFALO*{bill.state}*14201*US",
        *([f"M12*61*{bill.in_bond}*3801**0045**TSTC"] if bill.in_bond else []),
        "VID*TL**T53012*SEAL0001******L****AT9921*ON*CA",
        f"N10*1*COTTON T-SHIRTS KNIT****{bill.value}*K*2**BOX*{bill.origin}",
    ]


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """One cargo release transaction for one bill.

    ``references``: further SE20 as qualifier and text (``EN XYZ…``); ``agency_records``: OI and PG records under its
    one tariff number; ``in_bond``: number of an SE15 before the bill's.
    """

    sequence: str
    bill: str
    type: str = "11"
    action: str = "A"
    value: int = 45
    consignee: str = "PAT TESTWELL"
    street: str = "12 SAMPLE AVE"
    origin: str = "CA"
    scac: str = "TSTC"
    reason: str = ""
    eda: tuple[str, ...] = ("031025",)
    quantity: int = 1
    port: str = "0901"
    in_bond: str = ""
    references: tuple[str, ...] = ()
    agency_records: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """Eleven characters."""
        return "XYZ" + self.sequence + check_digit("XYZ", self.sequence)


def entries_se(
    entries: Iterable[SampleEntry], *, day: date = date(2025, 3, 10), reference: str = "REF-000001", end: str = "\n"
) -> bytes:
    """An SE batch of one block; ``reference`` is the user text of A and B."""
    sent = f"{day:%m%d%y}"
    lines = [
        f"A0901XYZPASSWD{sent}     SE{'':32}{reference:21}",
        f"B  0901XYZSE{'':47}{reference:21}",
    ]
    for entry in entries:
        lines += _entry(entry)
    lines += ["Y  0901XYZSE", f"Z0901XYZ      {sent}"]
    return end.join([f"{line:80}" for line in lines] + [""]).encode("ascii")


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """One WR1: an entry of the filer (``entry``: eight characters), a bill, an in-bond or an air waybill. ``limit``
    says how much is wanted: blank, 1 or 2.
    """

    entry: str = ""
    filer: str = ""
    bill: str = ""
    issuer: str = ""
    in_bond: str = ""
    air_waybill: str = ""
    house: str = ""
    with_bills: str = ""
    limit: str = "2"

    @property
    def record(self) -> str:
        """80 columns."""
        filer = self.filer or ("XYZ" if self.entry else "")
        return (
            f"WR1    {filer:3}{self.entry:>9}{self.in_bond:12}{self.issuer:4}{self.bill:12}"
            f"{self.air_waybill:11}{self.house:12} {self.with_bills:1}{self.limit:1}"
        ).ljust(80)


def queries_cq(
    queries: Iterable[SampleQuery], *, day: date = date(2025, 3, 10), reference: str = "ASK-000001", filer: str = "XYZ"
) -> bytes:
    """A CQ batch of one block; ``reference`` is the user text of A and B."""
    sent = f"{day:%m%d%y}"
    lines = [
        f"A0901{filer}PASSWD{sent}     CQ{'':32}{reference:21}",
        f"B  0901{filer}CQ{'':47}{reference:21}",
        *(one.record for one in queries),
        f"Y  0901{filer}CQ",
        f"Z0901{filer}      {sent}",
    ]
    return "".join(f"{line:80}\n" for line in lines).encode("ascii")


def _entry(entry: SampleEntry) -> list[str]:
    importer = " " * 15 if entry.type == "86" else "EI 12-3456789  "
    bond = "0" if entry.type in {"86", "11"} else "8"
    head = f"SE10{entry.action}XYZ  {entry.number[3:]} {entry.type}{importer}30{bond}{entry.value:010d}{entry.port}"
    has_document = any(one.startswith("DIS") for one in entry.references)
    contact = f"SE13{'JANE BROKER':40}{'3135550100':15}{entry.reason:2} {'1' if has_document else ''}"
    named = [f"SE20{one}" for one in entry.references]
    if entry.action == "D":
        return [head, contact, *named]
    goods = [
        f"SE40001{entry.origin} COTTON T-SHIRTS KNIT",
        f"SE606109100012{entry.value:010d}",
        *entry.agency_records,
    ]
    bills = [f"SE15I    {entry.in_bond:50}{'':13}N"] if entry.in_bond else []
    bills.append(f"SE15R{entry.scac}{entry.bill:50}{entry.quantity:08d}     N")
    if entry.action == "U":
        return [head, contact, *bills]
    parties = [*_party("CN", entry.consignee, entry.street, "BUFFALO", "NY", "14201", "US")]
    parties += _party("SE", "SAMPLE SHOP LTD", "1 EXAMPLE ST", "TORONTO", "ON", "M5H1A1", "CA")
    if entry.type != "86":
        parties += _party("MF", "SAMPLE SHOP LTD", "1 EXAMPLE ST", "TORONTO", "ON", "M5H1A1", "CA")
    references = [f"SE20CR {entry.sequence}", *named]
    if entry.type == "86":
        references += [f"SE20EDA{one}" for one in entry.eda]
    return [head, contact, *bills, *references, *parties, *goods]


def _party(code: str, name: str, street: str, city: str, region: str, postal: str, country: str) -> list[str]:
    return [f"SE30{code:3}{name:35}", f"SE3515{street:35}", f"SE36{city:35}{region:3}{'':6}{postal:15}{country}"]


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """One entry summary of one line: ``type`` 11 (informal) or 01 with its bond. Money in cents, ``value`` in whole
    dollars; ``fee`` is the informal fee or, on type 01, the processing fee of the line and of the summary.
    """

    sequence: str
    type: str = "11"
    action: str = "A"
    port: str = "0901"
    reference: str = "JOB1"
    bill: str = ""
    value: int = 200
    duty: int = 3300
    fee: tuple[int, int] = (262, 262)
    origin: str = "PT"
    payment: str = "2"
    print_date: str = "031725"
    day: str = "031025"

    @property
    def number(self) -> str:
        """Eleven characters."""
        return "XYZ" + self.sequence + check_digit("XYZ", self.sequence)


def summaries_ae(
    summaries: Iterable[SampleSummary], *, day: date = date(2025, 3, 10), reference: str = "REF-000001", end: str = "\n"
) -> bytes:
    """An AE batch of one block."""
    sent = f"{day:%m%d%y}"
    lines = [columns("A", (2, f"0901XYZPASSWD{sent}"), (26, "AE"), (60, reference))]
    lines.append(columns("B", (4, "0901XYZAE"), (60, reference)))
    for summary in summaries:
        lines += _summary(summary)
    lines += [columns("Y", (4, "0901XYZAE")), columns("Z", (2, "0901XYZ"), (15, sent))]
    return end.join([*lines, ""]).encode("ascii")


def _summary(one: SampleSummary) -> list[str]:
    head = [(3, f"{one.action}XYZ"), (9, one.number[3:]), (18, one.port), (34, one.type)]
    if one.action == "D":
        return [columns("10", *head)]
    formal = one.type != "11"
    head += [(22, one.reference), (36, "30"), (39, "X"), (51, one.payment), (52, one.print_date)]
    who = [(3, "12-3456789"), (15, "12-3456789"), (42, one.day), (48, one.day), (61, "NY")]
    goods = [(3, "6109100012"), (14, f"{one.duty:010d}"), (25, f"{one.value:010d}"), (36, f"{200:012d}"), (48, "DOZ")]
    line = [(5, "001"), (9, one.origin), (11, one.origin if formal else "CA"), (13, one.day), (56, "N")]
    line += [(27, f"{150 if formal else 0:010d}"), (42, f"{3:010d}")]
    fee = "499" if formal else "311"
    records = [columns("10", *head), columns("11", *who)]
    if one.bill:
        records += [columns("22", (3, "00000001PCS")), columns("23", (3, f"MTSTC{one.bill}"))]
    records += [columns("31", (3, "8B 123"))] if formal else [columns("34", (3, f"{fee}{one.fee[0]:08d}"))]
    records += [columns("40", *line), columns("44", (3, "COTTON T-SHIRTS KNITTED"))]
    records.append(columns("47", (3, "MPTMALEXA10LIS")))
    if formal:
        records.append(columns("47", (3, "S12-3456789")))
    records.append(columns("50", *goods))
    if formal:
        records.append(columns("62", (3, f"{fee}{one.fee[0]:08d}")))
    totals = [one.duty, one.fee[1], 0, 0, 0, 0]
    records.append(columns("89", (3, f"{fee}{one.fee[1]:011d}")))
    records.append(columns("90", *((3 + 12 * place, f"{cents:011d}") for place, cents in enumerate(totals))))
    return records
