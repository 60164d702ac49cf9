#!/usr/bin/env python3
"""Ten days of a city while the platform fails in every way it can; optionally with kill -9 at random moments.

Before some of the days there is a night on which the source is not what it should be: half loaded, locked, in another
order, or another file. Nothing is sent for it, and the day after goes on as if it had not been.

usage: ten_days_test.py BINARIES PERSONS KILLS
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
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
    "faults: [{on: record, at: [2, 5], do: record-error, error_id: KJX9999},\n"
    "  {on: submit, at: [1], do: '503', retry_after: 120}]\n",
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
        expect("--accept-" not in result.stderr, f"an ordinary day is held:\n{result.stderr}")
        expect(city.query(city.ledger, "SELECT count(*) FROM comparison WHERE closed = 0") == 0,
               "an account does not close")


# --- A source with everything that a sample alone does not have

WITHDRAWAL = 90  # 同意連番 of the withdrawals of this test


def enrich(city: City) -> None:
    """Remarks and diagnoses whose order a database does not give, and surveys whose overview says nothing."""
    city.change_source("""
        CREATE TABLE 新 AS SELECT * FROM 認定調査特記;
        INSERT INTO 新 SELECT 保険者番号, 被保険者番号, 認定履歴番号, 特記番号, '同じ番号の見本。', 最新フラグ, 削除フラグ,
            操作者ID, 操作年月日, 操作時刻 FROM 認定調査特記 WHERE 特記番号 = '107' AND 被保険者番号 LIKE '%3';
        DROP TABLE 認定調査特記;
        ALTER TABLE 新 RENAME TO 認定調査特記;
        UPDATE 主治医意見書傷病 SET 傷病名 = '白内障' WHERE 順位 = 2 AND 被保険者番号 LIKE '%4';
        UPDATE 認定調査 SET 居所 = NULL, 施設名 = NULL WHERE 被保険者番号 LIKE '%5' AND NOT EXISTS (
            SELECT 1 FROM 認定調査サービス v WHERE v.被保険者番号 = 認定調査.被保険者番号)""")


def withdraw(city: City) -> None:
    """Three who consented on the new form take it back."""
    city.change_source(f"""
        INSERT INTO 同意 SELECT n.保険者番号, n.被保険者番号, {WITHDRAWAL}, 1, 1, '{city.today()}', '3', '2', '2', '1', '0',
            'SAMPLE01', '{city.today()}', '17:15:00'
        FROM 要介護認定 n JOIN 被保険者資格 q ON q.被保険者番号 = n.被保険者番号 AND q.最新フラグ = '1'
            AND q.削除フラグ = '0' AND q.資格喪失日 IS NULL
        WHERE n.同意有無 = '1' AND n.様式の版 = '2' AND n.申請日 >= '20260401' AND n.認定状況 = '04' AND n.最新フラグ = '1'
            AND n.削除フラグ = '0' AND NOT EXISTS (SELECT 1 FROM 同意 d WHERE d.被保険者番号 = n.被保険者番号)
        ORDER BY n.被保険者番号 LIMIT 3""")


def unsay(city: City) -> list[str]:
    """Somebody makes a consent of two of the withdrawals, on their day: that is no later consent."""
    unsaid = city.values(city.source, "SELECT 被保険者番号 FROM 同意 WHERE 同意連番 = ? AND 最新フラグ = '1' "
                                      "AND 削除フラグ = '0' ORDER BY 1 LIMIT 2", WITHDRAWAL)
    expect(len(unsaid) == 2, "too few withdrawals are left")
    city.change_source(f"UPDATE 同意 SET 同意区分 = '1' WHERE 同意連番 = {WITHDRAWAL} AND 被保険者番号 <= '{unsaid[1]}'")
    return unsaid


# --- Nights


def a_bad_night(city: City, status: int | tuple[int, ...]) -> subprocess.CompletedProcess[str]:
    """A run for which nothing is sent but what was owed or refused before, or hangs on a person of whom that was."""
    owed = city.values(city.ledger, "SELECT CAST(substr(key, 1, 10) AS TEXT) FROM record WHERE state IN (1, 2, 6, 8) "
                                    "AND coalesce(reason, '') <> 'withdrawn-before'")
    before = city.query(city.platform, "SELECT coalesce(max(id), 0) FROM effect")
    result = city.run_job("daily-sync", status=status)
    sent = set(city.values(city.platform, "SELECT substr(key, 1, 10) FROM effect WHERE id > ?", before))
    expect(sent <= set(owed), f"a bad night sent records of {len(sent - set(owed))} persons:\n{result.stderr}")
    return result


def complete_comparisons(city: City, kind: str) -> int:
    return city.query(city.ledger, "SELECT count(*) FROM comparison c JOIN kind k ON k.id = c.kind WHERE k.name = ? "
                                   "AND c.scope = 'all' AND c.complete = 1", kind)


def half_loaded(city: City, table: str, kind: str) -> None:
    city.change_source(f"CREATE TABLE 控え AS SELECT * FROM {table}; DELETE FROM {table}")
    before = complete_comparisons(city, kind)
    result = a_bad_night(city, status=1)
    expect("--accept-change" in result.stderr or "--accept-drop" in result.stderr,
           f"{table} is empty, and no run is held:\n{result.stderr}")
    expect(complete_comparisons(city, kind) == before, f"{table} is empty, and {kind} is taken for compared")
    city.change_source(f"INSERT INTO {table} SELECT * FROM 控え; DROP TABLE 控え")


def locked(city: City) -> None:
    with closing(sqlite3.connect(city.source, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        a_bad_night(city, status=75)


def reordered(city: City) -> None:
    """No index, no primary key, and every table backwards: its rows are the same."""
    former = city.folder / "former.db"
    shutil.copy2(city.source, former)
    with closing(sqlite3.connect(city.source, isolation_level=None)) as source:
        tables = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = len(source.execute(f"SELECT * FROM {table}").description)
            backwards = ", ".join(f"{column} DESC" for column in range(1, columns + 1))
            source.executescript(f"CREATE TABLE 新 AS SELECT * FROM {table} ORDER BY {backwards}; DROP TABLE {table}; "
                                 f"ALTER TABLE 新 RENAME TO {table}")
        source.execute("VACUUM")
    result = a_bad_night(city, status=(0, 1))
    expect("--accept-" not in result.stderr, f"another order of rows is held:\n{result.stderr}")
    os.replace(former, city.source)


def swap(city: City) -> None:
    """Another database takes the source's place, with changes of its own."""
    other = city.folder / "other.db"
    shutil.copy2(city.source, other)
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("UPDATE 宛名 SET 郵便番号 = '2910099' WHERE 最新フラグ = '1' AND 宛名番号 IN "
                         "(SELECT 宛名番号 FROM 宛名 ORDER BY 宛名番号 LIMIT 5)")
    os.replace(other, city.source)


