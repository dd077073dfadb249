"""Which line of a file told first of a customer."""

from __future__ import annotations

import sqlite3


class FirstLines:
    """Remembers them on disk, for a file may be of any length.

    A database without a name is SQLite's own temporary file, gone when it is closed
    (https://sqlite.org/inmemorydb.html#temp_db). It holds customer keys and no addresses.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE seen (customer TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID"
        )

    def note(self, customer: str, line: int) -> int:
        """Note that a line tells of a customer; return the line that did so first, perhaps this one."""
        insert = "INSERT OR IGNORE INTO seen VALUES (?, ?)"
        if self._database.execute(insert, (customer, line)).rowcount:
            return line
        select = "SELECT line FROM seen WHERE customer = ?"
        (first,) = self._database.execute(select, (customer,)).fetchone()
        return int(first)

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()
