"""An initial setup that is killed, stopped and shut out at random points ends with the certificate of an undisturbed
one; and one during which the source changes ends, after the first daily sync, with platform = source."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from harness import START_MS, City, expect, main

EVENING = START_MS + 18 * 3_600_000  # 20:30 in Japan: 45 minutes later the platform is closed for an hour
MIDDLE_SERVER = "middle_server: {unknown_share: 100, several_share: 20}\npolls: 1\n"


def prepare(city: City, records_a_request: int) -> None:
    city.now = EVENING
    city.platform_extra = f'  service_window: "22:00-21:00"\n  max_records: {records_a_request}'
    city.start_simulator(MIDDLE_SERVER)


def certificate(city: City) -> dict:
    run = city.query(city.ledger, "SELECT max(run) FROM certificate")
    return city.json("report", "--run", str(run))["certificates"][0]


def essence(document: dict) -> list[dict]:
    """What must not depend on how the setup went: everything but the number of requests it took."""
    return [{name: kind[name] for name in ("kind", "rows", "exceptions", "goneSince", "unconfirmed", "ranges", "differences")}
            for kind in document["kinds"]]


def disturbed(binaries: Path, undisturbed: City, persons: int, points: int, records_a_request: int) -> None:
    chance = random.Random(20261102)
    struck = {"KILL": 0, "TERM": 0, "JUMP": 0}
    with City(binaries, persons, seed=7) as city:
        shutil.copy(undisturbed.folder / "pki/spool.key", city.folder / "pki/spool.key")
        prepare(city, records_a_request)
        # So close together that nearly all of them fall within the setup: six failpoints a request, and more.
        reach = max(4, int(1.2 * 6 * 1.4 * persons / records_a_request / points))
        while sum(struck.values()) < points:
            at = chance.randint(1, reach)
            what = {chance.choice(("KILL", "TERM")): at}
            if chance.random() < 0.5:
                what["JUMP"] = chance.randint(1, at)
            result = city.gateway("run", "initial-setup", "--yes", "--base-date", "2026-11-02", disturbances=what)
            if result.returncode in (0, 1):
                break
            for each in what:
                struck[each] += 1
            expect(result.returncode in (-9, 75), f"{what}: {result.returncode}\n{result.stderr}")
        city.run_job("initial-setup", "--yes", "--base-date", "2026-11-02")
        city.run_job("reconcile")
        expect(city.json("status")["insurers"][0]["setupComplete"], "the setup is not complete")
        expect(essence(certificate(city)) == essence(certificate(undisturbed)), "the certificates differ")
        expect(city.query(city.ledger, "SELECT count(*) FROM comparison WHERE closed = 0") == 0, "an account does not close")
        city.check()
        expect(2 * sum(struck.values()) >= points, f"only {struck} of {points} disturbances could be placed")
        print(f"disturbed {sum(struck.values())} times: {struck}, certificate equal")


def changing_source(binaries: Path, persons: int) -> None:
    chance = random.Random(7)
    with City(binaries, persons, seed=3) as city:
        prepare(city, 50)
        for minute in range(12):
            result = city.gateway("run", "initial-setup", "--yes", "--base-date", "2026-11-02",
                                  disturbances={"TERM": chance.randint(5, 60)})
            expect(result.returncode in (0, 1, 75), f"{result.returncode}\n{result.stderr}")
            first = chance.randrange(persons)
            city.change_source(
                f"UPDATE 宛名 SET 郵便番号 = '29{minute:05}' WHERE 最新フラグ = '1' AND 宛名番号 IN "
                f"(SELECT 宛名番号 FROM 宛名 ORDER BY 宛名番号 LIMIT 20 OFFSET {first});"
                f"DELETE FROM 被保険者資格 WHERE 被保険者番号 = '{first + 1:010}';"
                f"DELETE FROM 要介護認定 WHERE 被保険者番号 = '{first + 1:010}';"
                f"DELETE FROM 同意 WHERE 被保険者番号 = '{first + 1:010}';")
        city.run_job("initial-setup", "--yes")
        city.settle()
        # It changed a tenth of the city: a person says that this is right.
        city.run_job("daily-sync", "--accept-change")
        city.settle()
        city.run_job("reconcile")
        found = certificate(city)
        expect(found["complete"] and found["differences"] == 0, json.dumps(found["kinds"], ensure_ascii=False)[:2000])
        city.check()


def resumed_on_less(binaries: Path) -> None:
    """A setup that was broken off does not go on with a source that has lost its rows since."""
    with City(binaries, 600, seed=5) as city:
        prepare(city, 20)
        city.gateway("run", "initial-setup", "--yes", disturbances={"TERM": 25})
        expect(city.effects() > 20, "nothing was sent before it was broken off")
        tables = ("被保険者資格", "要介護認定", "同意")
        for table in tables:
            city.change_source(f"CREATE TABLE 控え_{table} AS SELECT * FROM {table}")
        for share in ("1", "被保険者番号 > '0000000300'"):
            for table in tables:
                city.change_source(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM 控え_{table} WHERE NOT ({share})")
            before = city.effects()
            asked = city.gateway("run", "initial-setup", "--yes")
            expect(asked.returncode == 1 and "--accept-drop" in asked.stderr, f"{share}: {asked.returncode} {asked.stderr}")
            expect(not city.json("status")["insurers"][0]["setupComplete"], f"{share}: it is complete")
            expect(city.query(city.platform, "SELECT count(*) FROM effect WHERE update_kind = '3'") == 0, f"{share}: deletions, after {before}")
        for table in tables:
            city.change_source(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM 控え_{table}; DROP TABLE 控え_{table}")
        city.run_job("initial-setup", "--yes")
        city.settle()
        expect(city.json("status")["insurers"][0]["setupComplete"], "the whole source does not complete it")
        city.check()


def plan_and_pre_flight(binaries: Path) -> None:
    with City(binaries, 400, seed=5) as city:
        prepare(city, 100)
        plan = json.loads(city.gateway("run", "initial-setup", "--dry-run", "--format", "json").stdout)
        persons = plan["plan"][0]
        expect(persons["requests"] == -(-persons["records"] // 100) and persons["bytes"] > 300 * persons["records"], str(plan))
        expect(plan["seconds"] is None, "a rate was made up")
        expect(not city.platform.exists() or city.effects() == 0, "a dry run sent something")
        asked = city.gateway("run", "initial-setup")
        expect(asked.returncode == 1 and "PIA" in asked.stderr, asked.stderr)
        expect("usable" in asked.stderr and "doctor" not in asked.stdout, asked.stderr)
        city.settings["preconditions"] = "{pia_done: true, setup_date: 2026-11-03, method: batch}"
        city.write_config()
        early = city.gateway("run", "initial-setup", "--yes")
        expect(early.returncode == 1 and "2026-11-03" in early.stderr, early.stderr)
        expect(city.effects() == 0, "the setup began before its day")
        del city.settings["preconditions"]
        city.write_config()
        city.run_job("initial-setup", "--yes")
        again = city.gateway("run", "reconcile")
        expect(again.returncode == 0 and "complete: every row" in again.stdout, again.stdout + again.stderr)
        city.change_source("UPDATE 宛名 SET 郵便番号 = '2900001' WHERE 宛名番号 = (SELECT 宛名番号 FROM 被保険者資格 "
                           "WHERE 被保険者番号 = '0000000005');"
                           "DELETE FROM 同意 WHERE 取得経路 = '2' AND 被保険者番号 = (SELECT min(被保険者番号) FROM 同意 "
                           "WHERE 取得経路 = '2')")
        changed = city.gateway("run", "reconcile")
        expect(changed.returncode == 1 and "0000000005  changed in the source" in changed.stdout
               and "no longer in the source" in changed.stdout, changed.stdout)
        for kind in ("text", "html", "json"):
            run = str(city.query(city.ledger, "SELECT min(run) FROM certificate"))
            report = city.gateway("report", "--run", run, "--format", kind)
            expect(report.returncode == 0 and "insured-persons" in report.stdout, f"{kind}: {report.stdout[:300]}")
        expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")
        expect("certificate" in (city.folder / "state/audit.log").read_text(), "the certificate is not in the audit log")


def setup(binaries: Path, persons: str = "600", points: str = "12", records: str = "50") -> None:
    plan_and_pre_flight(binaries)
    resumed_on_less(binaries)
    changing_source(binaries, min(int(persons), 2000))
    with City(binaries, int(persons), seed=7) as undisturbed:
        prepare(undisturbed, int(records))
        undisturbed.run_job("initial-setup", "--yes", "--base-date", "2026-11-02")
        disturbed(binaries, undisturbed, int(persons), int(points), int(records))


if __name__ == "__main__":
    main(setup)
