"""From a client's call to the recipient's mailbox, in the deployed stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.postbox import arrived
from local.waiting import wait_until

if TYPE_CHECKING:
    from local.deployment import Deployment
    from tests.conformance.conftest import Site
    from tests.support.clients import Client

PEOPLE = {"zuzana@example.com": "cs", "greta@example.com": "de", "peter@example.com": "en-US"}


@pytest.mark.local_cloud
@pytest.mark.parametrize("site", ["deployed"], indirect=True)
def test_whom_a_client_invites_gets_a_mail_in_their_language(
    site: Site, node_zendesk: Client, deployment: Deployment
) -> None:
    survey = site.new_survey("The shop")
    people = [
        {"email": email, "name": email.partition("@")[0], "language": language}
        for email, language in PEOPLE.items()
    ]
    data = {"invitation": {"recipients": people}}

    number = node_zendesk.call("invitations.create", {"surveyId": survey, "data": data})[
        "invitation"
    ]["id"]

    def shown() -> dict[str, object]:
        place = {"surveyId": survey, "invitationId": number}
        invitation: dict[str, object] = node_zendesk.call("invitations.show", place)["invitation"]
        return invitation

    assert wait_until(lambda: shown()["status"] == "delivered", seconds=120)
    assert shown()["recipients_count"] == len(PEOPLE)
    assert shown()["delivered_at"]
    assert deployment.cloud.mail
    mails = arrived(deployment.cloud.mail.folder)
    spoken = {
        each.message["To"].addresses[0].addr_spec: each.message["Content-Language"]
        for each in mails
    }
    assert spoken.items() >= {email: tag[:2] for email, tag in PEOPLE.items()}.items()
