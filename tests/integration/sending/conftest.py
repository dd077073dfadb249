from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import write_self_signed
from tests.support.servers import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_self_signed(tmp_path_factory.mktemp("certificate") / "self-signed.pem")
