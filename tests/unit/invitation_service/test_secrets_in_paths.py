"""The webhooks' paths hold secrets: what the template says about those who see paths."""

from __future__ import annotations

import re

from tests.unit.template.reading import Template, read_document


def test_the_service_is_not_traced() -> None:
    """A trace's segment would hold the request's address."""
    template = Template(read_document())
    function = template.resources("AWS::Serverless::Function")["InvitationServiceFunction"]
    everywhere = template.document.get("Globals", {}).get("Function", {})

    assert "Tracing" not in function
    assert "Tracing" not in everywhere


def test_the_access_log_has_no_path() -> None:
    stages = Template(read_document()).resources("AWS::ApiGatewayV2::Stage")
    logged = stages["InvitationServiceStage"]["AccessLogSettings"]["Format"]

    variables = set(re.findall(r"\$context\.([\w.]+)", logged))
    assert variables
    assert not {name for name in variables if "path" in name.lower() or "query" in name.lower()}


def test_no_level_of_the_log_shows_what_the_sdk_says_on_debug() -> None:
    levels = Template(read_document()).document["Parameters"]["LogLevel"]["AllowedValues"]

    assert "DEBUG" not in levels
    assert "TRACE" not in levels
