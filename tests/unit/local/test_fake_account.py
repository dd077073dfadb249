from __future__ import annotations

import os
from pathlib import Path

import pytest

from local import cloud, sam
from local.cloud import Cloud
from local.fake_account import ACCESS_KEY, client, fake_account, move_in

REAL = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "a real key",
    "AWS_SECRET_ACCESS_KEY": "a real secret",
    "AWS_SESSION_TOKEN": "a real token",
    "AWS_ENDPOINT_URL": "https://somewhere.example",
    "AWS_ENDPOINT_URL_SQS": "https://elsewhere.example",
    "AWS_CONFIG_FILE": "/home/somebody/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/somebody/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
}
HARMLESS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
CLOUD = Cloud("http://127.0.0.1:1", 1, Path("home"), Path("log"))


def aws_part(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("AWS_")}


def test_nothing_of_a_real_account_is_left_over() -> None:
    assert fake_account(REAL | {"PATH": "/bin"}) == HARMLESS | {"PATH": "/bin"}


def test_the_endpoint_is_the_local_clouds() -> None:
    fake = fake_account(REAL, "http://127.0.0.1:4566")
    assert aws_part(fake) == HARMLESS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}


def test_moving_in_changes_the_environment_itself() -> None:
    environ = REAL | {"HOME": "/home/somebody"}
    move_in(environ)
    assert environ == HARMLESS | {"HOME": "/home/somebody"}


def test_no_test_sees_a_real_account() -> None:
    assert aws_part(dict(os.environ)) == HARMLESS


def test_sam_sees_the_local_cloud_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    environ = sam._environ(CLOUD)
    assert aws_part(environ) == HARMLESS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert environ["PATH"].startswith(str(cloud.ROOT / ".venv" / "bin"))


def test_sam_builds_without_any_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    assert aws_part(sam._environ()) == HARMLESS


def test_the_functions_get_nothing_of_ours_but_path_and_language(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (REAL | {"SOME_TOKEN": "secret", "LANG": "C.UTF-8"}).items():
        monkeypatch.setenv(name, value)
    environ = cloud._environment(4711, tmp_path, enforce_roles=False)
    assert aws_part(environ) == HARMLESS
    assert environ["HOME"] == str(tmp_path)
    assert "SOME_TOKEN" not in environ


def test_the_local_cloud_is_bound_to_loopback(tmp_path: Path) -> None:
    environ = cloud._environment(4711, tmp_path, enforce_roles=False)
    opened = {"BIND_HOST", "GATEWAY_PORT", "IOT_MTLS_ENABLED", "SFTP_ENABLED"}
    assert {name: environ[name] for name in opened} == {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": "4711",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


@pytest.mark.parametrize(("enforce", "auth"), [(True, "true"), (False, "false")])
def test_roles_are_enforced_on_demand(tmp_path: Path, enforce: bool, auth: str) -> None:  # noqa: FBT001 - a parameter.
    assert cloud._environment(4711, tmp_path, enforce_roles=enforce)["AUTH"] == auth


def test_a_client_names_endpoint_key_and_region_itself() -> None:
    sqs = client("sqs", "http://127.0.0.1:1")
    assert sqs.meta.endpoint_url == "http://127.0.0.1:1"
    assert sqs.meta.region_name == "eu-west-1"
    assert sqs._request_signer._credentials.access_key == ACCESS_KEY
    assert sqs.meta.config.proxies == {}
