from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import cli
from tests.support.deployed import silent

if TYPE_CHECKING:
    from local.deployment import Deployment
    from local.story import Row


@pytest.fixture(scope="session")
def rows(deployment: Deployment) -> list[Row]:
    """The story of `make run`, told by its very code."""
    return cli.tell(silent(), deployment)
