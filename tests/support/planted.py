"""Secrets and addresses that tests plant, and the search for them in all that the code under test says."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# What must not be told by anything that is no screen of a person's. As they stand in the tests' support: every session
# begins with this page, and must not import all of that.
SECRETS = (
    "a key of the customer keys, 32 bytes",
    "a link key for tests alone, of no use",
    "TUwNjNDg3M",
    "84b750d6956f02503015938fc38bfe36",
    "rotated-key",
    # Mail servers' and people's, by tests of many files.
    "planted-password",
    "planted-secret",
)
# The customers of all samples live there.
ADDRESS = re.compile(r"[\w.+-]+(?:@|%40)example\.(?:com|org|net)", re.IGNORECASE)
_SDK = (
    "lets the SDK tell all of its calls, from which the functions keep it; searches the rest itself"
)
_SECRETS_KEPT = "tests/integration/sending/test_netquest_keeps_secrets.py"
# Where a customer may be seen, and why. By the beginning of a test's name.
SCREENS = {
    f"{_SECRETS_KEPT}::test_the_functions_neither_say_nor_keep": _SDK,
    f"{_SECRETS_KEPT}::test_nor_do_they_where_nobody_answers": _SDK,
    "tests/unit/local/test_story.py": "the story shows a made-up shop's mails to whoever watches it",
    "tests/unit/local/test_screen.py": "a screen for a person, of made-up customers",
    "tests/e2e/": "the story again, whole",
}


def pytest_configure(config: pytest.Config) -> None:
    """Listen to all output of a session."""
    listener, patch = Listener(), pytest.MonkeyPatch()
    listener.listen_in(patch)
    config.add_cleanup(patch.undo)
    config.pluginmanager.register(listener, "listener")


def told(text: str) -> set[str]:
    """Return what of all that is planted a text tells."""
    found = {secret for secret in SECRETS if secret in text}
    return found | {match.group() for match in ADDRESS.finditer(text)}


class Listener:
    """Listens to what is logged and printed in a whole session, and fails it if something planted is told."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = defaultdict(set)
        self.listened_to = 0
        self._test = ""

    def hear(self, test: str, text: str) -> None:
        self.listened_to += len(text)
        if not test.startswith(tuple(SCREENS)) and (words := told(text)):
            self.found[test] |= words

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test = item.nodeid
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A failure's report repeats what the test itself knows; the session has failed anyhow.
        for name, text in report.sections:
            if name.startswith("Captured"):
                self.hear(report.nodeid, text)

    def listen_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hear also what a test takes out of `capsys` and the like, which no report shows."""
        read = pytest.CaptureFixture.readouterr

        def readouterr(fixture: pytest.CaptureFixture[Any]) -> Any:
            result = read(fixture)
            for text in result:
                self.hear(
                    self._test, text.decode(errors="replace") if isinstance(text, bytes) else text
                )
            return result

        monkeypatch.setattr(pytest.CaptureFixture, "readouterr", readouterr)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            # One of several processes: the session is that of the one which it works for.
            output["told"] = {test: sorted(words) for test, words in self.found.items()}
        elif self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a process of pytest-xdist has heard."""
        for test, words in getattr(node, "workeroutput", {}).get("told", {}).items():
            self.found[test] |= set(words)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for test, words in sorted(self.found.items()):
            line = f"TOLD {test}: {', '.join(sorted(words))}"
            terminalreporter.write_line(line, red=True)
