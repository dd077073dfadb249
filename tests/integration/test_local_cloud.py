from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import cloud as clouds
from local.errors import LocalError
from local.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud

# A local cloud with a child of its own that does not heed SIGTERM, as a function may be.
STUBBORN = """
import os, signal, subprocess, sys
from local import cli, cloud
# A shell starts what runs in the background deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
cli.prepare()
cloud._command = lambda port, **_: [sys.executable, "-c", '''
import os, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
child = subprocess.Popen([sys.executable, "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"],
    stdout=subprocess.PIPE)
child.stdout.readline()
open(os.environ["HOME"] + "/child", "w").write(str(child.pid))
class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), Healthy).serve_forever()
''']
with cloud.running("stubborn") as running:
    print(running.pid, (running.home / "child").read_text(), running.home, flush=True)
    signal.pause()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended, and waits to be collected, still has its id.
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_client_of_the_local_cloud_reaches_it(local_cloud: Cloud) -> None:
    sqs: SQSClient = local_cloud.client("sqs")
    name = "made-here"
    assert sqs.create_queue(QueueName=name)["QueueUrl"].endswith(name)


def test_a_reset_cloud_is_empty(local_cloud: Cloud) -> None:
    sqs: SQSClient = local_cloud.client("sqs")
    sqs.create_queue(QueueName="forgotten")
    local_cloud.reset()
    assert not sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_process_and_no_file_outlives_a_cloud_that_was_interrupted(number: int) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and program.
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        cloud, child, home = process.stdout.readline().split()
        assert alive(int(cloud))
        assert alive(int(child))
        process.send_signal(number)
        process.communicate(timeout=120)
    assert wait_until(lambda: not alive(int(cloud)) and not alive(int(child)), seconds=60)
    assert not Path(home).exists()


def test_a_cloud_that_another_command_has_started_can_be_stopped() -> None:
    started = clouds.start("kept")
    replace(started, process=None).stop()
    assert wait_until(started.ended, seconds=60)
    assert not started.answers()
    assert not started.home.exists()


def test_a_cloud_that_does_not_start_says_where_its_words_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no licence')"]
    monkeypatch.setattr(clouds, "_command", lambda *_, **__: command)
    with pytest.raises(LocalError, match=r"did not start\. Its last words are in .*broken\.log"):
        clouds.start("broken")
    assert (clouds.LOCAL / "broken.log").read_text().strip() == "no licence"


def test_a_cloud_that_nobody_waits_for_any_more_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Cloud] = []

    def interrupted(cloud: Cloud) -> bool:
        started.append(cloud)
        raise KeyboardInterrupt

    monkeypatch.setattr(clouds.Cloud, "answers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clouds.start("interrupted")
    assert started[0].ended()


def test_a_real_profile_is_never_used(local_cloud: Cloud, tmp_path: Path) -> None:
    """Whoever is logged in to a real account still talks to the local one, as nobody."""
    aws = tmp_path / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text(
        "[production]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
    )
    (aws / "config").write_text("[profile production]\nendpoint_url = http://127.0.0.1:1\n")
    program = f"""
import json, os
from local import cli
from local.fake_account import client
cli.prepare()
sts = client("sts", {local_cloud.endpoint_url!r})
key = sts._request_signer._credentials.access_key
print(json.dumps([key, sts.get_caller_identity()["Account"]]))
"""
    answer = subprocess.run(  # noqa: S603 - our own interpreter and program.
        [sys.executable, "-c", program],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_PROFILE": "production",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "HTTP_PROXY": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == ["test", "000000000000"]
