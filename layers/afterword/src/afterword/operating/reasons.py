"""What the ledger's reasons mean, in plain words."""

from __future__ import annotations

from afterword.deciding.rules import Reason
from afterword.sending.batches import KILLED, RESENT

_ENDED = {
    Reason.TOO_OLD: "the event came over 90 days late, or happened before the campaign starts",
    Reason.REFUNDED: "the order was refunded",
    Reason.PARTIALLY_REFUNDED: "a part of the order was refunded, and the campaign ends it then",
    Reason.CANCELLED: "the order or the account was cancelled",
    Reason.UNSUBSCRIBED: "the customer does not want to be asked",
    Reason.ERASED: "the customer's data was to be removed",
    Reason.EXPIRED: "its time was over before it could go out",
    Reason.CAPPED: "the customer was asked within the contact cap's period",
    Reason.DRY_RUN: "the campaign only tries",
    Reason.NOT_ON_ALLOW_LIST: "the campaign asks only those on its list",
    Reason.REFUSED: "the provider refused this recipient",
    Reason.PROVIDER_DROPPED: "the provider took the call and then invited nobody",
    Reason.NO_TOKEN: "nobody knows the customer's token",
    Reason.TOKEN_NOT_FOUND: "the provider has no respondent with this token any more",
    Reason.RESPONDENT_NOT_FOUND: "the respondent does not want to be asked",
    Reason.CAMPAIGN_CHANGED: "the campaign now is for another shop or another kind of event",
    Reason.SENT_BY_OPERATOR: "it was held, and a person said that it had been sent",
    Reason.DROPPED_BY_OPERATOR: "a person dropped it",
}
_ON_THE_WAY = {
    KILLED: "the function died while it called the provider",
    RESENT: "a person said to send it again",
    "ambiguous_at_provider": "the survey has several invitations since, and nobody can say which is ours",
    "breaker_probing": "the provider is down, and one call at a time tries whether it is back",
    "broken_account": "the account or its secret could not be read for a day",
    "credentials": "the provider refused the account's secret",
    "failed_at_provider": "the provider took the call, and says that it failed",
    "lease_ran_out": "the run that had taken it ended before its call",
    "no_address": "the ledger has no address of the customer",
    "not_at_provider": "the provider does not have the call: nobody was asked",
    "not_called": "the run had no time left for a call, or nobody was left to ask",
    "paused": "a person has paused it",
    "provider_paused": "the provider is down, or said to wait",
    "quota": "the provider's quota is used up",
    "rate_budget": "the calls of this minute are used up",
    "replay_would_differ": "all in it left or were refunded since, it changed twice, or its campaign is gone",
    "restored": "the ledger was restored, and this may have gone out since",
    "still_being_sent": "the provider was still busy with the survey's last invitation",
    "survey_busy": "another call to the survey is under way",
    "survey_in_doubt": "what became of the survey's last call is being found out",
    "survey_paused": "the survey waits after an answer of the provider",
    "too_many_refused": "more than 5 % were refused, so that the survey must be at fault",
    "unanswered": "nobody could find out in time what became of the call",
}
WORDS = {**{reason.value: text for reason, text in _ENDED.items()}, **_ON_THE_WAY}


def in_words(reason: str | None) -> str:
    """Return a reason with what it means: `refunded: the order was refunded`; the provider's own word as it is."""
    if reason is None:
        return "no reason is noted"
    return f"{reason}: {WORDS[reason]}" if reason in WORDS else reason
