"""Parameter Store, a dead-letter queue and a scheduler, as far as anybody here uses them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from zlib import crc32

import orjson

from benchmarks.stand_ins.http import Response
from benchmarks.stand_ins.tables import RequestError

type Request = dict[str, Any]


@dataclass
class ParameterStore:
    """Parameters, each with its history.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html
    """

    versions: dict[str, list[str]] = field(default_factory=dict)

    def answer(self, operation: str, request: Request) -> Request:
        """Carry out an operation. Raises RequestError."""
        match operation:
            case "PutParameter":
                self.versions.setdefault(request["Name"], []).append(request["Value"])
                return {"Version": len(self.versions[request["Name"]]), "Tier": "Standard"}
            case "GetParameter":
                return {"Parameter": self._shown(request["Name"])}
            case "GetParametersByPath":
                path = request["Path"].rstrip("/") + "/"
                below = [name for name in self.versions if name.startswith(path)]
                return {"Parameters": [self._shown(name) for name in below]}
            case "GetParameterHistory":
                name = request["Name"]
                count = len(self.versions.get(name, ()))
                return {"Parameters": [self._shown(name, number) for number in range(count)]}
            case _:
                raise RequestError("InvalidAction", f"this stand-in has no {operation}")

    def _shown(self, name: str, number: int = -1) -> Request:
        if name not in self.versions:
            raise RequestError("ParameterNotFound", "")
        versions = self.versions[name]
        version = number % len(versions)
        return {"Name": name, "Value": versions[version], "Version": version + 1, "Type": "String"}


@dataclass
class DeadLetterQueue:
    """What was sent to a queue: of each message its id, its reason and its body's checksum.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
    """

    letters: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def answer(self, operation: str, request: Request, refuses: str | None = None) -> Request:
        """Carry out an operation; `refuses`: `"partial"` leaves out every second entry. Raises RequestError."""
        if operation != "SendMessageBatch":
            raise RequestError("InvalidAction", f"this stand-in has no {operation}")
        entries = request["Entries"]
        failed = entries[::2] if refuses == "partial" else []
        kept = entries[1::2] if refuses == "partial" else entries
        for each in kept:
            told = each["MessageAttributes"]
            values = (told[name]["StringValue"] for name in ("message_id", "reason"))
            self.letters[*values, crc32(each["MessageBody"].encode())] += 1
        return {
            "Successful": [_sent(each) for each in kept],
            "Failed": [
                {"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in failed
            ],
        }


@dataclass
class Scheduler:
    """The names of schedules. Nothing here waits for them: who wants their events sends them.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    """

    names: set[str] = field(default_factory=set)

    def answer(self, name: str, body: bytes) -> Response:
        """Take a schedule."""
        wanted = orjson.loads(body)
        if not {"ScheduleExpression", "FlexibleTimeWindow", "Target"} <= wanted.keys():
            return Response(400, b"{}", {"X-Amzn-ErrorType": "ValidationException"})
        if name in self.names:
            return Response(409, b"{}", {"X-Amzn-ErrorType": "ConflictException"})
        self.names.add(name)
        arn = f"arn:aws:scheduler:eu-west-1:123456789012:schedule/default/{name}"
        return Response(200, orjson.dumps({"ScheduleArn": arn}))


def _sent(entry: Request) -> Request:
    checksum = md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    return {"Id": entry["Id"], "MessageId": checksum, "MD5OfMessageBody": checksum}
