"""Calls zdesk as it is told, a JSON line each; runs in an environment of its own."""

import json
import sys

from zdesk import Zendesk, ZendeskError

url, signing_in = sys.argv[1], json.loads(sys.argv[2])
zendesk = Zendesk(url, **signing_in)

for line in sys.stdin:
    name, args, kwargs = json.loads(line)
    if "retry_on" in kwargs:
        kwargs["retry_on"] = set(kwargs["retry_on"])
    try:
        answer: dict[str, object] = {"result": getattr(zendesk, name)(*args, **kwargs)}
    except ZendeskError as error:
        answer = {
            "error": type(error).__name__,
            "status": error.error_code,
            "text": error.msg.decode(),
        }
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
