"""What do the made-up web shops sell, and to whom? Plainly fictional people, shops and stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Article:
    """One stock item: HTS number and unit are plausible, not legal advice."""

    sku: str
    description: str
    hts: str
    unit: str
    origins: tuple[str, ...]
    lowest: int
    highest: int
    weight: float
    pga: tuple[dict[str, str], ...] = ()


ORDINARY: Final = (
    Article("TEE", "Cotton T-shirts, knitted", "6109100012", "DOZ", ("CA", "CA", "BD", "VN"), 18, 60, 0.3),
    Article("JMP", "Wool jumpers, knitted", "6110110070", "DOZ", ("CA", "PT", "IT"), 60, 180, 0.7),
    Article("MUG", "Ceramic coffee mugs, stoneware", "6912004400", "DOZ", ("CA", "PT", "CN"), 12, 48, 0.9),
    Article("BRK", "Plastic toy building bricks", "9503000073", "X", ("CA", "MX", "CN"), 20, 140, 1.1),
    Article("LMP", "LED torches, portable", "8513104000", "NO", ("CN", "CA"), 9, 55, 0.4),
    Article("POT", "Stainless steel cooking pots", "7323930080", "NO", ("IT", "KR", "CN"), 45, 220, 2.4),
    Article("SPK", "Bluetooth loudspeakers, portable", "8518220000", "NO", ("VN", "CN"), 35, 190, 0.8),
    Article("BLT", "Leather belts", "4203300000", "NO", ("CA", "IT"), 25, 90, 0.3),
    Article("SCF", "Silk scarves, hand printed", "6214101000", "DOZ", ("CA", "IT"), 40, 160, 0.1),
    Article("TNT", "Camping tents of synthetic fibres", "6306220030", "NO", ("CA", "VN"), 120, 420, 3.8),
    Article("CUT", "Maple cutting boards", "4419110000", "X", ("CA", "CA", "US"), 22, 95, 1.6),
)
COSMETICS: Final = Article(
    "CRM",
    "Face cream, moisturising, jars",
    "3304995000",
    "KG",
    ("CA", "CA", "KR"),
    14,
    70,
    0.2,
    ({"agency": "FDA", "program": "COS"},),
)
SUPPLEMENTS: Final = Article(
    "VIT",
    "Dietary supplement capsules, vitamin D3",
    "2106909998",
    "KG",
    ("CA", "US"),
    12,
    60,
    0.2,
    ({"agency": "FDA", "program": "FOO"},),
)
BEER: Final = Article("ALE", "Beer made from malt, bottles", "2203000030", "L", ("CA",), 18, 60, 3.1)
BOOKS: Final = Article("BKS", "Printed paperback books", "4901990093", "NO", ("CA", "US"), 10, 40, 0.5)
HONEY: Final = Article(
    "HNY", "Natural honey, jars", "0409000005", "KG", ("AR", "CA"), 12, 40, 0.6, ({"agency": "FDA", "program": "FOO"},)
)
PUMP: Final = Article(
    "PMP", "Centrifugal pumps for garden irrigation", "8413702022", "NO", ("CA", "IT"), 900, 3900, 14.0
)
HONEY_CASE: Final = "A357812000"
"""Made up in the form of an antidumping case number."""

SHOPS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Northern Sample Co",
        "lines": ["101 Rue Exemple"],
        "city": "Montréal",
        "region": "QC",
        "postal_code": "H2X 1Y4",
        "number": "12-7000001",
    },
    {
        "name": "Fictional Goods Ltd",
        "lines": ["20 Placeholder St"],
        "city": "Toronto",
        "region": "ON",
        "postal_code": "M5V 2T6",
        "number": "12-7000002",
    },
    {
        "name": "Atelier Échantillon Inc",
        "lines": ["7 Av du Modèle"],
        "city": "Québec",
        "region": "QC",
        "postal_code": "G1R 4S9",
        "number": "12-7000003",
    },
    {
        "name": "Prairie Testware Corp",
        "lines": ["300 Demo Dr", "Unit 12"],
        "city": "Winnipeg",
        "region": "MB",
        "postal_code": "R3C 0V1",
        "number": "12-7000004",
    },
    {
        "name": "Harbour Mock & Daughters",
        "lines": ["5 Specimen Quay"],
        "city": "Halifax",
        "region": "NS",
        "postal_code": "B3J 1S9",
        "number": "12-7000005",
    },
)

GIVEN: Final = (
    *"Ada Basil Clio Dara Emil Fern Gaël Hedda Ines Jory Kaïa Linus Mirela".split(),
    *"Niko Oona Petr Quill Renée Sunniva Tove Ulla Veit Wren Ximena Yann Zoë".split(),
)
FAMILY: Final = (
    *"Testwell Samplesson Mockford Fixturer Specimann Placeholt".split(),
    *"Dummeray Exemplar Protoface Demoson Stubbins Fauxley".split(),
)
STREETS: Final = tuple("Example Sample Mockingbird Placeholder Fixture Specimen Pretend Demo".split())
TOWNS: Final = (
    ("Buffalo", "NY", "14201"), ("Erie", "PA", "16501"), ("Cleveland", "OH", "44101"), ("Detroit", "MI", "48201"),
    ("Albany", "NY", "12207"), ("Hartford", "CT", "06103"), ("Boston", "MA", "02108"), ("Newark", "NJ", "07102"),
    ("Austin", "TX", "78701"), ("Denver", "CO", "80202"), ("Seattle", "WA", "98101"), ("Honolulu", "HI", "96813"),
    ("Anchorage", "AK", "99501"), ("San Juan", "PR", "00901"), ("Miami", "FL", "33101"), ("Chicago", "IL", "60601"),
)  # fmt: skip
