"""The ledger's DynamoDB adapter: which actions each method takes, in bulk."""

from __future__ import annotations

import time
from heapq import merge
from itertools import batched, islice
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from afterword.remembering.dynamodb import actions, items
from afterword.remembering.dynamodb.table import Table
from afterword.remembering.pauses import FOR_GOOD
from afterword.remembering.records import (
    AccountState,
    BatchState,
    Claimed,
    Key,
    Occasion,
    SlotState,
    State,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from afterword.deciding.rules import StopMark
    from afterword.remembering.dynamodb.table import Action, Failure, Item
    from afterword.remembering.pauses import Pause
    from afterword.remembering.records import Batch, Claim, Customer, Invitation, Leaving, Move

_PAGES_A_CALL = 10
# Entries of an index that somebody walks through to an end that is not known.
_PAGE = 500


class DynamoDbLedger:
    """Keeps the ledger in one DynamoDB table.

    Args:
        client: A boto3 client.
        table: The table's name.
        pause: Waits so many seconds between repeats.
        new_seed: Returns a word never used before, for `ClientRequestToken`.
        at_once: The most calls that one write or read has in flight.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        pause: Callable[[float], None] = time.sleep,
        new_seed: Callable[[], str] = lambda: uuid4().hex,
        at_once: int = 1,
    ) -> None:
        self._table = Table(client, table, pause, at_once)
        self._new_seed = new_seed
        self._noted: set[str] = set()

    def remember_customers(
        self, customers: Collection[Customer], now: int
    ) -> Mapping[str, Customer]:
        """See `Ledger`."""
        told = list(customers)
        failures = self._write([[actions.remember(each, now, alone=True)] for each in told])
        # A transaction returns what it met only where it fails: so those of whom more is known are written again.
        known = {
            each.key: (each, items.parse_customer(failed.item))
            for each, failed in zip(told, failures, strict=True)
            if failed
        }
        more = [each for each, was in known.values() if was.takes(each)]
        again = self._write([[actions.remember(each, now, alone=False)] for each in more])
        found = {key: was for key, (_, was) in known.items()}
        for each, failed in zip(more, again, strict=True):
            was = items.parse_customer(failed.item) if failed else found[each.key].told(each)
            found[each.key] = was
        return found

    def create(self, invitations: Collection[Invitation], now: int) -> set[Key]:
        """See `Ledger`."""
        self._note({each.key.campaign for each in invitations})
        failures = self._write([[actions.create(each, now)] for each in invitations])
        return {each.key for each, failed in zip(invitations, failures, strict=True) if not failed}

    def _note(self, campaigns: set[str]) -> None:
        """Write campaigns down before their first invitation: a lane that nobody knows would never be looked at."""
        if new := campaigns - self._noted:
            self._write([[actions.note(new)]])
            self._noted |= new

    def campaigns(self) -> set[str]:
        """See `Ledger`."""
        found = self._table.read([items.CAMPAIGNS])
        return {name for item in found for name in item["names"]}

    def put_marks(self, marks: Mapping[Occasion, StopMark], now: int) -> None:
        """See `Ledger`."""
        self._write([[actions.mark(occasion, mark, now)] for occasion, mark in marks.items()])

    def read_marks(self, occasions: Collection[Occasion]) -> dict[Occasion, StopMark]:
        """See `Ledger`."""
        wanted = {items.mark_key(each): each for each in occasions}
        found = self._table.read(wanted)
        return {wanted[item["pk"], item["sk"]]: items.parse_mark(item) for item in found}

    def read_invitations(self, keys: Collection[Key]) -> dict[Key, Invitation]:
        """See `Ledger`."""
        found = self._table.read(map(items.invitation_key, keys))
        return {each.key: each for each in items.readable(items.parse_invitation, found)}

    def read_customers(self, keys: Collection[str]) -> dict[str, Customer]:
        """See `Ledger`."""
        found = self._table.read(map(items.customer_item_key, keys))
        return {each.key: each for each in items.readable(items.parse_customer, found)}

    def move(self, moves: Collection[Move]) -> set[Key]:
        """See `Ledger`."""
        # Together with what it gives back, or a reservation for which nobody was asked could stay.
        failures = self._write([actions.move_and_note(each) for each in moves])
        # Another invitation's newer word on the customer stays, and does not stop the move.
        overtaken = [
            each for each, failed in zip(moves, failures, strict=True) if failed and failed.action
        ]
        again = self._write([[actions.move(each)] for each in overtaken])
        tried = zip([*moves, *overtaken], [*failures, *again], strict=True)
        return {each.invitation.key for each, failed in tried if not failed}

    def suppress(self, leavings: Collection[Leaving]) -> None:
        """See `Ledger`."""
        self._write([[actions.suppress(each)] for each in leavings])

    def readmit(self, customer: str, now: int) -> bool:
        """See `Ledger`."""
        return self._write([[actions.readmit(customer, now)]]) == [None]

    def invitations_of(self, customer: str) -> list[Key]:
        """See `Ledger`."""
        found = self._table.query("cust = :customer", {":customer": customer}, index="customer")
        return list(items.readable(items.parse_invitation_key, found))

    def asked_by(self, shop: str, event: str) -> Iterator[list[Key]]:
        """See `Ledger`. There is no index by event: each invitation would pay for it, for a rare question."""
        values = {":shop": f"O#{quote(shop, safe='')}#", ":event": event}
        for page in self._table.scan("begins_with(pk, :shop) AND #event = :event", values, "event"):
            yield list(items.readable(items.parse_invitation_key, page))

    def due(self, campaign: str, now: int, limit: int) -> list[Key]:
        """See `Ledger`."""
        found = islice(self._soonest(campaign, now, _share(limit)), limit)
        return list(items.readable(items.parse_invitation_key, found))

    def due_times(self, campaign: str, most: int) -> list[int]:
        """See `Ledger`."""
        found = islice(self._soonest(campaign, FOR_GOOD, _share(most)), most)
        return [int(item["due"]) for item in found]

    def open_batch(self, batch: Batch, members: Sequence[Key]) -> None:
        """See `Ledger`. The batch itself is written with, or after, the last of its members."""
        pages = actions.put_members(batch, [str(key.occasion) for key in members])
        for chunk in batched([*pages, actions.put_batch(batch)], _PAGES_A_CALL, strict=False):
            self._write([chunk])

    def claim(self, batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
        """See `Ledger`."""
        self._note({each.invitation.key.campaign for each in claims if each.is_new})
        writes = [actions.claim_and_note(each, batch, now) for each in claims]
        won, refused = set(), {}
        for each, failed in zip(claims, self._write(writes), strict=True):
            if not failed:
                won.add(each.invitation.key)
            elif failed.action == 1:
                refused[each.invitation.key] = items.parse_customer(failed.item)
        return Claimed(frozenset(won), refused)

    def read_batch(self, batch: str) -> Batch | None:
        """See `Ledger`."""
        return next(map(items.parse_batch, self._table.read([items.batch_key(batch)])), None)

    def read_members(self, batch: Batch) -> list[Key]:
        """See `Ledger`."""
        pages = self._table.query(
            "pk = :pk AND begins_with(sk, :page)",
            {":pk": items.batch_key(batch.id)[0], ":page": "M#"},
        )
        occasions = [Occasion.parse(text) for page in pages for text in page["occasions"]]
        return [Key(occasion, batch.campaign) for occasion in occasions]

    def change_batch(self, old: Batch, new: Batch) -> bool:
        """See `Ledger`."""
        return self._write([[actions.put_batch(new, old)]]) == [None]

    def due_batches(self, now: int, limit: int) -> list[Batch]:
        """See `Ledger`."""
        found = self._due(items.BATCH_LANE, now, limit)
        read = self._table.read((item["pk"], item["sk"]) for item in found)
        due = [each for each in items.readable(items.parse_batch, read) if each.is_due(now)]
        return sorted(due, key=lambda each: each.due or 0)

    def read_way(self, account: str, survey: int) -> Way:
        """See `Ledger`."""
        keys = items.account_key(account), items.slot_key(account, survey), items.PAUSES
        found = {(item["pk"], item["sk"]): item for item in self._table.read(keys)}
        known, slot, pauses = (found.get(key) for key in keys)
        return Way(
            account,
            survey,
            items.parse_account(known) if known else AccountState(),
            items.parse_slot(slot) if slot else SlotState(),
            items.parse_pauses(pauses) if pauses else {},
        )

    def swap_way(self, old: Way, new: Way) -> bool:
        """See `Ledger`."""
        account = actions.put_version(
            items.account_key(new.account),
            items.account_item(new.account_state),
            old.account_state.version,
        )
        slot = actions.put_version(
            items.slot_key(new.account, new.survey), items.slot_item(new.slot), old.slot.version
        )
        return self._write([[account, slot]]) == [None]

    def pauses(self) -> Mapping[str, Pause]:
        """See `Ledger`."""
        return next(map(items.parse_pauses, self._table.read([items.PAUSES])), {})

    def put_pause(self, name: str, pause: Pause) -> None:
        """See `Ledger`."""
        self._write([[actions.put_pause(name, pause)]])

    def end_pause(self, name: str) -> bool:
        """See `Ledger`."""
        return self._write([[actions.end_pause(name)]]) == [None]

    def held(self, campaign: str) -> Iterator[Invitation | Batch]:
        """See `Ledger`."""
        lane = items.held_lane(campaign)
        for page in self._table.walk("lane = :lane", {":lane": lane}, "due"):
            # In the order of the index: reads come in none.
            found = {_key(item): item for item in self._read_again(page)}
            kept = (found[_key(item)] for item in page if _key(item) in found)
            for each in items.readable(items.parse_held, kept):
                if each.state in {State.HELD, BatchState.HELD}:
                    yield each

    def count_held(self, campaign: str, most: int) -> int:
        """See `Ledger`."""
        lane = items.held_lane(campaign)
        found = self._table.query("lane = :lane", {":lane": lane}, index="due", limit=most)
        batches = [item for item in found if items.is_batch(item)]
        read = items.readable(items.parse_batch, self._read_again(batches))
        return len(found) - len(batches) + sum(each.size for each in read)

    def waiting(self, campaign: str, until: int) -> Iterator[Key]:
        """See `Ledger`."""
        found = self._soonest(campaign, until, _PAGE)
        yield from items.readable(items.parse_invitation_key, found)

    def _soonest(self, campaign: str, until: int, page_size: int) -> Iterator[Item]:
        """Walk through all shards of a campaign's lane at once, each of which is in the order of its due times.

        Whoever claims what is found takes it out of the index: of all shards by turns, even if all is due at the same
        second, or one of them would bear it all.
        """
        lanes = [
            enumerate(self._walk_lane(lane, until, page_size)) for lane in items.lanes(campaign)
        ]
        for _, item in merge(*lanes, key=lambda entry: (entry[1]["due"], entry[0])):
            yield item

    def _walk_lane(self, lane: str, until: int, page_size: int) -> Iterator[Item]:
        values = {":lane": lane, ":until": until}
        condition = "lane = :lane AND due <= :until"
        for page in self._table.walk(condition, values, "due", page_size):
            yield from page

    def open_batches(self) -> Iterator[Batch]:
        """See `Ledger`."""
        for page in self._table.walk("lane = :lane", {":lane": items.BATCH_LANE}, "due"):
            for each in items.readable(items.parse_batch, self._read_again(page)):
                if each.due is not None and each.state is not BatchState.HELD:
                    yield each

    def _read_again(self, entries: Sequence[Item]) -> Iterator[Item]:
        """Read what entries of an index stand for, strongly consistent."""
        return self._table.read(map(_key, entries))

    def _write(self, writes: Sequence[Sequence[Action]]) -> list[Failure | None]:
        return self._table.write(writes, self._new_seed())

    def _due(self, lane: str, now: int, limit: int) -> list[Item]:
        return self._table.query(
            "lane = :lane AND due <= :now", {":lane": lane, ":now": now}, index="due", limit=limit
        )


def _share(limit: int) -> int:
    """Return a page of one shard: a little more than its share, since they are not quite even."""
    return -(-limit * 11 // (10 * items.LANE_SHARDS))


def _key(item: Item) -> tuple[str, str]:
    return item["pk"], item["sk"]
