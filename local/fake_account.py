"""The made-up AWS account of the local cloud: no real profile, key or endpoint is ever read.

Whoever runs this may be logged in to a real account. So the environment of every child process,
and our own, is cleared of all that AWS's SDKs and tools read, and set to values that open nothing.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

REGION = "eu-west-1"  # As samconfig.toml says of its local environment.
ACCESS_KEY = "test"  # ministack's word for the account's root, also where it enforces roles.
SECRET_KEY = "test"  # noqa: S105 - opens nothing: the local cloud is made up.

_FAKE = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    # Files that hold no profile, and no question to a metadata service for credentials.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def fake_account(environ: Mapping[str, str], endpoint_url: str | None = None) -> dict[str, str]:
    """Make an environment from which only the made-up account can be reached.

    Args:
        environ: The environment to start from.
        endpoint_url: Where the local cloud answers, for SDKs that find it by the environment.

    Returns:
        The same without any `AWS_` variable but the made-up ones.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    endpoint = {"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {}
    return {**kept, **_FAKE, **endpoint}


def move_in(environ: MutableMapping[str, str]) -> None:
    """Turn this very environment into the made-up account's.

    Args:
        environ: `os.environ`, in a program that has just been started.
    """
    fake = fake_account(environ)
    for name in set(environ) - set(fake):
        del environ[name]
    environ.update(fake)


@cache
def client(service: str, endpoint_url: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time.
    """Make a boto3 client that can reach the local cloud and nothing else.

    `move_in` comes first: boto3 looks for AWS_PROFILE even where it is given keys.

    Args:
        service: boto3's name of the service, such as `sqs`.
        endpoint_url: Where the local cloud answers.

    Returns:
        The client.
    """
    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
    # No proxies: one that is set for the internet does not know this machine's loopback.
    return session.client(service, endpoint_url=endpoint_url, config=Config(proxies={}))
