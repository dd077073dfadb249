"""What the webhooks about respondents do, free of HTTP.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-pridani-respondenta-do-databaze-prijemcu/
https://help.startquestion.com/en/articles/5813876
https://sprievodca.netquest.sk/api-dokumentace/pouziti-webhook-pro-odhlaseni-z-odberu-pozvanek-mailingu/
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from invitation_service.access.accounts import WebhookAccount
from invitation_service.directory.records import Respondent, is_token
from invitation_service.netquest.calls import AddCall, UnsubscribeCall, UpdateCall, read_call
from invitation_service.surveys.store import Store
from invitation_service.web.errors import WebhookError


class Respondents:
    """Keeps an account's respondents.

    Each webhook raises WebhookError if it does not do what it is asked for, and StoreBusyError if
    the caller should try again. All of them can be repeated.

    Args:
        store: Where everything is kept.
        now: Returns the time in UTC, in whole seconds.
        new_token: Makes a token that nobody can guess.
    """

    def __init__(
        self, store: Store, now: Callable[[], datetime], new_token: Callable[[], str]
    ) -> None:
        self._store = store
        self._now = now
        self._new_token = new_token

    def add(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> None:
        """`add-respondent`: know somebody without inviting them."""
        call = read_call(AddCall, parameters)
        self._look_for_survey(caller.account, call.id_survey)
        self.at(caller.account, call.email, call.labels)

    def update(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> None:
        """`update-respondent`: change the labels that come along. Its `id_respondent` is the token."""
        call = read_call(UpdateCall, parameters)
        self._look_for_survey(caller.account, call.id_survey)
        known = is_token(call.id_respondent)
        found = self._store.respondent(caller.account, call.id_respondent) if known else None
        if found is None:
            raise WebhookError("Respondents not found")
        self._label(caller.account, found, call.labels)

    def unsubscribe(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> None:
        """`unsubscribe`: never invite an address again, by any survey of the account."""
        call = read_call(UnsubscribeCall, parameters)
        self._store.set_unsubscribed(caller.account, call.email, unsubscribed=True)

    def at(self, account: str, email: str, labels: Mapping[str, str]) -> Respondent:
        """Return the respondent at an address, a new one if nobody is known there, with these labels."""
        new = Respondent(
            token=self._new_token(), email=email, labels=dict(labels), updated_at=self._now()
        )
        return self._label(account, self._store.add_respondent(account, new), labels)

    def _label(self, account: str, respondent: Respondent, labels: Mapping[str, str]) -> Respondent:
        wanted = {**respondent.labels, **labels}
        if wanted == respondent.labels:
            return respondent
        changed = respondent.model_copy(update={"labels": wanted, "updated_at": self._now()})
        self._store.put_respondent(account, changed)
        return changed

    def _look_for_survey(self, account: str, survey_id: int) -> None:
        if self._store.survey(account, survey_id) is None:
            raise WebhookError("Survey not found")
