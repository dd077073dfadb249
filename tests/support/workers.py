"""The tests run in as many processes as there are processors: which of them stay together."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # none

# They build into one folder, and share one stack that takes its time to be deployed.
DEPLOYED = (
    "tests/conformance/",
    "tests/e2e/",
    "tests/integration/test_built_artefact.py",
    "tests/integration/test_rie.py",
)


class Together(LoadFileScheduling):  # type: ignore[misc]  # As above.
    """Gives each file to one process, and all that is deployed to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(DEPLOYED):
            return "deployed"
        return str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)
