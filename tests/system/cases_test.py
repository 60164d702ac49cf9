#!/usr/bin/env python3
"""A clerk's work on PMHキー cases: the list, one case, answers, the spreadsheet, the report, and why consent is told."""

import csv
import html.parser
import json
from pathlib import Path

from harness import City, expect, main

UNKNOWN = ["0000000003", "0000000004", "0000000005", "0000000006", "0000000007", "0000000008"]


def case_of(city: City, insured: str) -> dict:
    return next(case for case in city.json("cases", "list")["cases"] if case["insured"] == insured)


def refused(city: City, *arguments: str, status: int = 2, says: str = "") -> None:
    result = city.gateway(*arguments)
    expect(result.returncode == status and says in result.stderr, f"{arguments}: {result.returncode} {result.stderr}")


def answers_fit_the_step(city: City) -> None:
    case = case_of(city, UNKNOWN[0])
    number = str(case["id"])
    expect([answer["finding"] for answer in case["answers"]] == ["mynumber-correct", "mynumber-wrong"], str(case))
    for finding in ("enrolled", "exempt", "renew", "reopen"):
        refused(city, "cases", "decide", number, "--finding", finding, says="mynumber-correct")
    refused(city, "cases", "decide", number, "--finding", "leave-in-error", says="--reason")
    refused(city, "cases", "decide", number, "--finding", "leave-in-error", "--reason", "exempt")
    refused(city, "cases", "decide", number, "--finding", "leave-in-error", "--reason", "tired")
    refused(city, "cases", "decide", number, "--finding", "perhaps")
    refused(city, "cases", "decide", "9999", "--finding", "mynumber-correct")
    refused(city, "cases", "show", "9999")
    refused(city, "cases", "list", "--state", "nowhere")
    for note in ("9000 0000 0017", "９００００００００００１７", "see 900000000017!", "９０００－００００－００１７", "9000　0000　0017",
                 "9000.0000.0017", "2026-11-02 900000_000017"):
        refused(city, "cases", "decide", number, "--finding", "mynumber-correct", "--note", note)
    refused(city, "cases", "decide", number, "--finding", "mynumber-correct", "--operator", "a\nb")
    expect(case_of(city, UNKNOWN[0]) == case, "a refused answer changed the case")

    # A number is written as it is printed: to a parser 062 would be another person's case.
    for spelling in ("0" + number, hex(int(number)), "+" + number, number + ".0"):
        refused(city, "cases", "decide", spelling, "--finding", "mynumber-correct")
        refused(city, "cases", "show", spelling)
    refused(city, "cases", "decide", number)
    refused(city, "cases", "decide", "--finding", "mynumber-correct")
    refused(city, "cases", "decide", number, "--insured", UNKNOWN[0], "--finding", "mynumber-correct")
    refused(city, "cases", "decide", number, "--reverse", says="no answer to take back")
    expect(case_of(city, UNKNOWN[0]) == case, "a refused answer changed the case")

    # The answer, and as far as what the source says reaches.
    decided = city.json("cases", "decide", "--insured", UNKNOWN[0], "--finding", "mynumber-correct", "--note", "住基 2026-11-02",
                        "--operator", "見本")
    expect(decided == {"case": case["id"], "insurer": city.insurer, "insured": UNKNOWN[0], "question": case["question"],
                       "findings": ["mynumber-correct"], "state": "ready-to-renew"}, str(decided))
    shown = city.json("cases", "show", number)
    step, *followed = shown["history"][-3:]
    expect(step["event"] == "mynumber-correct" and step["note"] == "住基 2026-11-02" and step["actor"].startswith("見本 ("), str(step))
    expect([each["event"] for each in followed] == ["source-not-exempt", "source-enrolled"] and
           all(each["actor"] is None and each["note"] is None for each in followed), str(followed))
    log = (city.folder / "state/audit.log").read_text(encoding="utf-8")
    expect("case-decided" in log and "見本" in log, "the decision is not in the audit log")
    city.run_job("retry-due", "--wait", "10m")
    events = [each["event"] for each in city.json("cases", "show", number)["history"]]
    expect(events[2:5] == ["source-not-exempt", "source-enrolled", "renewal-sent"], str(events))


