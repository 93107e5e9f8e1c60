"""CATAIR: CBP's fixed 80-column records for cargo release, as tables and one codec.

Public names, by the question they answer::

    RECORDS, RecordDef, FieldDef     what does each record look like?          (layouts)
    Record, Value, rec               one record as values                      (records)
    write_record, read_record        one record ⇄ 80 columns                   (records)
    write_batch, BlockSpec           transactions → the bytes of a batch       (writing)
    write_rejection                  the batch with which CBP refuses a batch  (writing)
    read_batches                     any bytes → batches and problems          (reading)
    stream, CatairStream             a source of any size, record by record    (reading)
    MAX_PROBLEMS, MAX_TRANSACTION    where does reading stop, or stop holding? (problems, engine)
    CatairFile, Batch, Block, Transaction, PlacedRecord
                                     what a file that was read holds           (frames)
    PlacedProblem                    a fault with record number and column     (problems)
    applications, Application        what may a batch carry?                   (applications)
    usage_maps, UsageMap             which records, in which order, how often? (usage)
    code_lists, look_up, code_text, Code, CodeList
                                     what does a code mean, who says so?       (codes)
    annotate, inspect_document       a file for people                         (describe)

A first look::

    >>> from schemas.catair import rec, write_record, read_record
    >>> line = write_record(rec("SE60", hts_number="7324100010", line_item_value=12500))
    >>> line[:24]
    b'SE6073241000100000012500'
    >>> read_record(line, "SE60")[0].values["line_item_value"]
    12500

Sources are CBP's own chapters; each table names document, version and section. What was not read in
one of them is marked where it stands. Nothing here has been certified by CBP.
"""

from __future__ import annotations

from schemas.catair.applications import Application, applications
from schemas.catair.codes import Code, CodeList, code_lists, code_text, look_up
from schemas.catair.describe import annotate, inspect_document
from schemas.catair.frames import Batch, Block, CatairFile, PlacedRecord, Transaction
from schemas.catair.layouts import RECORDS, FieldDef, RecordDef
from schemas.catair.problems import PlacedProblem
from schemas.catair.reading import MAX_PROBLEMS, MAX_TRANSACTION, CatairStream, read_batches, stream
from schemas.catair.records import Record, Value, read_record, rec, write_record
from schemas.catair.usage import UsageMap, usage_maps
from schemas.catair.writing import BlockSpec, write_batch, write_rejection

__all__ = [
    "MAX_PROBLEMS",
    "MAX_TRANSACTION",
    "RECORDS",
    "Application",
    "Batch",
    "Block",
    "BlockSpec",
    "CatairFile",
    "CatairStream",
    "Code",
    "CodeList",
    "FieldDef",
    "PlacedProblem",
    "PlacedRecord",
    "Record",
    "RecordDef",
    "Transaction",
    "UsageMap",
    "Value",
    "annotate",
    "applications",
    "code_lists",
    "code_text",
    "inspect_document",
    "look_up",
    "read_batches",
    "read_record",
    "rec",
    "stream",
    "usage_maps",
    "write_batch",
    "write_record",
    "write_rejection",
]
