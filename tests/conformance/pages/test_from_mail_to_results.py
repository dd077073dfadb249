"""The whole way, as it is deployed: invited by a call, mailed, answered in a browser, counted."""

from __future__ import annotations

import email.policy
import re
from typing import TYPE_CHECKING, Any

import pytest
import requests
from playwright.sync_api import expect

from invitation_service.texts.catalogue import texts_in
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from local.deployment import Deployment

    type Open = Callable[..., Any]

pytestmark = pytest.mark.local_cloud

ADMIN = ("admin@example.com/token", "token-1")
SAY = texts_in("cs").say
_SECONDS_TO_MAIL = 120


class Deployed:
    """The deployed service, and the mails that it sends."""

    def __init__(self, deployment: Deployment) -> None:
        assert deployment.cloud.mail
        self._url = deployment.service_url
        self._folder = deployment.cloud.mail.folder

    def url(self, path: str) -> str:
        return f"{self._url}{path}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        url = self.url(f"/api/v2/{path}")
        answer = requests.request(method, url, json=body, auth=ADMIN, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def survey(self) -> int:
        survey = {"name": "Po nákupu"}
        made: int = self.call("POST", "nps/surveys", {"survey": survey})["survey"]["id"]
        settings = {"subject": "Lípa", "highlight_color": "#0f766e"}
        self.call("PUT", f"nps/surveys/{made}", {"survey": settings})
        return made

    def invite(self, survey: int, address: str) -> int:
        recipient = {"email": address, "name": "Jana", "language": "cs"}
        body = {"invitation": {"recipients": [recipient]}}
        path = f"nps/surveys/{survey}/invitations"
        made: int = self.call("POST", path, body)["invitation"]["id"]
        return made

    def mail_to(self, address: str) -> EmailMessage:
        found: list[EmailMessage] = []

        def look() -> bool:
            files = [file.read_bytes() for file in self._folder.glob("new/*")]
            mails = [email.message_from_bytes(each, policy=email.policy.default) for each in files]
            found[:] = [each for each in mails if address in str(each["To"])]
            return bool(found)

        assert wait_until(look, seconds=_SECONDS_TO_MAIL)
        return found[0]


@pytest.fixture
def deployed(deployment: Deployment) -> Deployed:
    return Deployed(deployment)


def test_a_mail_is_answered_and_the_answer_is_counted(deployed: Deployed, window: Open) -> None:
    survey = deployed.survey()
    deployed.invite(survey, "jana@example.com")
    html = deployed.mail_to("jana@example.com").get_body(("html",))
    assert html
    seen = window(
        viewport={"width": 375, "height": 812},
        http_credentials={"username": ADMIN[0], "password": ADMIN[1]},
    )

    seen.page.set_content(html.get_content())
    seen.look("1-mail")
    with seen.page.expect_navigation():
        seen.page.locator("a[href*='score=9']").first.click()
    seen.look("2-asked")
    expect(seen.page.locator("header")).to_have_text("Lípa")
    seen.page.locator("textarea").fill("Rychlé a milé")
    seen.page.get_by_role("button", name=SAY("page.send")).click()
    expect(seen.heading).to_have_text(SAY("thanks.heading"))

    [response] = deployed.call("GET", f"nps/surveys/{survey}/responses")["responses"]
    assert (response["rating"], response["comment"]) == (9, "Rychlé a milé")
    assert deployed.call("GET", f"ours/surveys/{survey}/nps")["nps"]["score"] == 100
    page = seen.open(deployed.url(f"/results/{survey}"))
    expect(page.locator(".number")).to_have_text("+100")
    expect(page.locator("blockquote")).to_have_text("Rychlé a milé")


def test_a_mail_program_unsubscribes_in_one_click_and_no_mail_follows(deployed: Deployed) -> None:
    survey = deployed.survey()
    deployed.invite(survey, "petr@example.com")
    mail = deployed.mail_to("petr@example.com")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [link] = re.findall(r"<(http[^>]+)>", mail["List-Unsubscribe"])

    answer = requests.post(
        link, data={"List-Unsubscribe": "One-Click"}, timeout=60, allow_redirects=False
    )
    assert answer.status_code == 200

    other = deployed.survey()
    again = f"nps/surveys/{other}/invitations/{deployed.invite(other, 'petr@example.com')}"

    def nobody_was_left() -> bool:
        status: str = deployed.call("GET", again)["invitation"]["status"]
        return status == "zero_recipients"

    assert wait_until(nobody_was_left, seconds=_SECONDS_TO_MAIL)
