#!/usr/bin/env python3
"""Sixty days of a city whose people meet every outcome at the 中間サーバー: cases, evidence, a clerk with a spreadsheet.

usage: pmh_cases_test.py BINARIES [PERSONS]
"""

import csv
import sqlite3
from pathlib import Path

from harness import City, expect, main

DAYS = 60
GROUPS = (
    "late",  # right number, unknown until day 20; the enrolment is confirmed anew on day 24
    "wrong_by_itself",  # wrong number, corrected in the source on day 5 without a word
    "wrong_found",  # wrong number, a clerk says so; corrected on day 8
    "exempt",  # 生活保護
    "exempt_ended",  # 生活保護 until day 30
    "enrolled_later",  # not enrolled, enrolled on day 15
    "unconfirmable",
    "confirmed_later",  # unconfirmable until day 40
    "slow",  # 中間サーバー silent until day 10: an operator is asked
    "several",  # several persons until day 12: an operator is asked
    "moving",  # 生活保護, and a new address every tenth day
    "leaving",  # unknown, gone from the source on day 9
    "renumbered",  # unknown, history renumbered on day 4, known from day 6
)
CLERK_A_DAY = 30  # cases a clerk gets through


class Town:
    """The city, the groups, and what is true of their people."""

    def __init__(self, city: City) -> None:
        self.city = city
        connection = sqlite3.connect(city.source)
        rows = connection.execute("""
            SELECT q.被保険者番号 FROM 被保険者資格 q JOIN 宛名 a ON a.宛名番号 = q.宛名番号 AND a.最新フラグ = '1'
            JOIN 医療保険加入 h ON h.宛名番号 = q.宛名番号 AND h.加入区分 = '1'
            WHERE q.最新フラグ = '1' AND q.資格喪失日 IS NULL AND q.被保険者番号 LIKE '0%' AND a.個人番号 IS NOT NULL
            AND a.住所 IS NOT NULL AND q.宛名番号 NOT IN (SELECT 宛名番号 FROM 生活保護) ORDER BY 1""").fetchall()
        connection.close()
        persons = [row[0] for row in rows]
        size = max(2, len(persons) // 100)
        # Spread over the city, so that the days of change meet them as they meet everyone.
        self.groups = {name: persons[i::len(GROUPS) * 3][:size] for i, name in enumerate(GROUPS)}
        self.day = 0
        connection = sqlite3.connect(city.source)
        self.elsewhere = [row[0] for row in connection.execute("""
            SELECT j.被保険者番号 FROM 住所地特例 j JOIN 被保険者資格 q ON q.被保険者番号 = j.被保険者番号 AND q.最新フラグ = '1'
            WHERE q.資格喪失日 IS NULL ORDER BY 1 LIMIT 6""")]
        connection.close()
        # 住所地特例: the numbers of these arrive on day 7, those of others when the sample city says so.
        self.change_numbers("NULL")
        self.each("exempt", "INSERT INTO 生活保護 VALUES ('{a}', 1, '2026-01-05', '9999-12-31', '1', '0', 'T', '2026-01-05', '17:15:00')")
        self.each("exempt_ended", "INSERT INTO 生活保護 VALUES ('{a}', 1, '2025-04-01', '9999-12-31', '1', '0', 'T', '2025-04-01', '17:15:00')")
        self.each("moving", "INSERT INTO 生活保護 VALUES ('{a}', 1, '2024-04-01', '9999-12-31', '1', '0', 'T', '2024-04-01', '17:15:00')")
        for group in ("exempt", "exempt_ended", "moving", "enrolled_later"):
            self.enrol(group, "2")
        for group in ("unconfirmable", "confirmed_later"):
            self.enrol(group, "9")

    def each(self, group: str, sql: str) -> None:
        self.city.change_source(";\n".join(sql.format(a="00000" + number, n=number) for number in self.groups[group]))

    def today(self) -> str:
        return self.city.today()

    def change_numbers(self, to: str) -> None:
        self.city.change_source(";\n".join(f"UPDATE 宛名 SET 個人番号 = {to.format(n=number)} WHERE 宛名番号 = '00000{number}' "
                                           "AND 最新フラグ = '1'" for number in self.elsewhere))

    def enrol(self, group: str, kind: str) -> None:
        self.each(group, f"UPDATE 医療保険加入 SET 加入区分 = '{kind}', 確認日 = '{self.today()}' WHERE 宛名番号 = '{{a}}'")

    def correct_number(self, group: str) -> None:
        """Another test number: the last two of the eleven digits change, and the check digit with them."""
        connection = sqlite3.connect(self.city.source)
        with connection:
            for number in self.groups[group]:
                address = "00000" + number
                wrong = connection.execute("SELECT 個人番号 FROM 宛名 WHERE 宛名番号 = ? AND 最新フラグ = '1'", (address,)).fetchone()
                if wrong is not None:
                    connection.execute("UPDATE 宛名 SET 個人番号 = ? WHERE 宛名番号 = ? AND 最新フラグ = '1'",
                                       (another_number(wrong[0]), address))
        connection.close()

    def truth_today(self) -> str:
        """The 中間サーバー on this day, as a scenario."""
        unknown = [*self.groups["exempt"], *self.groups["moving"], *self.groups["unconfirmable"], *self.groups["leaving"]]
        for group, until in (("late", 20), ("exempt_ended", 30), ("enrolled_later", 15), ("confirmed_later", 40),
                             ("renumbered", 6)):
            if self.day < until:
                unknown += self.groups[group]
        lists = {"unknown": unknown, "wrong_number": self.groups["wrong_by_itself"] + self.groups["wrong_found"],
                 "slow": self.groups["slow"] if self.day < 10 else [],
                 "several": self.groups["several"] if self.day < 12 else []}
        quoted = {name: ", ".join(f"'{number}'" for number in numbers) for name, numbers in lists.items()}
        return "middle_server: {" + ", ".join(f"{name}: [{numbers}]" for name, numbers in quoted.items()) + "}\n"

    def happen(self) -> None:
        """What changes in the source on this day."""
        if self.day == 4:
            self.each("renumbered", "UPDATE 被保険者資格 SET 履歴番号 = 履歴番号 + 100 WHERE 被保険者番号 = '{n}' AND 最新フラグ = '0';"
                                    "UPDATE 被保険者資格 SET 履歴番号 = 1 WHERE 被保険者番号 = '{n}' AND 最新フラグ = '1'")
        elif self.day == 5:
            self.correct_number("wrong_by_itself")
        elif self.day == 7:
            for number in self.elsewhere:
                self.city.change_source(f"UPDATE 宛名 SET 個人番号 = '{another_number('9' + number + '0')}' "
                                        f"WHERE 宛名番号 = '00000{number}' AND 最新フラグ = '1'")
        elif self.day == 8:
            self.correct_number("wrong_found")
        elif self.day == 9:
            for table in ("被保険者資格", "要介護認定", "同意"):
                self.each("leaving", f"UPDATE {table} SET 削除フラグ = '1' WHERE 被保険者番号 = '{{n}}'")
        elif self.day == 15:
            self.enrol("enrolled_later", "1")
        elif self.day == 24:
            self.enrol("late", "1")
        elif self.day == 30:
            self.each("exempt_ended", f"UPDATE 生活保護 SET 終了日 = '{self.today()}' WHERE 宛名番号 = '{{a}}'")
        elif self.day == 31:
            self.enrol("exempt_ended", "1")
        elif self.day == 40:
            self.enrol("confirmed_later", "1")
        if self.day % 10 == 0:
            self.each("moving", f"UPDATE 宛名 SET 住所 = '見本市{self.day}丁目' WHERE 宛名番号 = '{{a}}' AND 最新フラグ = '1'")

    def answer(self, row: dict[str, str]) -> str:
        """What a clerk finds out about a case; nothing when there is nothing to say today."""
        number = row["insured"].lstrip("'")
        answers = row["answers"].split(" / ")
        if "the マイナンバー is right" in answers and "the マイナンバー is wrong" in answers:
            if number in self.groups["wrong_found"]:
                return "mynumber-wrong"
            if number in self.groups["wrong_by_itself"]:
                return ""  # the clerk never comes to these
            return "mynumber-correct"
        if "send it as 更新" in answers:
            return "renew" if self.day >= 13 else ""
        if "not exempt" in answers:  # the same evidence does not answer twice: a person must
            return "not-exempt"
        if "enrolled" in answers and "not enrolled" in answers:
            return "enrolled"
        return ""


def another_number(number: str) -> str:
    eleven = number[:9] + f"{(int(number[9:11]) + 37) % 100:02}"
    total = sum(int(eleven[11 - n]) * (n + 1 if n <= 6 else n - 5) for n in range(1, 12))
    right = 0 if total % 11 <= 1 else 11 - total % 11
    return eleven + str((right + 1) % 10)


def clerk(town: Town) -> int:
    """Takes the work list as a spreadsheet, answers what can be answered today, gives it back, twice."""
    city, table = town.city, town.city.folder / "cases.csv"
    table.unlink(missing_ok=True)  # an export takes another name where a file is
    expect(city.gateway("cases", "export", str(table)).returncode == 0, "the export failed")
    with open(table, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    columns = [heading.split(" ")[-1] for heading in rows[0]]
    answered = 0
    for row in rows[1:]:
        finding = town.answer(dict(zip(columns, row)))
        if finding and answered < CLERK_A_DAY:
            row[columns.index("finding")] = finding
            row[columns.index("note")] = "=見本"  # a spreadsheet must not compute it
            answered += 1
    if answered == 0:
        return 0
    with open(table, "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    first = city.json("cases", "import", str(table), "--operator", "見本太郎")
    expect(first["decided"] == answered, f"{first} after {answered} answers")
    again = city.json("cases", "import", str(table), "--operator", "見本太郎")
    expect(again["decided"] == 0 and again["alreadyDecided"] == answered, f"a second import changed something: {again}")
    return answered


def pmh_cases(binaries: Path, persons: str = "2000") -> None:
    with City(binaries, int(persons), seed=11) as city:
        city.extra = "cases: {unanswered_tries: 4}\n"
        town = Town(city)
        city.start_simulator(town.truth_today())
        city.run_job("initial-setup", "--yes", "--wait", "2h")
        opened = len(city.json("cases", "list")["cases"])
        expect(opened >= 12 * 2, f"only {opened} cases were opened")
        answers = 0
        for town.day in range(1, DAYS + 1):
            city.advance()
            town.happen()
            city.change_scenario(town.truth_today())
            city.run_job("daily-sync")
            answers += clerk(town)
            city.run_job("retry-due", "--wait", "20m")
            if town.day == 1:
                waiting = {number for each in city.json("cases", "list")["withoutMyNumber"] if each["ask"] == "122069"
                           for number in each["insured"]}
                expect(len(waiting & set(town.elsewhere)) > 3, f"{waiting} wait for their number")
            if town.day == 9:
                states = {case["insured"]: case["state"] for case in city.json("cases", "list")["cases"]}
                for group, state in (("slow", "awaiting-operator"), ("several", "awaiting-operator"),
                                     ("exempt", "left-in-error"), ("unconfirmable", "left-in-error"),
                                     ("enrolled_later", "waiting-for-enrolment")):
                    for number in town.groups[group]:
                        expect(states.get(number, state) == state, f"{group}: {number} is at {states.get(number)}")
        city.settle()
        city.run_job("daily-sync")
        city.settle()
        check_end(town)
        print(f"{opened} cases at first, {answers} answers, {city.effects()} effects")


def check_end(town: Town) -> None:
    city = town.city
    cases = {case["insured"]: case for case in city.json("cases", "list")["cases"]}
    for number, case in cases.items():
        expect(case["state"] == "left-in-error", f"case {case['id']} of {number} is still at {case['state']}")
    for group, reason in (("exempt", "exempt"), ("moving", "exempt"), ("unconfirmable", "enrolment-unconfirmable")):
        there = [number for number in town.groups[group] if number in cases]
        expect(there, f"no case of {group} is left")
        for number in there:
            expect(cases[number]["reason"] == reason, f"{group}: {number} is left for {cases[number]['reason']}")
    settled = set(GROUPS) - {"exempt", "moving", "unconfirmable"}
    for group in settled:
        for number in town.groups[group]:
            expect(number not in cases, f"{group}: {number} is left in error")
    for number in town.groups["wrong_by_itself"]:
        rows = city.json("explain", "--insured", number)["records"]
        expect(all(row["state"] in ("registered", "rejected", "blocked") for row in rows), f"{number}: {rows}")
    for number in town.elsewhere:
        rows = city.json("explain", "--insured", number)["records"]
        expect(all(row["state"] != "blocked" for row in rows), f"{number} still waits: {rows}")
    # Deleted and registered anew: those who depended on them are still there.
    events = city.query(city.ledger, "SELECT count(*) FROM record_history WHERE event = 'probed'")
    expect(events > 0, "no dependant was probed")
    for event in ("source-number-ready", "source-exempt", "source-enrolled", "source-exemption-changed", "renew",
                  "source-enrolment-changed", "source-gone", "mynumber-wrong", "result-deleted"):
        count = city.query(city.ledger, "SELECT count(*) FROM pmh_case_history WHERE event = ?", event)
        expect(count > 0, f"no case took the step {event}")
    expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")
    city.check()


if __name__ == "__main__":
    main(pmh_cases)
