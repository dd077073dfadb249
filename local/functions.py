"""The functions as they are deployed on the local cloud, run beside it: in the real runtime, on one event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import rie, sam
from local.cloud import LOCAL, ROOT
from local.errors import LocalError
from local.fake_account import fake_account

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

    from local.deployment import Deployment

LOG = LOCAL / "invoke.log"
# In the order in which Lambda searches them: the template's.
LAYERS = ("DependenciesLayer", "AfterwordLayer")


def names() -> list[str]:
    """Return the functions' names: their folders below `functions`."""
    return sorted(file.parent.name for file in (ROOT / "functions").glob("*/app.py"))


def logical_id(name: str) -> str:
    """Return what the template calls a function.

    Args:
        name: Its folder's name.
    """
    return f"{name.title().replace('_', '')}Function"


def as_deployed(deployment: Deployment, name: str) -> rie.Function:
    """Describe a function with the handler, the limits and the environment that it has on the local cloud.

    Args:
        deployment: Where it is deployed.
        name: Its folder's name.

    Returns:
        The built function.

    Raises:
        LocalError: There is no such function.
    """
    if name not in names():
        raise LocalError(f"There is no function {name}.", f"There are {', '.join(names())}.")
    configuration = configuration_of(deployment, name)
    return rie.Function(
        handler=configuration["Handler"],
        folders=[sam.BUILT / logical_id(name), *(sam.BUILT / each / "python" for each in LAYERS)],
        environ=fake_account(
            configuration["Environment"]["Variables"], deployment.cloud.endpoint_url
        ),
        seconds=configuration["Timeout"],
        memory=configuration["MemorySize"],
    )


def invoke(deployment: Deployment, name: str, event: Path) -> rie.Answer:
    """Run a built function on an event, in the real runtime. Its log is in `LOG`.

    Args:
        deployment: What it works with.
        name: Its folder's name.
        event: A file with what Lambda hands to it, as in `events/sqs`, `events/api`, `events/schedule.json`.

    Returns:
        Its answer.

    Raises:
        LocalError: No such function or file, or this is no machine for the emulator.
    """
    function = as_deployed(deployment, name)
    try:
        payload = event.read_bytes()
    except OSError as error:
        raise LocalError(
            f"{event} cannot be read: {error.strerror}.", "There are samples in events/."
        ) from None
    with rie.running(function, LOG) as emulator:
        return emulator.invoke(payload)


def configuration_of(deployment: Deployment, name: str) -> FunctionConfigurationResponseTypeDef:
    """Read how a function is deployed.

    Args:
        deployment: Where.
        name: Its folder's name.

    Returns:
        What Lambda says of it: handler, limits, environment.
    """
    client: LambdaClient = deployment.cloud.client("lambda")
    deployed = deployment.outputs[f"{logical_id(name)}Name"]
    return client.get_function_configuration(FunctionName=deployed)
