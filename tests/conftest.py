from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local import cloud as local_clouds
from local.fake_account import move_in
from tests.support.deployed import deployment, guarded_cloud  # noqa: F401 - fixtures.
from tests.support.planted import pytest_configure  # noqa: F401 - a hook.

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have no sockets at all; every other test has loopback alone."""
    for item in items:
        if "unit" in item.path.relative_to(local_clouds.ROOT).parts:
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(scope="session", autouse=True)
def _no_real_account() -> Iterator[None]:
    """No test ever sees the AWS profile, keys or endpoint of whoever runs it."""
    before = dict(os.environ)
    move_in(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def local_cloud() -> Iterator[Cloud]:
    """One local cloud for the whole session; `.reset()` empties it."""
    with local_clouds.running("tests") as cloud:
        yield cloud
