"""`afterword service surveys`, `templates`, `respondents` and `nps`, over HTTP with the service in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.app import app
from cli.service import desk
from tests.support.api_gateway import through_gateway
from tests.support.invitation_service import CREDENTIALS, Service
from tests.support.servers import refusing_port, reply, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from tests.support.servers import Server

NAME = "/afterword/test/invitation-service/credentials"
SHOP = ("--account", "shop")


@dataclass
class Desk:
    """An operator's desk, and a look behind the service's door."""

    service: Service
    server: Server

    def run(self, *words: str, typed: str | None = None, url: str | None = None) -> Result:
        where = ("service", "--stage", "test", "--url", url or self.server.url)
        return CliRunner().invoke(app, (*where, *words), input=typed)


@pytest.fixture
def at_desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    service = Service()
    with mock_aws(), serving(otherwise=through_gateway(service.api().answer)) as server:
        client = boto3.client("ssm")
        client.put_parameter(Name=NAME, Value=json.dumps(CREDENTIALS), Type="SecureString")
        clients: dict[str, Any] = {"ssm": client}
        monkeypatch.setattr(desk, "aws_client", clients.__getitem__)
        yield Desk(service, server)


def test_a_survey_gets_the_id_that_clients_carry(at_desk: Desk) -> None:
    result = at_desk.run("surveys", "put", "419349", *SHOP, "--name", "After a purchase")
    assert (result.exit_code, result.stdout) == (0, "Survey 419349 is there.\n")
    survey = at_desk.service.store.survey("shop", 419349)
    assert survey
    assert survey.name == "After a purchase"


def test_what_a_survey_says_is_changed(at_desk: Desk) -> None:
    result = at_desk.run(
        *("surveys", "put", "7", *SHOP, "--name", "Purchases"),
        *("--subject", "Bramble", "--intro", "Hello", "--color", "#112233"),
    )
    assert result.exit_code == 0
    survey = at_desk.service.store.survey("shop", 7)
    assert survey
    settings = survey.settings
    assert (settings.subject, settings.intro_text, settings.highlight_color) == (
        "Bramble",
        "Hello",
        "#112233",
    )


def test_surveys_are_listed(at_desk: Desk) -> None:
    at_desk.run("surveys", "put", "7", *SHOP, "--name", "Purchases")
    listed = json.loads(at_desk.run("surveys", "list", *SHOP, "--json").stdout)
    assert listed == [{"id": 7, "name": "Purchases", "status": "open"}]
    assert "Purchases" in at_desk.run("surveys", "list", *SHOP).stdout


def test_more_surveys_than_a_page_holds_are_listed(at_desk: Desk) -> None:
    for number in range(101):
        at_desk.service.store.add_survey("shop", f"Survey {number}", at_desk.service.now)

    listed = json.loads(at_desk.run("surveys", "list", *SHOP, "--json").stdout)
    assert [each["id"] for each in listed] == list(range(101, 0, -1))


def test_a_survey_is_closed_when_asked(at_desk: Desk) -> None:
    at_desk.run("surveys", "put", "7", *SHOP, "--name", "Purchases")
    assert at_desk.run("surveys", "close", "7", *SHOP, typed="n\n").exit_code == 1
    result = at_desk.run("surveys", "close", "7", *SHOP, typed="y\n")
    assert result.exit_code == 0
    survey = at_desk.service.store.survey("shop", 7)
    assert survey
    assert survey.status == "closed"
    again = at_desk.run("surveys", "close", "8", *SHOP, "--yes")
    assert again.exit_code == 1
    assert "Not found" in again.stderr


def test_a_template_comes_from_a_file(at_desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "template.txt"
    file.write_text("Dobrý den, [LINK]\n", encoding="utf-8")
    result = at_desk.run("templates", "put", "1833", str(file), *SHOP, "--subject", "Hello")
    assert result.exit_code == 0
    template = at_desk.service.store.template("shop", 1833)
    assert template
    assert (template.subject, template.text) == ("Hello", "Dobrý den, [LINK]\n")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff", "UnicodeDecodeError"), (None, "FileNotFoundError"), (b" \n", "text: ")],
)
def test_a_file_that_is_no_template_is_refused(
    at_desk: Desk, tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "template.txt"
    if content is not None:
        file.write_bytes(content)
    result = at_desk.run("templates", "put", "1833", str(file), *SHOP, "--subject", "Hello")
    assert result.exit_code == 1
    assert why in result.stderr
    assert at_desk.service.store.template("shop", 1833) is None


def test_respondents_are_imported_and_refused_lines_told(at_desk: Desk, tmp_path: Path) -> None:
    file, report = tmp_path / "people.csv", tmp_path / "refused.csv"
    file.write_text(
        "token,email,language,unsubscribed,l1,l15\n"
        "81a2B7,jane@example.com,cs,,Jane,VIP\n"
        "92b3C8,petra@example.com,,yes,,\n"
        "bad token,planted-1@example.com,,,,\n"
        "T-4,planted-2@,,,,\n"
        "81a2B7,planted-3@example.com,,,,\n"
        "T-6,planted-4@example.com,,perhaps,,\n"
        "T-7,,,,,\n"
        "T-8,too,few\n",
        encoding="utf-8",
    )
    result = at_desk.run("respondents", "import", str(file), *SHOP, "--report", str(report))
    assert result.exit_code == 1
    assert "2 respondents are there." in result.stdout
    assert report.read_text().splitlines() == [
        "line,reason",
        "4,\"token: it should have letters, digits, '_' and '-', at most 64\"",
        "5,email: Email: is not a valid address",
        "6,token: line 2 has the same",
        "7,unsubscribed: it should be yes or no",
        "8,email: it is missing",
        '9,"it has 3 fields, the first line has 6"',
    ]
    assert "planted" not in result.output
    store = at_desk.service.store
    jane, petra = store.respondent("shop", "81a2B7"), store.respondent("shop", "92b3C8")
    assert jane
    assert petra
    assert (jane.email, jane.language) == ("jane@example.com", "cs")
    assert jane.labels == {"l1": "Jane", "l15": "VIP"}
    assert store.is_unsubscribed("shop", "petra@example.com")
    assert not store.is_unsubscribed("shop", "jane@example.com")


def test_an_import_can_be_repeated(at_desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    lines = [f"T-{number},person-{number}@example.com" for number in range(210)]
    file.write_text("\n".join(["token,email", *lines]))
    for _ in range(2):
        result = at_desk.run("respondents", "import", str(file), *SHOP)
        assert result.exit_code == 0
        assert "210 respondents are there." in result.stdout
    assert at_desk.service.store.respondent("shop", "T-209")


def test_a_service_that_cannot_be_reached_is_told_in_a_line(at_desk: Desk) -> None:
    with refusing_port() as port:
        result = at_desk.run("surveys", "list", *SHOP, url=f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert result.stderr.startswith("✘ The invitation service can't be reached (")


def test_an_answer_of_another_kind_is_told_by_its_status(at_desk: Desk) -> None:
    with serving(otherwise=reply(403, {"planted": True})) as server:
        result = at_desk.run("surveys", "list", *SHOP, url=server.url)
    assert result.exit_code == 1
    assert "answered 403" in result.stderr
    assert "planted" not in result.output


def test_an_account_without_a_key_is_told_how_to_make_one(at_desk: Desk) -> None:
    result = at_desk.run("surveys", "list", "--account", "nobody")
    assert result.exit_code == 1
    assert "keys add --account nobody" in result.stderr


@pytest.mark.parametrize("account", ["shop", "other"])
def test_every_way_to_sign_in_works(at_desk: Desk, account: str) -> None:
    result = at_desk.run("surveys", "list", "--account", account)
    assert result.stdout == "There are no surveys yet.\n"
