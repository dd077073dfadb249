"""Who goes out together, and what their call says of them."""

from __future__ import annotations

from itertools import batched, groupby
from typing import TYPE_CHECKING

from afterword.deciding.rules import Reason
from afterword.remembering.records import Move, State
from afterword.sending.provider import Recipient, Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.records import Customer
    from afterword.sending.claiming import Candidate
    from afterword.sending.provider import Provider


def groups(candidates: Sequence[Candidate], most: int) -> Iterator[tuple[Candidate, ...]]:
    """Group candidates into batches: each customer once, none larger than a refusal has halved it to.

    Who stands there twice waits for the next run: a provider counts a repeated address once.
    """
    once: dict[str, Candidate] = {}
    for each in candidates:
        once.setdefault(each.customer.key, each)

    def limit_of(candidate: Candidate) -> int:
        return candidate.invitation.batch_limit or most

    for limit, group in groupby(sorted(once.values(), key=limit_of), key=limit_of):
        yield from batched(group, min(limit, most), strict=False)


def recipients(campaign: Campaign, customers: Collection[Customer]) -> list[Recipient]:
    """Return the people of a call. The same customers give the same call."""
    return [
        Recipient(each.email or "", each.name, each.language or campaign.language, each.token)
        for each in customers
    ]


def terms_of(campaign: Campaign) -> Terms:
    """Return what a campaign says of its calls."""
    waits = campaign.delay_held_by == "provider"
    return Terms(
        template=campaign.template,
        footer=campaign.footer,
        delay=int(campaign.delay.total_seconds()) // 60 if waits else 0,
        resends=campaign.when_uncertain == "resend",
    )


def keeps_address(campaign: Campaign, provider: Provider) -> bool:
    """Tell whether who is asked at once is remembered. Who is asked by token is: others may need it."""
    return campaign.keep_address == "always" or provider.one_by_one


def without_token(candidates: Sequence[Candidate]) -> list[Move]:
    """Return the end of those whom this provider can't name, where the campaign doesn't ask by e-mail."""
    return [
        Move(each.invitation, State.ENDED, reason=Reason.NO_TOKEN.value)
        for each in candidates
        if each.customer.token is None
    ]
