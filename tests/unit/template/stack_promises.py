"""What the template promises of functions, tables, logs and who may do what: (subject, kept)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from invitation_service.delivering.rules import CLAIMS_LAST, SECONDS_FOR_A_MAIL

from .permissions import EXPECTED, granted
from .reading import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reading import Node, Template

type Findings = Iterator[tuple[str, bool]]


def everything_to_set_or_to_read_is_described(template: Template) -> Findings:
    for kind in ("Parameters", "Outputs"):
        for name, entry in template.document[kind].items():
            yield f"{kind} {name}", len(entry.get("Description", "")) > 10


def every_parameter_has_a_default_and_bounds(template: Template) -> Findings:
    for name, parameter in template.document["Parameters"].items():
        yield f"{name}: default", "Default" in parameter
        listed = {"AllowedValues", "AllowedPattern"} & {*parameter}
        # Of a number, both ends.
        between = {"MinValue", "MaxValue"} <= {*parameter}
        yield f"{name}: bounds", bool(listed) or between
        said = "AllowedPattern" not in parameter or "ConstraintDescription" in parameter
        yield f"{name}: says what it takes", said


def time_travel_is_for_the_local_stage(template: Template) -> Findings:
    parameter = template.document["Parameters"]["AllowTimeTravel"]
    yield "off by default", parameter["Default"] == "false"
    yield "the stage is not local by default", _default(template, "Stage") != "local"
    rules = template.document.get("Rules", {})
    wanted = {
        "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]},
        "Assert": {"Fn::Equals": [{"Ref": "AllowTimeTravel"}, "false"]},
    }
    found = [
        {"RuleCondition": each.get("RuleCondition"), "Assert": assertion["Assert"]}
        for each in rules.values()
        for assertion in each["Assertions"]
    ]
    yield "refused in every other stage", wanted in found
    for function in template.functions:
        allowed = template.environment(function).get("ALLOW_TIME_TRAVEL")
        yield f"{function}: as the parameter says", allowed in (None, {"Ref": "AllowTimeTravel"})


def no_log_level_shows_bodies_and_secrets(template: Template) -> Findings:
    """On DEBUG the AWS SDK logs both."""
    yield (
        "offered",
        template.document["Parameters"]["LogLevel"]["AllowedValues"] == ["INFO", "WARN"],
    )
    for name, function in template.functions.items():
        level = function["LoggingConfig"]["ApplicationLogLevel"]
        yield f"{name}: as the parameter says", level == {"Ref": "LogLevel"}


def _default(template: Template, parameter: str) -> object:
    return template.document["Parameters"][parameter]["Default"]


def every_function_ends_and_has_its_memory(template: Template) -> Findings:
    for name, function in template.functions.items():
        yield f"{name}: timeout", 0 < function.get("Timeout", 0) <= 900
        yield f"{name}: memory", function.get("MemorySize", 0) >= 512
        yield (
            f"{name}: package kept",
            template.document["Resources"][name]["Metadata"]
            == {"BuildProperties": {"ParentPackageMode": "auto"}},
        )


def functions_and_layers_are_for_one_processor(template: Template) -> Findings:
    everywhere = template.document["Globals"]["Function"]
    yield "functions", everywhere["Architectures"] == [{"Ref": "Architecture"}]
    yield "runtime", everywhere["Runtime"] == "python3.13"
    for name, layer in template.resources("AWS::Serverless::LayerVersion").items():
        metadata = template.document["Resources"][name]["Metadata"]
        yield f"{name}: built for it", metadata.get("BuildArchitecture") == {"Ref": "Architecture"}
        # The only way for byte code into a layer.
        yield f"{name}: compiled", metadata.get("BuildMethod") == "makefile"
        yield f"{name}: marked so", layer["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
        yield f"{name}: old ones go", layer["RetentionPolicy"] == "Delete"


def no_environment_holds_a_secret(template: Template) -> Findings:
    for function in template.functions:
        for name, value in template.environment(function).items():
            named = re.search("KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", name)
            yield f"{function} {name}", not named and "{{resolve:" not in str(value)


def every_log_ends(template: Template) -> Findings:
    groups = template.resources("AWS::Logs::LogGroup")
    for name, group in groups.items():
        yield f"{name}: retention", group.get("RetentionInDays") == {"Ref": "LogRetentionDays"}
    for name, function in template.functions.items():
        logging = function.get("LoggingConfig", {})
        yield f"{name}: a group of ours", resource_of(logging.get("LogGroup")) in groups
    for name, stage in template.resources("AWS::ApiGatewayV2::Stage").items():
        written_to = resource_of(stage["AccessLogSettings"]["DestinationArn"])
        yield f"{name}: a group of ours", written_to in groups


def access_logs_hold_no_personal_data(template: Template) -> Findings:
    harmless = {
        "requestId",
        "requestTime",
        "httpMethod",
        "status",
        "responseLatency",
        "integrationStatus",
    }
    for name, stage in template.resources("AWS::ApiGatewayV2::Stage").items():
        logged = set(re.findall(r"\$context\.([\w.]+)", stage["AccessLogSettings"]["Format"]))
        yield name, logged == harmless


def a_table_survives_mistakes(template: Template) -> Findings:
    for name, table in template.resources("AWS::DynamoDB::Table").items():
        resource = template.document["Resources"][name]
        recovery = table.get("PointInTimeRecoverySpecification", {})
        yield f"{name}: deleted stack", resource.get("DeletionPolicy") == "Retain"
        yield f"{name}: replaced", resource.get("UpdateReplacePolicy") == "Retain"
        yield f"{name}: deleted table", table.get("DeletionProtectionEnabled") is True
        yield f"{name}: wrong writes", recovery.get("PointInTimeRecoveryEnabled") is True
        yield f"{name}: on demand", table.get("BillingMode") == "PAY_PER_REQUEST"
        expiry = {"AttributeName": "ttl", "Enabled": True}
        yield f"{name}: forgets", table.get("TimeToLiveSpecification") == expiry


def a_restored_table_takes_the_ledgers_place(template: Template) -> Findings:
    """Functions and roles look at one and the same table; `granted` holds the roles to it."""
    yield "none by default", _default(template, "RestoredTable") == ""
    wanted = {"Fn::If": ["HasRestoredTable", {"Ref": "RestoredTable"}, {"Ref": "LedgerTable"}]}
    yield "the output", template.document["Outputs"]["LedgerTableName"]["Value"] == wanted
    for name in ("TranslateEventsFunction", "SendDueInvitationsFunction"):
        yield name, template.environment(name)["TABLE_NAME"] == wanted


def the_ledger_has_the_keys_that_its_code_uses(template: Template) -> Findings:
    ledger = template.resources("AWS::DynamoDB::Table")["LedgerTable"]
    kinds = {
        each["AttributeName"]: each["AttributeType"] for each in ledger["AttributeDefinitions"]
    }
    indexes = {
        index["IndexName"]: (_keys(index, kinds), index["Projection"]["ProjectionType"])
        for index in ledger.get("GlobalSecondaryIndexes", [])
    }
    yield "table", _keys(ledger, kinds) == ["pk S", "sk S"]
    yield (
        "indexes",
        indexes
        == {
            "due": (["lane S", "due N"], "KEYS_ONLY"),
            "customer": (["cust S", "occurred_at N"], "KEYS_ONLY"),
        },
    )


def _keys(table: Node, kinds: dict[str, str]) -> list[str]:
    names = [each["AttributeName"] for each in table["KeySchema"]]
    return [f"{name} {kinds[name]}" for name in names]


def the_service_has_the_keys_that_its_code_uses(template: Template) -> Findings:
    table = template.resources("AWS::DynamoDB::Table")["InvitationServiceTable"]
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    indexes = {
        index["IndexName"]: (_keys(index, kinds), index["Projection"]["ProjectionType"])
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    yield "table", _keys(table, kinds) == ["pk S", "sk S"]
    yield (
        "indexes",
        indexes
        == {
            "changes": (["change_lane S", "changed S"], "KEYS_ONLY"),
            "due": (["due_lane S", "due N"], "KEYS_ONLY"),
        },
    )


def whoever_holds_a_claim_has_ended_before_it_is_given_up(template: Template) -> Findings:
    timeout = timedelta(seconds=template.functions["DeliverInvitationsFunction"]["Timeout"])
    yield "claims", timeout < CLAIMS_LAST
    yield "time for a mail", timeout > 1.5 * timedelta(seconds=SECONDS_FOR_A_MAIL)


def a_queue_takes_events_from_our_rule_and_named_topics_alone(template: Template) -> Findings:
    yield "no topic by default", _default(template, "PublisherTopics") == ""
    named = {"Fn::Split": [",", {"Ref": "PublisherTopics"}]}
    senders = {
        "events.amazonaws.com": {"Fn::GetAtt": "ShopEventsRule.Arn"},
        "sns.amazonaws.com": named,
    }
    for name, statement in template.statements("AWS::SQS::QueuePolicy"):
        if statement["Effect"] == "Allow":
            ours = {"ArnEquals": {"aws:SourceArn": senders.get(statement["Principal"]["Service"])}}
            kept = statement["Action"] == "sqs:SendMessage"
            yield name, kept and statement["Condition"] == ours


def the_topic_takes_alarms_of_this_account_alone(template: Template) -> Findings:
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for name, statement in template.statements("AWS::SNS::TopicPolicy"):
        if statement["Effect"] == "Allow":
            sender = statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
            yield name, sender and statement["Condition"] == ours


def other_accounts_publish_only_if_named_and_only_shop_events(template: Template) -> Findings:
    yield "none by default", _default(template, "PublisherAccounts") == ""
    for name, policy in template.resources("AWS::Events::EventBusPolicy").items():
        condition = template.document["Resources"][name].get("Condition")
        yield f"{name}: if named", condition == "HasPublisherAccounts"
        statement = policy["Statement"]
        named = {"AWS": {"Fn::Split": [",", {"Ref": "PublisherAccounts"}]}}
        yield f"{name}: those named", statement["Principal"] == named
        yield f"{name}: publish", statement["Action"] == "events:PutEvents"
        shop = {"ForAllValues:StringLike": {"events:source": "shop.*"}}
        yield f"{name}: shop events", statement.get("Condition") == shop


def every_role_may_do_what_it_needs_and_no_more(template: Template) -> Findings:
    roles = template.resources("AWS::IAM::Role")
    yield "the roles that there are", set(roles) == set(EXPECTED)
    for name, role in roles.items():
        yield f"{name}: as listed", granted(template, name) == EXPECTED.get(name)
        yield f"{name}: no policy of AWS's", "ManagedPolicyArns" not in role
    for name, function in template.functions.items():
        # With a role of its own a function gets no policies from SAM, whose own name no resource.
        yield f"{name}: a role of ours", resource_of(function.get("Role")) in roles
        yield f"{name}: nothing beside it", "Policies" not in function
    for name, (_, event) in template.events("ScheduleV2").items():
        yield f"{name}: a role of ours", resource_of(event.get("RoleArn")) in roles


def only_the_schedule_group_wakes_the_sweep(template: Template) -> Findings:
    for name in ("FollowUpScheduleRole", "DeliveryScheduleRole"):
        role = template.resources("AWS::IAM::Role")[name]
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            group = {"Fn::GetAtt": "ScheduleGroup.Arn"}
            ours = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}, "aws:SourceArn": group}
            yield name, statement.get("Condition") == {"StringEquals": ours}


def who_calls_a_function_is_named(template: Template) -> Findings:
    for name, permission in template.resources("AWS::Lambda::Permission").items():
        source = permission.get("SourceArn", {}).get("Fn::Sub", "")
        yield name, source.endswith(":${InvitationServiceApi}/*/$default")


_SERVICE = ("Deliver", "EnqueueDue", "InvitationService", "MailAccount")


def the_invitation_service_is_there_if_wanted(template: Template) -> Findings:
    yield "off by default", _default(template, "InvitationService") == "off"
    for kind in ("Resources", "Outputs"):
        for name, entry in template.document[kind].items():
            if name.startswith(_SERVICE):
                yield f"{kind} {name}", entry.get("Condition") == "HasInvitationService"


def the_public_api_is_throttled(template: Template) -> Findings:
    for name, stage in template.resources("AWS::ApiGatewayV2::Stage").items():
        settings = stage.get("DefaultRouteSettings", {})
        yield f"{name}: rate", 0 < settings.get("ThrottlingRateLimit", 0) <= 1000
        yield f"{name}: burst", 0 < settings.get("ThrottlingBurstLimit", 0) <= 1000


def functions_carry_application_and_stage(template: Template) -> Findings:
    tags = template.document["Globals"]["Function"].get("Tags")
    yield "functions", tags == {"application": "afterword", "stage": {"Ref": "Stage"}}
