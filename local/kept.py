"""The local cloud of `make up`: it stays when the command is over, so a file says where it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from local.cloud import LOCAL, Cloud
from local.mail import MailServer

STATE = LOCAL / "cloud.json"


def keep(cloud: Cloud) -> None:
    """Note where a local cloud is.

    Args:
        cloud: The cloud.
    """
    fields = {
        "endpoint_url": cloud.endpoint_url,
        "pid": cloud.pid,
        "home": str(cloud.home),
        "log": str(cloud.log),
        "mail": cloud.mail
        and {"port": cloud.mail.port, "pid": cloud.mail.pid, "folder": str(cloud.mail.folder)},
    }
    STATE.write_text(json.dumps(fields, indent=2) + "\n")


def find() -> Cloud | None:
    """Find the local cloud that was kept.

    Returns:
        The cloud if it still answers. What one that is gone has left behind is removed.
    """
    if not STATE.exists():
        return None
    fields = json.loads(STATE.read_text())
    home, log, mail = Path(fields["home"]), Path(fields["log"]), fields["mail"]
    server = MailServer(mail["port"], mail["pid"], Path(mail["folder"])) if mail else None
    cloud = Cloud(fields["endpoint_url"], fields["pid"], home, log, mail=server)
    if cloud.answers():
        return cloud
    # Its process is not ended by id: after a restart of the machine that may be somebody else's.
    shutil.rmtree(home, ignore_errors=True)
    STATE.unlink()
    return None


def stop() -> bool:
    """Stop the local cloud that was kept.

    Returns:
        Whether there was one.
    """
    cloud = find()
    if cloud is None:
        return False
    cloud.stop()
    STATE.unlink()
    return True
