"""Calls zenpy's exports as it is told, a JSON line each; runs in an environment of its own."""

import json
import os
import sys
from datetime import UTC, datetime

os.environ["ZENPY_FORCE_SCHEME"] = "http"

from zenpy import Zenpy
from zenpy.lib.exception import ZenpyException

host, signing_in = sys.argv[1].removeprefix("http://"), json.loads(sys.argv[2])
# The address is put together from both, with a dot between.
subdomain, _, domain = host.partition(".")
zendesk = Zenpy(subdomain=subdomain, domain=domain, **signing_in)

for line in sys.stdin:
    name, _, kwargs = json.loads(line)
    try:
        since = datetime.fromtimestamp(kwargs["start_time"], UTC)
        found = getattr(zendesk.nps, name)(start_time=since)
        answer: dict[str, object] = {"result": [each.to_dict() for each in found]}
    except ZenpyException as error:
        answer = {"error": type(error).__name__}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