# On the night before which day; the source is that of the day before.
NIGHTS: dict[int, Callable[[City], None]] = {
    2: lambda city: half_loaded(city, "認定調査", "care-certifications"),
    4: locked,
    5: lambda city: half_loaded(city, "同意", "comprehensive-consents"),
    6: reordered,
    8: lambda city: half_loaded(city, "認定調査特記", "care-certifications"),
    9: lambda city: half_loaded(city, "主治医意見書", "care-certifications"),
}
WITHDRAWN_ON, SWAPPED_ON, UNSAID_ON = 3, 7, 8


def held_as_withdrawn(city: City) -> int:
    return city.query(city.ledger, "SELECT count(*) FROM record WHERE state = 6 AND reason = 'withdrawn-before'")


def catch_up(city: City) -> None:
    city.now += 3_600_000
    city.run_job("daily-sync")
    city.settle()


def ten_days(binaries: Path, persons: str = "5000", kills: str = "0") -> None:
    killer = Killer(int(kills))
    per_day = int(kills) // 10
    with City(binaries, int(persons), seed=7) as city:
        enrich(city)
        city.start_simulator(MIDDLE_SERVER + DAYS[0])
        killer.run(city, per_day, "initial-setup", "--yes", "--base-date", "2026-11-01", "--wait", "1h")
        city.settle()
        setup = city.json("status")["insurers"][0]
        expect(setup["setupComplete"], "the setup is not complete")
        unsaid: list[str] = []
        for day in range(1, 11):
            if day in NIGHTS:
                city.change_scenario(MIDDLE_SERVER)
                NIGHTS[day](city)
            city.advance()
            if day == WITHDRAWN_ON:
                withdraw(city)
            if day == SWAPPED_ON:
                swap(city)
            if day == UNSAID_ON:
                unsaid = unsay(city)
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
        catch_up(city)
        # What was withdrawn is not granted again, until a person says so or the source has it right.
        expect(held_as_withdrawn(city) == 4, f"{held_as_withdrawn(city)} records are held as withdrawn, not two of two")
        city.check()
        released, put_right = unsaid
        city.gateway("held", "resend", "--reason", "withdrawn-before", "--insured", released)
        city.change_source(f"UPDATE 同意 SET 同意区分 = '3' WHERE 同意連番 = {WITHDRAWAL} AND 被保険者番号 = '{put_right}'")
        city.settle()
        catch_up(city)
        expect(held_as_withdrawn(city) == 0, f"{held_as_withdrawn(city)} records are still held as withdrawn")
        granted = city.query(city.platform, "SELECT count(*) FROM record WHERE key LIKE ? AND (content LIKE ? OR "
                                            "content LIKE ?)", f"{released}/%", '%"consentAtApplication":true%',
                             '%"consent":"1"}')
        expect(granted == 2, "what an operator released is not granted")
        before = city.effects()
        city.run_job("daily-sync", status=1)
        expect(city.effects() == before, "a day without change sent something")
        expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")
        spool = list((city.folder / "state/spool").iterdir())
        expect(not spool, f"{len(spool)} spool files are left")
        city.check()
        print(f"{killer.struck} kills, {city.effects()} effects")


if __name__ == "__main__":
    main(ten_days)
