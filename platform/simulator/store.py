"""Documents in one SQLite file, committed at once: a killed process loses nothing that it has answered."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing


class Store:
    """A shelf of documents, each under (shelf, name)."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A killed process loses nothing under NORMAL; only a power cut could, and that is cheap in a simulator.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS document"
            " (shelf TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (shelf, name)) WITHOUT ROWID"
        )

    def put(self, shelf: str, name: str, body: bytes) -> None:
        """Write one document."""
        self._db.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (shelf, name, body))

    def put_all(self, shelf: str, bodies: Iterator[tuple[str, bytes]]) -> None:
        """Write many documents, or none."""
        self._db.execute("BEGIN")
        try:
            self._db.executemany(
                "INSERT OR REPLACE INTO document VALUES (?, ?, ?)", ((shelf, name, body) for name, body in bodies)
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def remove(self, shelf: str, name: str) -> None:
        """Take one document away."""
        self._db.execute("DELETE FROM document WHERE shelf = ? AND name = ?", (shelf, name))

    def clear(self) -> None:
        """Take every document away."""
        self._db.execute("DELETE FROM document")

    def shelf(self, shelf: str) -> Iterator[tuple[str, bytes]]:
        """Every (name, body) of a shelf."""
        with closing(self._db.execute("SELECT name, body FROM document WHERE shelf = ?", (shelf,))) as rows:
            yield from rows

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
