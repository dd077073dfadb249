from __future__ import annotations

import gc
import os
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest
from hypothesis import HealthCheck, settings

from local import cloud as local_clouds
from local.fake_account import move_in
from tests.support.deployed import built, deployment, guarded_cloud  # noqa: F401 - fixtures.
from tests.support.planted import pytest_configure  # noqa: F401 - a hook.
from tests.support.workers import pytest_xdist_make_scheduler  # noqa: F401 - a hook.

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud

# The same examples at each run, however slow the machine is: what fails, fails by what was changed. New ones are looked
# for where there is time: `HYPOTHESIS_PROFILE=long`.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", PATIENT, derandomize=True)
settings.register_profile("long", PATIENT, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

# Else a fifth of the time goes into looking through all that pytest and the SDK keep.
gc.set_threshold(50_000, 10, 10)


# They go the same ways thousands of times, and would take three times as long if each step was noted.
UNCOUNTED = (
    "tests/conformance/pages/",
    "tests/conformance/test_openapi.py",
    "tests/hostile/",
    "tests/integration/test_calls.py",
    "tests/simulation/",
    "tests/unit/pipeline/test_model.py",
    "tests/unit/pipeline/test_planted_bugs.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have no sockets at all; every other test has loopback alone."""
    for item in items:
        if "unit" in item.path.relative_to(local_clouds.ROOT).parts:
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
        if item.nodeid.startswith(UNCOUNTED):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session", autouse=True)
def _no_real_account() -> Iterator[None]:
    """No test ever sees the AWS profile, keys or endpoint of whoever runs it."""
    before = dict(os.environ)
    move_in(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _one_session() -> Iterator[None]:
    """For its default session the SDK reads its models anew, which would be more work than most tests are."""

    def use_again() -> None:
        boto3.DEFAULT_SESSION = _session()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "setup_default_session", use_again)
        yield


@cache
def _session() -> boto3.Session:
    # What was made before moto would go past it.
    import moto.core.models  # noqa: F401, PLC0415

    return boto3.Session()


@pytest.fixture(scope="session")
def local_cloud() -> Iterator[Cloud]:
    """One local cloud for the whole session of a process; `.reset()` empties it."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "tests")
    with local_clouds.running(name) as cloud:
        yield cloud
