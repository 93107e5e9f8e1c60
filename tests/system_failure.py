"""What CBP answers to a file that its own system failed over, made by hand from the file: nothing of it is kept.

Cargo release: each transaction back with SE90 11, E90 ACE SYSTEM FAILURE, and 01 (CSMS 16-000935). Manifest: a 355 with
the text alone, since CBP has published no code for it on the truck side.
"""

from __future__ import annotations

from datetime import datetime

TEXT = "ACE SYSTEM FAILURE"


def failed_batch(sent: bytes, code: str = "E90", text: str = TEXT, *, only: str = "") -> bytes:
    """SX for every transaction of an SE batch; with ``only`` the others are accepted."""
    lines = sent.decode().splitlines()
    head, site, tail = lines[0], lines[1], lines[-1]
    out = [f"{head[:8]}{'':6}{head[14:25]}SX{head[27:]}", f"{site[:10]}SX{site[12:]}"]
    number = ""
    for line in [*lines[2:], "Y"]:
        if number and (line[:1] == "Y" or line.startswith("SE10")):
            out.append("SE9001   TRANSACTION REJECTED" if only in ("", number) else "SE9002   TRANSACTION ACCEPTED")
            number = ""
        if line.startswith("SE10"):
            number = line[5:18].replace(" ", "")
            out.append(line)
            if only in ("", number):
                out.append(f"SE9011{code:3}{text}")
        elif line.startswith("SE15"):
            out.append(line)
    out.append(f"{site[:1]}{'':2}{site[3:10]}SX{len(out) - 2:05d}".replace("B", "Y", 1))
    out.append(f"Z{head[1:8]}{'':6}{tail[14:20]}")
    return "".join(f"{line:80}\n" for line in out).encode()


def failed_manifest(sent: bytes, control: int, now: datetime, text: str = TEXT) -> bytes:
    """A 355 that refuses a 309 as a whole, under CBP's control number ``control``."""
    segments = [one.split("*") for one in sent.decode().split("~") if one]
    isa, m10 = segments[0], next(one for one in segments if one[0] == "M10")
    p4 = next(one for one in segments if one[0] == "P4")
    bills = sum(one[0] == "LX" for one in segments)
    number = f"{control:09d}"
    body = [
        ["ST", "355", "0001"],
        m10,
        ["K1", text],
        p4,
        ["K3", f"SHIPMENTS REJECTED {bills}, SHIPMENTS ACCEPTED 0 FOR COMPLETE MANIFEST"],
    ]
    out = [
        [*isa[:5], isa[7], isa[8], isa[5], isa[6], f"{now:%y%m%d}", f"{now:%H%M}", *isa[11:13], number, *isa[14:]],
        ["GS", "AZ", segments[1][3], segments[1][2], f"{now:%Y%m%d}", f"{now:%H%M}", str(control), "X", "005020"],
        *body,
        ["SE", str(len(body) + 1), "0001"],
        ["GE", "1", str(control)],
        ["IEA", "1", number],
    ]
    return ("~".join("*".join(one) for one in out) + "~").encode()
