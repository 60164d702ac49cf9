#!/usr/bin/env python3
"""Ten days of a city while the platform fails in every way it can; optionally with kill -9 at random moments.

usage: ten_days_test.py BINARIES PERSONS KILLS
"""

import random
import sys
from pathlib import Path

from harness import City, expect, main

MIDDLE_SERVER = "middle_server: {unknown_share: 80, slow_share: 60, several_share: 10}\n"

# One scenario a day; the last days bring several at once.
DAYS = [
    "faults: [{on: submit, every: 2, do: drop-after}]\n",
    "faults: [{on: submit, every: 2, offset: 1, do: drop-before}, {on: query, every: 5, do: drop-before}]\n",
    "faults: [{on: submit, every: 2, do: '429', retry_after: 7}, {on: query, every: 4, do: '503', retry_after: 3}]\n",
    "faults: [{on: submit, every: 3, do: 500-after}, {on: submit, every: 4, do: 500-before}]\n",
    "faults: [{on: submit, every: 2, do: refuse-as-200, error_id: KJQ0503}]\nshuffle_results: true\nresult_page: 3\n",
    "faults: [{on: record, every: 4, do: record-error, error_id: KJR0099}]\npolls: 4\n",
    "faults: [{on: submit, at: [1], do: abort}, {on: submit, every: 3, do: delay, milliseconds: 20}]\nomit_every: 3\n",
    "faults: [{on: record, at: [2, 5], do: record-error, error_id: KJX9999}, {on: submit, at: [1], do: '503', retry_after: 120}]\n",
    "faults: [{on: submit, every: 3, do: refuse-as-200, error_id: KJQ0400}, {on: query, every: 3, do: 500-before}]\n",
    "faults: [{on: submit, every: 2, do: drop-after}, {on: query, every: 3, do: drop-before},\n"
    "  {on: record, every: 5, do: record-error, error_id: KJR0099}]\nshuffle_results: true\nomit_every: 4\npolls: 3\n",
]


class Killer:
    """Spends a number of kills over the test: each at a random failpoint of the run it strikes."""

    def __init__(self, kills: int) -> None:
        self.left = kills
        self.struck = 0
        self.random = random.Random(20261102)

    def run(self, city: City, share: int, *arguments: str) -> None:
        """Runs a job, killed `share` times at most, then to its end."""
        for _ in range(share):
            if self.left == 0:
                break
            probe = self.random.randint(1, self.random.choice([4, 12, 40, 120]))
            result = city.gateway("run", *arguments, kill_at=probe)
            if result.returncode == -9:
                self.struck += 1
                self.left -= 1
            else:
                expect(result.returncode in (0, 1, 69, 75), f"{arguments}: {result.returncode}\n{result.stderr}")
        result = city.gateway("run", *arguments)
        expect(result.returncode in (0, 1, 69, 75),
               f"run {' '.join(arguments)} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        expect(city.query(city.ledger, "SELECT count(*) FROM comparison WHERE closed = 0") == 0, "an account does not close")


def ten_days(binaries: Path, persons: str = "5000", kills: str = "0") -> None:
    killer = Killer(int(kills))
    per_day = int(kills) // 10
    with City(binaries, int(persons), seed=7) as city:
        city.start_simulator(MIDDLE_SERVER + DAYS[0])
        killer.run(city, per_day, "initial-setup", "--yes", "--base-date", "2026-11-01", "--wait", "1h")
        city.settle()
        setup = city.json("status")["insurers"][0]
        expect(setup["setupComplete"], "the setup is not complete")
        for day in range(1, 11):
            city.advance()
            city.change_scenario(MIDDLE_SERVER + DAYS[day - 1])
            killer.run(city, per_day, "daily-sync")
            if day % 3 == 0:
                killer.run(city, 2, "retry-due", "--wait", "5m")
        # Whatever kill was not spent yet falls on runs of the last day.
        guard = 0
        while killer.left > 0 and guard < int(kills) * 4:
            guard += 1
            city.now += 3_600_000
            city.change_source("UPDATE 宛名 SET 郵便番号 = '29" + f"{guard % 100000:05}" + "' WHERE 最新フラグ = '1' AND "
                               f"宛名番号 IN (SELECT 宛名番号 FROM 宛名 ORDER BY 宛名番号 LIMIT 30 OFFSET {guard})")
            killer.run(city, 1, "daily-sync")
        expect(killer.left == 0, f"{killer.left} kills could not be placed")
        # Quiet again: an operator resends what was held for unknown errors and refused requests.
        city.change_scenario(MIDDLE_SERVER)
        for reason in ("KJX9999", "KJQ0400", "batch-aborted"):
            city.gateway("held", "resend", "--reason", reason)
        city.settle()
        city.now += 3_600_000
        city.run_job("daily-sync")
        city.settle()
        before = city.effects()
        city.run_job("daily-sync", status=0)
        expect(city.effects() == before, "a day without change sent something")
        expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")
        spool = list((city.folder / "state/spool").iterdir())
        expect(not spool, f"{len(spool)} spool files are left")
        city.check()
        print(f"{killer.struck} kills, {city.effects()} effects")


if __name__ == "__main__":
    main(ten_days)