def a_spreadsheet_takes_all_or_nothing(city: City) -> None:
    table = city.folder / "cases.csv"
    expect(city.gateway("cases", "export", str(table), "--reason", "KJP0001").returncode == 0, "no export")
    expect(table.read_bytes().startswith(b"\xef\xbb\xbf"), "no BOM: Excel would not know the encoding")
    with open(table, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    columns = [heading.split(" ")[-1] for heading in rows[0]]
    at = {name: columns.index(name) for name in ("case", "version", "insured", "finding", "reason", "note")}
    expect(all(row[at["insured"]].startswith("'0") for row in rows[1:]), "leading zeros would be lost")

    def write(changed: list[list[str]], encoding: str = "utf-8-sig") -> None:
        with open(table, "w", encoding=encoding, newline="", errors="ignore") as file:
            csv.writer(file).writerows(changed)

    def answered(*findings: str) -> list[list[str]]:
        out = [row[:] for row in rows]
        for row, finding in zip(out[1:], findings):
            row[at["finding"]] = finding
        return out

    def state() -> dict:
        return {case["id"]: (case["state"], case["version"]) for case in city.json("cases", "list")["cases"]}

    before = state()
    faulty = answered("mynumber-correct", "exempt", "mynumber-correct", "mynumber-correct", "mynumber-correct")
    faulty[3][at["case"]] = "x"
    faulty[4][at["version"]] = "7"
    faulty[5][at["note"]] = "9000-0000-0017"
    faulty.append(faulty[1][:])
    faulty[-1][at["insured"]] = "0000000099"
    write(faulty)
    result = city.gateway("cases", "import", str(table))
    expect(result.returncode == 65, f"{result.returncode} {result.stderr}")
    for line in (3, 4, 5, 6, len(faulty)):
        expect(f"line {line}: " in result.stderr, f"line {line} is not named:\n{result.stderr}")
    expect("line 2:" not in result.stderr and state() == before, "an import with faults changed something")
    twice = answered("mynumber-correct")
    twice.append(twice[1][:])
    write(twice)
    refused(city, "cases", "import", str(table), status=65, says="twice")
    write(rows[1:])
    refused(city, "cases", "import", str(table), status=65, says="column")
    table.write_bytes(b"PK\x03\x04 xl/workbook.xml")
    refused(city, "cases", "import", str(table), status=65, says=".xlsx")
    table.write_bytes("番号,回答\r\n".encode("euc-jp") + b"\xff\xff")
    refused(city, "cases", "import", str(table), status=65, says="CP932")
    # As Excel's plain CSV in Japan, or its "Unicode text", would: taken, and nothing decided yet.
    for encoding, delimiter in (("cp932", ","), ("utf-16", "\t"), ("utf-8", "\t")):
        with open(table, "w", encoding=encoding, newline="", errors="replace") as file:
            csv.writer(file, delimiter=delimiter).writerows(answered("the マイナンバー is right。"))
        trial = city.json("cases", "import", str(table), "--dry-run")
        expect(trial["decided"] == 1, f"{encoding}: {trial}")
    # What of a table is not taken is told: other columns, notes without an answer, rows that are missing.
    odd = [["老番" if i == 0 else "", *row] for i, row in enumerate(answered("mynumber-correct"))][:3]
    odd[0][at["note"] + 1] = "備考"
    odd[2][at["note"] + 1] = "asked at the counter"
    odd[1][at["case"] + 1] = "".join(chr(ord(c) + 0xFEE0) for c in odd[1][at["case"] + 1])
    write(odd)
    trial = city.json("cases", "import", str(table), "--dry-run")
    expect(trial["decided"] == 1 and len(trial["notices"]) == 3 and "老番" in trial["notices"][0] and
           f"had {len(rows) - 1} rows" in trial["notices"][1] and "line 3" in trial["notices"][2], str(trial))
    twice_named = answered()
    twice_named[0][at["reason"]] = "my note"
    write(twice_named)
    refused(city, "cases", "import", str(table), status=65, says='"note" 2 times')
    shortened = answered("mynumber-correct")
    shortened[1][at["case"]] = "1.23E+09"
    write(shortened)
    refused(city, "cases", "import", str(table), status=65, says="1.23E+09")
    expect(city.gateway("cases", "import", str(city.folder / "no-such-file.csv")).returncode != 0, "a file that is not there")
    expect(state() == before, "a refused import changed something")

    # As Excel gives it back: leading zeros lost, answers in the words of the table.
    words = answered("the マイナンバー is right", "mynumber-correct")
    for row in words[1:]:
        row[at["insured"]] = row[at["insured"]].lstrip("'0")
        row[at["note"]] = "'=HYPERLINK(1)"
    write(words)
    trial = city.json("cases", "import", str(table), "--dry-run")
    expect(trial["decided"] == 2 and state() == before, "a dry run decided something")
    first = city.json("cases", "import", str(table))
    expect(first == {"dryRun": False, "decided": 2, "alreadyDecided": 0, "withoutAnswer": len(rows) - 3,
                     "notices": [f"line {n}: a note or reason without an answer is not taken" for n in range(4, len(rows) + 1)]},
           str(first))
    written = city.gateway("cases", "import", str(table), "--dry-run").stdout
    expect("would be" in written and "decided" not in written, written)
    other = [row[:] for row in words]
    other[1][at["note"]] = "a second clerk's words"
    write(other)
    again = city.json("cases", "import", str(table))
    expect(again["alreadyDecided"] == 2 and len(again["notices"]) == len(first["notices"]) + 1, str(again))
    write(words)
    second = city.json("cases", "import", str(table))
    expect(second["decided"] == 0 and second["alreadyDecided"] == 2, str(second))
    city.run_job("retry-due", "--wait", "10m")
    third = city.json("cases", "import", str(table))
    expect(third["decided"] == 0, "an old table decided something again")
    # A file that is there stays, whatever it holds; the table takes a name beside it.
    work = table.read_bytes()
    exported = json.loads(city.gateway("cases", "export", str(table), "--format", "json").stdout)
    expect(exported["file"] == str(city.folder / "cases-2.csv") and table.read_bytes() == work, str(exported))
    steps = {row[columns.index("step")][0] for row in csv.reader(open(exported["file"], encoding="utf-8-sig", newline=""))}
    expect("⑦" not in steps, f"steps without an answer stand in the table: {steps}")
    table = Path(exported["file"])
    expect('"=' not in table.read_text(encoding="utf-8"), "a cell begins with =")
    expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")


def a_row_that_cannot_be_sent_says_so(city: City) -> None:
    """A case does not promise to go by itself while its row must be corrected first."""
    number = str(case_of(city, UNKNOWN[5])["id"])
    address = "00000" + UNKNOWN[5]
    kept = city.query(city.source, "SELECT 住所 FROM 宛名 WHERE 宛名番号 = ? AND 最新フラグ = '1'", address)
    city.change_source(f"UPDATE 宛名 SET 住所 = NULL WHERE 宛名番号 = '{address}'")
    city.json("cases", "decide", number, "--finding", "mynumber-correct")
    city.run_job("retry-due", "--wait", "10m")
    case = city.json("cases", "show", number)
    expect(case["state"] == "ready-to-renew" and case["hindrance"] == "validation:address:required", str(case))
    expect("correct the row" in case["question"] and "住所" in case["question"], case["question"])
    expect(any("cannot go on" in sentence for sentence in city.json("report")["toDo"]), "the report does not tell it")
    city.change_source(f"UPDATE 宛名 SET 住所 = '{kept}' WHERE 宛名番号 = '{address}'")
    city.run_job("daily-sync")
    case = city.json("cases", "show", number)
    expect(case["hindrance"] is None and any(step["event"] == "renewal-sent" for step in case["history"]), str(case))


def decisions_open_no_way_past_the_guards(city: City) -> None:
    """A decided case is looked at by every job: that must not delete a city by mistake, nor take another key for another number."""
    number = str(case_of(city, UNKNOWN[4])["id"])
    city.json("cases", "decide", number, "--finding", "mynumber-correct")
    held = city.query(city.platform, "SELECT count(*) FROM record")
    city.change_source("CREATE TABLE kept AS SELECT * FROM 被保険者資格; DELETE FROM 被保険者資格")
    city.run_job("retry-due", "--wait", "10m")
    refused(city, "run", "daily-sync", status=1, says="--accept-drop")
    expect(city.query(city.platform, "SELECT count(*) FROM record") == held, "a decided case let persons be deleted")
    city.change_source("INSERT INTO 被保険者資格 SELECT * FROM kept; DROP TABLE kept")
    key = city.folder / "pki/spool.key"
    before, effects = key.read_bytes(), city.effects()
    key.write_bytes(bytes(32))
    city.run_job("retry-due", "--wait", "10m")
    refused(city, "run", "daily-sync", status=1, says="--accept-resend")
    key.write_bytes(before)
    expect(city.effects() == effects, "another key was taken for another マイナンバー")
    city.run_job("daily-sync")


class Links(html.parser.HTMLParser):
    """What an HTML file would fetch, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.outside += [f"{tag} {name}" for name, _ in attributes if name in ("src", "href", "action", "data")]
        if tag in ("script", "link", "iframe", "object"):
            self.outside.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass  # closed where it opens

    def handle_endtag(self, tag: str) -> None:
        expect(self.open and self.open.pop() == tag, f"{tag} is out of place")


def reports(city: City) -> None:
    report = city.json("report", "--date", city.today())
    expect(report["toDo"] and report["runs"] and report["comparisons"], str(report)[:500])
    cases = {each["state"]: each["count"] for each in report["cases"]}
    listed = city.json("cases", "list")["cases"]
    expect(sum(cases.values()) == len(listed), f"{cases} of {len(listed)} cases")
    cause = next(each for each in report["causes"] if each["reason"] == "KJP0001")
    expect(len(cause["trend"]) > 2 and cause["count"] == cause["trend"][-1], str(cause))
    expect(report["certificates"][0]["daysLeft"] > 3000, "certificate days")
    past = city.json("report", "--date", "2026-10-01")
    expect(past["runs"] == [] and past["toDo"] == [], f"a day without runs has some, or asks for something: {past}")
    for kind in ("text", "csv", "html"):
        result = city.gateway("report", "--date", city.today(), "--format", kind)
        expect(result.returncode == 0 and "介護被保険者番号等情報" in result.stdout, f"{kind}: {result.stdout[:200]}")
    city.write_config(language="ja")
    out = city.folder / "report.html"
    expect(city.gateway("report", "--run", "2", "--format", "html", "--output", str(out)).returncode == 0, "no report")
    page = out.read_text(encoding="utf-8")
    parser = Links()
    parser.feed(page)
    expect(not parser.outside and not parser.open, f"{parser.outside} {parser.open}")
    expect('lang="ja"' in page and "@page" in page and "<svg" in page and "マイナンバー" in page, "not a Japanese A4 page")
    city.write_config(language="en")
    refused(city, "report", "--run", "99999")
    refused(city, "report", "--date", "2099-01-01", says="not come yet")
    refused(city, "report", "--run", "1", "--date", city.today())


def consent_says_why(city: City) -> None:
    """One person after the other: what explain says, beside what the platform was told."""
    reasons = set()
    states = city.json("status")["insurers"][0]["records"]["care-certifications"]
    expect(states["registered"] > 50, str(states))
    for n in range(1, 151):
        for record in city.json("explain", "--insured", f"{n:010}")["records"]:
            consent = record["consent"]
            if record["kind"] == "insured-persons":
                expect(consent is None, "a person's record carries no consent")
                continue
            if consent is None:
                continue
            reasons.add(consent["reason"])
            if record["kind"] == "care-certifications" and record["state"] == "registered":
                insured, applied, history = record["key"].split(" ")
                told = city.query(city.platform, "SELECT json_extract(content, '$.consentAtApplication') FROM record "
                                                 "WHERE kind = 'care-certifications' AND key = ?", f"{insured}/{applied}/{history}")
                expect(bool(told) == consent["granted"], f"{record['key']}: told {told}, explained {consent}")
    expect({"granted", "not-consented", "old-consent", "old-form"} <= reasons, str(reasons))


def expected_errors_are_told_before(city: City) -> None:
    city.change_source("UPDATE 宛名 SET 個人番号 = (SELECT 個人番号 FROM 宛名 WHERE 宛名番号 = '000000000000011' AND 最新フラグ = '1') "
                       "WHERE 宛名番号 = '000000000000012' AND 最新フラグ = '1';"
                       "UPDATE 宛名 SET 個人番号 = '900000000000' WHERE 宛名番号 = '000000000000013' AND 最新フラグ = '1';"
                       "UPDATE 宛名 SET 個人番号 = NULL WHERE 宛名番号 = '000000000000014' AND 最新フラグ = '1';"
                       "UPDATE 医療保険加入 SET 加入区分 = '9' WHERE 宛名番号 = '000000000000015'")
    kinds = json.loads(city.gateway("validate-mapping", "--record", "insured-persons", "--format", "json").stdout)["kinds"]
    forecast = kinds[0]["setupErrors"]
    expect(["0000000011", "0000000012"] in forecast["sameMyNumber"], str(forecast["sameMyNumber"]))
    expect(forecast["wrongMyNumber"] == ["0000000013"], str(forecast["wrongMyNumber"]))
    expect({"ask": None, "insured": ["0000000014"]} in forecast["withoutMyNumber"], str(forecast["withoutMyNumber"]))
    expect("0000000015" in forecast["enrolmentUnconfirmable"] and forecast["exempt"], str(forecast))
    city.run_job("daily-sync")
    same = city.json("report")["sameMyNumber"]
    expect(same == [{"insurer": city.insurer, "insured": ["0000000011", "0000000012"]}], str(same))


def unreadable_evidence_stops_nothing(city: City) -> None:
    mapping = city.folder / "mapping.yaml"
    mapping.write_text(city.mapping.read_text(encoding="utf-8").replace('"9": unconfirmable', '"8": unconfirmable'), encoding="utf-8")
    city.mapping = mapping
    city.write_config()
    city.change_source("UPDATE 宛名 SET 郵便番号 = '2900001' WHERE 宛名番号 = '000000000000021' AND 最新フラグ = '1'")
    before = city.effects()
    result = city.run_job("daily-sync", "--accept-resend", status=1)
    expect("evidence" in result.stderr and city.effects() > before, f"{result.stderr}")


def cases(binaries: Path) -> None:
    with City(binaries, 400, seed=5) as city:
        city.start_simulator("middle_server: {unknown: [" + ", ".join(f"'{number}'" for number in UNKNOWN) + "], slow_share: 50}\n")
        for number in UNKNOWN:  # what the sample city says of them must not stand in the way
            city.change_source(f"DELETE FROM 生活保護 WHERE 宛名番号 = '00000{number}';"
                               f"UPDATE 医療保険加入 SET 加入区分 = '1' WHERE 宛名番号 = '00000{number}'")
        city.run_job("initial-setup", "--yes", "--wait", "2h", status=1)
        city.advance()
        city.run_job("daily-sync")
        answers_fit_the_step(city)
        a_spreadsheet_takes_all_or_nothing(city)
        a_row_that_cannot_be_sent_says_so(city)
        decisions_open_no_way_past_the_guards(city)
        reports(city)
        consent_says_why(city)
        city.check()
        expected_errors_are_told_before(city)
        unreadable_evidence_stops_nothing(city)
        city.search_my_numbers()


if __name__ == "__main__":
    main(cases)
