"""docs/openapi says what the service is: its routes, and each answer to whatever may come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

from invitation_service.answering.links import Links, Who
from invitation_service.people.store import NewRecipient
from invitation_service.surveys.models import SurveyStatus
from local.cloud import ROOT
from tests.support.api_gateway import as_wsgi
from tests.support.invitation_service import WEBHOOK, Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from schemathesis import HookContext

DOCUMENT = ROOT / "docs" / "openapi" / "invitation-service.yaml"
METHODS = {"get", "post", "put", "delete", "head", "options", "patch"}
EXAMPLES = 8

# A service that knows what the document's examples name, and lets one call often.
ADMIN: dict[str, Any] = {
    "account": "shop",
    "email": "often@example.com",
    "role": "admin",
    "bearer": "often",
    "calls_per_minute": 10_000_000,
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return loaded


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def test_the_document_and_the_routes_are_the_same(document: dict[str, Any]) -> None:
    routes = Service().api().routes
    answered = {
        (re.sub(r"<(\w+)>", r"{\1}", path), method.lower())
        for path, methods in routes.items()
        for method in methods
    }

    assert {(path, method) for path, method, _ in operations(document)} == answered


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))


def test_every_operation_names_the_errors_that_any_call_may_get(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = set(operation["responses"])
        assert {"500", "503"} <= answers, path
        if operation.get("security", document["security"]):
            assert {"401", "403"} <= answers, path
        if "{" in path:
            assert "404" in answers, path
        if path.startswith("/api/v2/nps/"):
            assert "429" in answers, path
        if method in {"post", "put"}:
            # The gateway answers this before our code hears of it.
            assert "413" in answers, path
        if path.startswith("/api/") and "requestBody" in operation:
            assert {"400", "422"} <= answers, path


def test_every_method_that_sends_a_body_shows_one(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for kind in operation.get("requestBody", {}).get("content", {}).values():
            assert "example" in kind or path.startswith("/results/"), path


def media_types(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "schema" in node and ({"example", "examples"} & node.keys()):
            yield node
        for inner in node.values():
            yield from media_types(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from media_types(inner)


def test_every_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    shown = list(media_types(document))
    assert len(shown) > 30
    for node in shown:
        examples = [each["value"] for each in node.get("examples", {}).values()]
        schema = {**node["schema"], "components": document["components"]}
        for example in examples or [node["example"]]:
            jsonschema.Draft202012Validator(schema).validate(example)


def _service() -> Service:
    service = Service(webhook_accounts=[WEBHOOK, ADMIN])
    service.now = service.now.replace(microsecond=0)
    store, now = service.store, service.now
    for survey in (0, 1, 2, 419349):
        store.put_survey("shop", survey, "After a purchase", now)
    for number in range(5):
        person = NewRecipient(email=f"p{number}@example.com", name="P", created_at=now)
        store.add_recipient("shop", 1, person)
    return service


def _tokens(links: Links) -> list[str]:
    people = [Who("shop", 1, number) for number in (1, 2, 3)]
    urls = [url(who) for who in people for url in (links.score_url, links.unsubscribe_url)]
    return [*(url.rpartition("/")[2] for url in urls), "81a2B7"]


SERVICE = _service()
API = SERVICE.api()
TOKENS = _tokens(SERVICE.links)


def answer(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a minute after the last call, for exports are few in a minute, and with open surveys."""
    SERVICE.later(minutes=1)
    for survey in range(4):
        SERVICE.store.update_survey("shop", survey, {"status": SurveyStatus.OPEN}, SERVICE.now)
    return API.answer(event, context)


schema = schemathesis.openapi.from_path(DOCUMENT)
schema.app = as_wsgi(answer)


@schema.hook
def map_path_parameters(_: HookContext, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Let most ids and tokens be known ones: what is not found tells little."""
    known = {"token": TOKENS}
    return parameters and {
        name: _likely(value, known.get(name, ())) for name, value in parameters.items()
    }


def _likely(value: object, known: Sequence[str]) -> object:
    if isinstance(value, int):
        return value % 4
    if known and isinstance(value, str) and len(value) % 2:
        return known[len(value) % len(known)]
    return value


# What the document says, held against what comes; not how the service should be built.
HELD: list[Any] = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_fault_or_outside_the_document(case: schemathesis.Case[Any]) -> None:
    response = case.call(headers={"Authorization": "Bearer often"})

    case.validate_response(response, checks=HELD)
