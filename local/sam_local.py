"""What `sam local invoke` has to know of the local cloud: the functions' environment there, and where it is.

SAM CLI hands to a container those variables alone that the template declares, and can't read a deployed stack's values.
So this is the built template with each function's environment as it is deployed.
"""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

import yaml

from local import sam
from local.cloud import LOCAL, LOOPBACK
from local.fake_account import REGION
from local.functions import configuration_of, logical_id, names

if TYPE_CHECKING:
    from local.deployment import Deployment

CONFIG = LOCAL / "samconfig.toml"
# Not where the build is, for the next build empties that folder.
TEMPLATE = sam.BUILT.parent / "template.yaml"
_SOURCES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def prepare(deployment: Deployment, bridge: str | None) -> None:
    """Write `CONFIG` and `TEMPLATE`, for `sam local invoke --config-file .local/samconfig.toml`.

    Args:
        deployment: What was built, deployed.
        bridge: The address at which containers reach this machine, if the local cloud listens there.
    """
    # A container looks for `localhost` at home first, where nothing listens, and then on the bridge.
    endpoint_url = deployment.cloud.endpoint_url.replace(LOOPBACK, "localhost")
    document: dict[str, Any] = yaml.safe_load((sam.BUILT / "template.yaml").read_text())
    resources = document["Resources"]
    for resource in resources.values():
        if source := _SOURCES.get(resource["Type"]):
            properties = resource["Properties"]
            properties[source] = f"{sam.BUILT.name}/{properties[source]}"
    for name in names():
        variables = configuration_of(deployment, name)["Environment"]["Variables"]
        environment = {"Variables": variables | {"AWS_ENDPOINT_URL": endpoint_url}}
        resources[logical_id(name)]["Properties"]["Environment"] = environment
    TEMPLATE.write_text(yaml.safe_dump(document, sort_keys=False))
    processor = sam.architecture(platform.machine())
    CONFIG.write_text(
        f"""version = 0.1

[default.local_invoke.parameters]
template_file = {json.dumps(str(TEMPLATE))}
parameter_overrides = "Architecture={processor} InvitationService=on"
region = "{REGION}"
{f'add_host = "localhost:{bridge}"' if bridge else ""}
"""
    )
