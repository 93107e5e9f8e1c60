"""What are the deciding parts told of the settings?"""

from __future__ import annotations

from datetime import timedelta

from filings.context import FilingContext, Limits, SenderIdentity
from filings.patience import RetryPatience
from gateway.rule_book import load_book
from gateway.settings import Settings
from mappings.entry import FilerIdentity
from schemas.profile import load_profile


def context_of(settings: Settings) -> FilingContext:
    """What the deciding parts are told, from settings."""
    filer, carrier, limits = settings.filer, settings.carrier, settings.limits
    return FilingContext(
        profile=load_profile(settings.profile),
        rules=load_book(settings),
        filer=FilerIdentity(
            code=filer.code,
            port=filer.port,
            contact_name=filer.contact_name,
            contact_phone=filer.contact_phone,
            office=filer.office,
            bond_type=filer.bond_type,
            default_importer=filer.default_importer,
        ),
        sender=SenderIdentity(
            sender_qualifier=carrier.sender_qualifier,
            sender_id=carrier.sender,
            receiver_qualifier=carrier.receiver_qualifier,
            receiver_id=carrier.receiver_id,
            site=filer.site,
            password=filer.password.get_secret_value(),
            usage=settings.usage,
        ),
        partner=settings.partner_name,
        channel=settings.partner.transport,
        limits=Limits(
            bills_per_manifest=limits.bills_per_manifest,
            entries_per_transmission=limits.entries_per_transmission,
            shipments_per_step=limits.shipments_per_step,
        ),
        retries=RetryPatience(
            first=timedelta(minutes=settings.retries.first_minutes),
            longest=timedelta(minutes=settings.retries.longest_minutes),
            give_up=timedelta(minutes=settings.retries.give_up_minutes),
        ),
    )
