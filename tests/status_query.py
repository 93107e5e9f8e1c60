"""What CBP answers to a status query, made by hand from the columns of the query chapter (v21): C1 for a CQ batch."""

from __future__ import annotations


def reply(query: bytes, *records: str) -> bytes:
    """These records in the envelope of an answer to the query."""
    lines = query.decode().splitlines()
    head, site, tail = lines[0], lines[1], lines[-1]
    out = [f"{head[:8]}{'':6}{head[14:25]}C1{head[27:]}", f"{site[:10]}C1{site[12:]}", *records]
    out += [f"Y  {site[3:10]}C1{len(records):05d}", f"Z{head[1:8]}{'':6}{tail[14:20]}"]
    return "".join(f"{line:80}\n" for line in out).encode()


def asked_for(query: bytes) -> list[str]:
    """The entries of a query, eleven characters each (WR1 8-10 and 11-19, right justified)."""
    lines = query.decode().splitlines()
    return [line[7:10] + line[10:19].strip() for line in lines if line.startswith("WR1")]


def wr0(entry: str, code: str = "950", text: str = "ENTRY RECORD NOT FOUND") -> str:
    """An error: filer 4-6, number right justified in 7-15, code 30-32, text 33-72."""
    return f"WR0{entry[:3]}{entry[3:]:>9}{'':14}{code}{text:40}"


def wo10(entry: str, kind: str, port: str = "0901") -> str:
    """An entry that is on file: port 5-8, filer 9-11, number 14-21, type 23-24."""
    return f"WO10{port}{entry[:3]}  {entry[3:]} {kind}"


def wo60(code: str, text: str, at: str = "0310251405") -> str:
    """A release processing result: date and time MMDDYYHHMM in 5-14, code 15-16, text 17-56."""
    return f"WO60{at}{code}{text:40}"
