"""What does the law ask about one shipment? Plain values, gathered once, without a judgement."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from schemas.shipment import ImporterOfRecord, PgaClaim, Shipment

_NOTHING: Final = Decimal(0)
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {}, False)
_GIVEN: Final = tuple(name for name in PgaClaim.model_fields if name not in ("agency", "program", "disclaimer"))
"""What a claim may carry besides what every claim says."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One agency claim of one line, with the place it stands in the shipment."""

    line: int
    path: str
    claim: PgaClaim

    def has(self, name: str) -> bool:
        """Whether the claim carries a value under ``name``."""
        return getattr(self.claim, name, None) not in _EMPTY

    @property
    def signature(self) -> tuple[object, ...]:
        """Everything that a rule can see of the claim: equal signatures get equal answers and equal sentences."""
        said = self.claim
        given = tuple([name for name in _GIVEN if getattr(said, name) not in _EMPTY])
        return (self.path, self.line, said.agency, said.program, said.disclaimer, given)


class Facts:
    """What the law asks about one shipment, gathered once: plain values, no judgement."""

    __slots__ = (
        "ad_cvd",
        "claims",
        "consolidated_value",
        "day_total",
        "entered_value",
        "fair_value",
        "hts",
        "importer",
        "in_lots",
        "lines",
        "origins",
        "quota",
        "seen",
        "shipment",
    )

    def __init__(self, shipment: Shipment, importer: ImporterOfRecord | None) -> None:
        self.shipment = shipment
        self.importer = importer
        self.lines = lines = shipment.lines
        if len(lines) == 1:
            line = lines[0]
            self.entered_value = line.value
            self.hts: tuple[str, ...] = (line.hts,)
            self.origins = {line.country_of_origin}
            self.ad_cvd = line.ad_cvd_case is not None
            self.quota = line.quota
        else:
            self.entered_value = shipment.entered_value
            self.hts = tuple([line.hts for line in lines])
            self.origins = {line.country_of_origin for line in lines}
            self.ad_cvd = any(line.ad_cvd_case is not None for line in lines)
            self.quota = any(line.quota for line in lines)
        stated = shipment.fair_retail_value
        self.fair_value: Decimal = self.entered_value if stated is None else stated
        self.claims: tuple[Claim, ...] = ()
        for index, line in enumerate(lines):
            if line.pga:
                self.claims += tuple(
                    Claim(line.line, f"lines[{index}].pga[{place}]", claim) for place, claim in enumerate(line.pga)
                )
        self.seen: tuple[object, ...] = self.hts
        """What the conditions on HTS numbers and agency claims can see: few combinations occur."""
        if self.claims:
            self.seen = (self.hts, *[claim.signature for claim in self.claims])
        self.consolidated_value: Decimal = _NOTHING
        """Entered value of all that goes to this person on the trip in several shipments; 0 for a single one."""
        self.in_lots = False
        """Whether other parcels of the same order go to the same person."""
        self.day_total = self.fair_value
        """What the person has been sent that Eastern day under the exemption, this shipment included."""

    @property
    def hts_complete(self) -> bool:
        """Whether every HTS number has its ten digits."""
        return all(len(hts) == 10 for hts in self.hts)

    def measure(self, name: str) -> Decimal:
        """The amount that a threshold measures."""
        if name == "person_day_total":
            return self.day_total
        return self.fair_value if name == "fair_value" else self.entered_value
