"""Campaigns as they lie in files and in Parameter Store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING

from afterword.deciding.campaigns import Campaign, CampaignError, Mode, parse_campaign
from cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mypy_boto3_ssm import SSMClient

    from cli.places import Place

# A standard parameter's value: https://docs.aws.amazon.com/general/latest/gr/ssm.html
MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Text:
    """A campaign's text. `id` is its file's name without `.json`, or the last part of its parameter's."""

    id: str
    text: str

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with it, as the functions read it."""
        try:
            parse_campaign(self.id, self.text)
        except CampaignError as error:
            return error.faults
        size = len(self.text.encode())
        too_long = f"{size:,} bytes; a parameter holds {MOST_BYTES:,}"
        return (too_long,) if size > MOST_BYTES else ()

    def campaign(self) -> Campaign | None:
        """Return the campaign; None: it does not load."""
        try:
            return parse_campaign(self.id, self.text)
        except CampaignError:
            return None

    def pretty(self) -> list[str]:
        """Return its lines, as everybody would write them: what differs then differs in what it says."""
        try:
            return json.dumps(json.loads(self.text), indent=2, ensure_ascii=False).split("\n")
        except ValueError:
            return self.text.split("\n")


def read_file(file: Path) -> Text:
    """Read a campaign's file. Raises CommandError."""
    try:
        return Text(file.stem, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {type(error).__name__}.", "Name a campaign's file.") from None


def read_folder(folder: Path) -> list[Campaign]:
    """Read all campaigns of a folder.

    Raises:
        CommandError: One of them does not load, or there is none.
    """
    found = [read_file(file) for file in sorted(folder.glob("*.json"))]
    faults = [f"{each.id}: {fault}" for each in found for fault in each.faults()]
    if faults or not found:
        raise CommandError(
            f"{'; '.join(faults) or f'{folder} holds no *.json'}.", "See docs/campaigns.md."
        )
    return [campaign for each in found if (campaign := each.campaign())]


class Store:
    """A stage's campaigns in Parameter Store.

    Args:
        place: The installation.
    """

    def __init__(self, place: Place) -> None:
        self._client: SSMClient = place.client("ssm")
        self._path = f"{place.prefix}/campaigns"

    def all(self) -> Iterator[Text]:
        """Read all of them, by name."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=self._path)
        found = {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}
        for name, text in sorted(found.items()):
            yield Text(name.rpartition("/")[2], text)

    def read(self, campaign: str) -> Text | None:
        """Read one; None: there is none."""
        try:
            found = self._client.get_parameter(Name=f"{self._path}/{campaign}")
        except self._client.exceptions.ParameterNotFound:
            return None
        return Text(campaign, found["Parameter"]["Value"])

    def put(self, text: Text) -> int:
        """Write one, in place of an earlier one; return its version. Parameter Store keeps the last hundred."""
        answer = self._client.put_parameter(
            Name=f"{self._path}/{text.id}", Value=text.text, Type="String", Overwrite=True
        )
        return answer["Version"]


def differences(old: Text | None, new: Text) -> list[str]:
    """Return what differs, as lines of a unified diff; none: it says the same."""
    before = old.pretty() if old else []
    return list(
        unified_diff(before, new.pretty(), f"{new.id} there", f"{new.id} here", lineterm="")
    )


def warnings(old: Text | None, new: Text) -> Iterator[str]:
    """Return what whoever puts a campaign should think about twice."""
    was, will = old.campaign() if old else None, new.campaign()
    if will is None:
        return
    mode = was.mode if was else None
    if will.mode is not mode and will.mode is not Mode.DRY_RUN:
        whom = "everybody" if will.mode is Mode.LIVE else "those on its list"
        yield f"mode: {mode or 'new'} → {will.mode}: it will ask {whom}, and whoever waits for it."
    if was and will.mode is Mode.DRY_RUN is not was.mode:
        yield f"mode: {was.mode} → dry_run: what comes due from now on ends unsent."
    if old and was is None:
        yield "What is there does not load; its last good version is in force until now."
    if was and (was.shop, was.event) != (will.shop, will.event):
        yield "shop or event: what waits for it ends as campaign_changed."
    if was and (was.account, was.survey) != (will.account, will.survey):
        yield "account or survey: what waits for it will be asked there."
    if was and was.delay != will.delay:
        yield "delay: what waits already keeps its due time."


def all_faults(texts: Iterable[Text]) -> dict[str, tuple[str, ...]]:
    """Return by id what is wrong with campaigns; those that load have none."""
    return {each.id: each.faults() for each in texts}
