"""A power loss takes back what the ledger had not synced yet: each ledger that it may leave goes on to the same end."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from harness import City, expect, main

MIDDLE_SERVER = "middle_server: {unknown_share: 100, several_share: 20}\npolls: 1\n"
RECORDS_A_REQUEST = 10
COMMAND = ("initial-setup", "--yes", "--base-date", "2026-11-02")


def commits(wal: bytes) -> list[int]:
    """Lengths of the write-ahead log that end behind a commit (sqlite.org/fileformat2.html, 4.1)."""
    frame = 24 + int.from_bytes(wal[8:12], "big")
    out = []
    for at in range(32, len(wal) - frame + 1, frame):
        if wal[at + 8:at + 16] != wal[16:24]:
            break  # of an earlier use of the file
        if wal[at + 4:at + 8] != bytes(4):
            out.append(at + frame)
    return out


class Disk:
    """What lay on the disk when a setup was killed: ledger, spool, audit log, and the platform beside them."""

    def __init__(self, city: City, folder: Path) -> None:
        self.city, self.folder = city, folder
        self.parts = ["state", *(path.name for path in city.folder.glob("platform.db*"))]
        for part in self.parts:
            path = city.folder / part
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / part)

    def put_back(self, log: bytes) -> None:
        """With so much of the ledger's write-ahead log."""
        for path in [self.city.folder / "state", *self.city.folder.glob("platform.db*")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for part in self.parts:
            path = self.folder / part
            (shutil.copytree if path.is_dir() else shutil.copy)(path, self.city.folder / part)
        Path(f"{self.city.ledger}-wal").write_bytes(log)
        Path(f"{self.city.ledger}-shm").unlink(missing_ok=True)  # rebuilt from the log

    def possible_logs(self) -> Iterator[bytes]:
        """Each shorter log that still holds every intent: what comes behind the last one is synced with the next."""
        whole = Path(f"{self.folder / 'state/ledger.db'}-wal").read_bytes()
        ends = commits(whole)
        self.put_back(whole[:ends[-1]])
        intents = self.intents()
        for end in reversed(ends[:-1]):
            self.put_back(whole[:end])
            if self.intents() != intents:
                return
            yield whole[:end]

    def intents(self) -> list[tuple[int]]:
        """As a reader sees them who does not touch the file."""
        connection = sqlite3.connect(f"file:{self.city.ledger}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT id FROM batch ORDER BY id").fetchall()
        finally:
            connection.close()


def essence(city: City) -> list[dict]:
    run = city.query(city.ledger, "SELECT max(run) FROM certificate")
    return [{name: kind[name] for name in ("kind", "rows", "exceptions", "ranges", "differences")}
            for kind in city.json("report", "--run", str(run))["certificates"][0]["kinds"]]


def power_loss(binaries: Path, wanted: str = "10") -> None:
    chance = random.Random(20261122)
    with City(binaries, 60, seed=7) as city:
        city.platform_extra = f"  max_records: {RECORDS_A_REQUEST}"
        city.start_simulator(MIDDLE_SERVER)
        city.run_job(*COMMAND)
        city.run_job("reconcile")
        undisturbed = essence(city)
        city.stop_simulator()
        lost = 0
        for kill in range(100):
            if lost >= int(wanted):
                break
            for path in [city.folder / "state", *city.folder.glob("platform.db*"), *city.folder.glob("disk")]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            city.start_simulator(MIDDLE_SERVER)
            killed = city.gateway("run", *COMMAND, disturbances={"KILL": chance.randint(20, 150)})
            city.stop_simulator()
            if killed.returncode != -9:
                continue
            (city.folder / "disk").mkdir()
            disk = Disk(city, city.folder / "disk")
            for log in disk.possible_logs():
                disk.put_back(log)
                city.start_simulator(MIDDLE_SERVER)
                city.run_job(*COMMAND)
                city.run_job("reconcile")
                expect(essence(city) == undisturbed, f"kill {kill}, a log of {len(log)} bytes: the certificates differ")
                city.check()
                city.stop_simulator()
                lost += 1
        expect(lost >= int(wanted), f"only {lost} ledgers could have been left")
        print(f"{lost} ledgers as a power loss may leave them, each with the same certificate")


if __name__ == "__main__":
    main(power_loss)
