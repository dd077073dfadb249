from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from local.errors import LocalError
from local.samples import EVENTS, read_sample
from local.story import sending, take
from local.witness import Witness

if TYPE_CHECKING:
    from local.deployment import Deployment
    from local.story import Row

pytestmark = pytest.mark.local_cloud


def test_every_promise_of_the_story_is_kept_where_iam_roles_are_enforced(rows: list[Row]) -> None:
    assert [row for row in rows if not row.kept] == []


def test_the_story_tells_of_every_kind_of_event(rows: list[Row]) -> None:
    assert [row.title for row in rows] == [
        "purchase A-1001",
        "the same purchase again",
        "signup C-2001",
        "large purchase A-1002",
        "refund of A-1002",
        "large purchase A-1003",
        "cancellation of A-1003",
        "signup C-2002",
        "unsubscription of C-2002",
        "signup C-2003",
        "erasure of C-2003",
        "panel's purchase A-1010",
        "panel's A-1011, who left",
        "an event of no known kind",
        "30 days later",
        "once more, 30 days later",
        "what had ended",
    ]


@pytest.mark.usefixtures("rows")
def test_an_event_that_was_sent_before_is_told_from_a_new_one(deployment: Deployment) -> None:
    witness = Witness(deployment)
    sample = read_sample(EVENTS / "purchase.json", datetime.now(UTC)) | {"order_id": "A-2001"}
    first, second = (take(sending(deployment, witness, "purchase", sample)) for _ in range(2))
    assert fnmatchcase(first.seen.decided, "after-purchase: sent")
    assert fnmatchcase(first.seen.answered, "invitation *: *, 1 recipient")
    assert second.seen.decided == "nothing new\nafter-purchase: sent"


@pytest.mark.usefixtures("rows")
def test_what_no_campaign_wants_leads_to_no_invitation(deployment: Deployment) -> None:
    sample = read_sample(EVENTS / "purchase.json", datetime.now(UTC))
    other = sample | {"order_id": "A-2002", "shop": "another"}
    row = take(sending(deployment, Witness(deployment), "purchase", other))
    assert row.seen.decided == "nothing new\nno invitation"


@pytest.mark.usefixtures("rows")
def test_each_dead_letter_is_told_from_the_others(deployment: Deployment) -> None:
    sample = read_sample(EVENTS / "purchase.json", datetime.now(UTC)) | {"version": 2}
    row = take(sending(deployment, Witness(deployment), "purchase", sample))
    assert row.seen.decided == "dead letter: unknown_version"


@pytest.mark.usefixtures("rows")
def test_a_client_that_follows_the_next_page_stays_at_the_address_that_it_knows(
    deployment: Deployment,
) -> None:
    sample = read_sample(EVENTS / "purchase.json", datetime.now(UTC)) | {"order_id": "A-2003"}
    take(sending(deployment, Witness(deployment), "purchase", sample))
    first = deployment.provider().invitations(1, per_page=1)
    base = f"{deployment.service_url}/api/v2/nps/surveys/1/invitations"
    assert first["next_page"].startswith(f"{base}?")


# The last one, for it breaks what the others need.
def test_a_function_without_its_policy_is_refused(deployment: Deployment) -> None:
    """Else the roles would not be enforced, and the story would prove nothing about them."""
    iam = deployment.cloud.client("iam")
    roles = iam.list_roles()["Roles"]
    role = next(role["RoleName"] for role in roles if "SendDueInvitationsRole" in role["RoleName"])
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    with pytest.raises(LocalError, match="send_due_invitations failed"):
        deployment.send_due(datetime.now(UTC))
