#!/usr/bin/env python3
"""Independent checker: does what the source has, what the ledger says and what the platform holds agree?

It reads the source database, the gateway's ledger and the state of the platform simulator, works out by itself which
records should stand where, and prints one line per fault. It shares no code and no data file with the gateway: the
mapping, the rules of the record kinds, the consent rules and the table of state changes are written down here a
second time, from docs and contract. A disagreement is a fault of the gateway or of this file; both are worth a look.

    checker.py --source SOURCE.db --insurer 122192 --platform STATE.db --ledger LEDGER.db --today 2026-11-02 --quiescent

It expects that the last comparison of every kind saw the source as it is now. With --quiescent nothing may be owed or
in flight either. Checks: the source against ledger and platform, the platform's journal, the accounts of the
comparisons, the rows that each query read, the edges that records and PMHキー cases took, each case against its
history, its record and the platform, why a consent is told as it is, that none is granted again once its withdrawal
was told, the integrity of both files.

Exit status: 0 no faults, 1 faults, 2 something could not be read. Lines carry keys, item names and counts: never a
マイナンバー, a name or an address.
"""

import argparse
import datetime
import hashlib
import hmac
import json
import re
import sqlite3
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

Row = sqlite3.Row
Rows = list[Row]

PERSONS = "insured-persons"
CERTIFICATIONS = "care-certifications"
CONSENTS = "comprehensive-consents"

LINES_SHOWN = 50


# --- Faults


@dataclass
class Faults:
    """What was found. Nothing that could be a マイナンバー or free text gets into a line."""

    lines: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, kind: str, key: object, what: str) -> None:
        self.total += 1
        if self.total <= LINES_SHOWN:
            self.lines.append(f"{word(kind)} {word(key)}: {re.sub(r'[0-9]{12,}', '(digits)', what)}")


def word(value: object) -> str:
    """A stored word (key, reason, event, code) as it may be printed."""
    text = str(value)
    safe = re.fullmatch(r"[0-9A-Za-z/:._-]{1,100}", text) and not re.search(r"[0-9]{12}", text)
    return text if safe else "(not printable)"


def open_database(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(Path(path).resolve().as_uri() + "?mode=ro", uri=True, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    database.execute("BEGIN")  # one snapshot for everything that is read
    return database


# --- Cells to items


class Invalid(Exception):
    """The row cannot become a record; the argument is the item at fault, never its value."""


OPEN_DATES = ("0000-01-01", "9999-12-31")
ERAS = {  # first year, first day, last day
    "明治": (1868, "1868-01-25", "1912-07-30"),
    "大正": (1912, "1912-07-30", "1926-12-25"),
    "昭和": (1926, "1926-12-25", "1989-01-07"),
    "平成": (1989, "1989-01-08", "2019-04-30"),
    "令和": (2019, "2019-05-01", "9999-12-31"),
}
COMPATIBILITY_IDEOGRAPH = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f])")
HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]+")
FULL_WIDTH_KANA = re.compile("[\u30a1-\u30fc\u3000]+")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
VARIATION_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def cell(row: Row | None, column: str) -> str | None:
    """A cell as text; None where there is nothing."""
    value = None if row is None else row[column]
    if value is None or value == "":
        return None
    if isinstance(value, bytes):
        raise Invalid(column)
    return str(value)


def trimmed(text: str | None) -> str | None:
    return (text.strip(" \u3000") or None) if text is not None else None


def normalized(text: str) -> str:
    """NFC, but compatibility ideographs (names!) stay what they are."""
    parts = COMPATIBILITY_IDEOGRAPH.split(text)
    return "".join(part if i % 2 else unicodedata.normalize("NFC", part) for i, part in enumerate(parts))


def wide_kana(text: str) -> str:
    return HALF_WIDTH_KANA.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text).replace(" ", "\u3000")


def real_date(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


def from_iso(text: str) -> str | None:
    m = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    return real_date(*map(int, m.groups())) if m else None


def from_compact(text: str) -> str | None:
    m = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", text)
    return real_date(*map(int, m.groups())) if m else None


def from_wareki(text: str) -> str | None:
    m = re.fullmatch(r"(..)(元|[0-9]{1,2})年([0-9]{1,2})月([0-9]{1,2})日", text)
    if not m or m[1] not in ERAS:
        return None
    first_year, first, last = ERAS[m[1]]
    era_year = 1 if m[2] == "元" else int(m[2])
    date = real_date(first_year + era_year - 1, int(m[3]), int(m[4])) if era_year > 0 else None
    return date if date is not None and first <= date <= last else None


def date_of(row: Row | None, column: str, *forms: Callable[[str], str | None], item: str = "") -> str | None:
    text = cell(row, column)
    if text is None or text in OPEN_DATES:
        return None
    for form in forms:
        if date := form(text):
            return date
    raise Invalid(item or column)


def flag_of(row: Row, column: str, item: str) -> bool | None:
    text = cell(row, column)
    if text not in (None, "0", "1"):
        raise Invalid(item)
    return None if text is None else text == "1"


def is_test_number(digits: str) -> bool:
    """Test numbers carry the right check digit + 1, so that none is anybody's."""
    if not re.fullmatch("[0-9]{12}", digits):
        return False
    total = sum(int(digits[11 - n]) * (n + 1 if n <= 6 else n - 5) for n in range(1, 12))
    right = 0 if total % 11 <= 1 else 11 - total % 11
    return int(digits[11]) == (right + 1) % 10


class Draft:
    """One JSON object under construction: takes cells, checks them, keeps what is present."""

    def __init__(self, row: Row | None, path: str = "") -> None:
        self.row = row
        self.path = path
        self.out: dict[str, Any] = {}

    def put(self, item: str, value: object | None, required: bool = True) -> None:
        if value is None and required:
            raise Invalid(self.path + item)
        if value is not None:
            self.out[item] = value

    def check(self, item: str, holds: object) -> None:
        if not holds:
            raise Invalid(self.path + item)

    def code(self, item: str, column: str, allowed: Iterable[str], required: bool = True) -> None:
        value = cell(self.row, column)
        self.check(item, value is None or value in tuple(allowed))  # "12": the codes 1 and 2
        self.put(item, value, required)

    def pattern(self, item: str, column: str, pattern: str, required: bool = True) -> None:
        value = cell(self.row, column)
        self.check(item, value is None or re.fullmatch(pattern, value))
        self.put(item, value, required)

    def text(self, item: str, column: str, longest: int, required: bool = True, *, trim: bool = True,
             kana: bool = False) -> None:
        value = cell(self.row, column)
        value = trimmed(value) if trim else value
        if value is not None:
            value = normalized(wide_kana(value) if kana else value)
            self.check(item, not CONTROL.search(value))
            self.check(item, len(VARIATION_SELECTOR.sub("", value)) <= longest)
            self.check(item, not kana or FULL_WIDTH_KANA.fullmatch(value))
        self.put(item, value, required)

    def date(self, item: str, column: str, *forms: Callable[[str], str | None], required: bool = True,
             not_before: str = "", not_after: str = "9999-12-31") -> None:
        value = date_of(self.row, column, *forms, item=self.path + item)
        self.check(item, value is None or not_before <= value <= not_after)
        self.put(item, value, required)

    def integer(self, item: str, column: str, lowest: int, highest: int, required: bool = True) -> None:
        value = cell(self.row, column)
        self.check(item, value is None or re.fullmatch("-?[0-9]{1,18}", value))
        self.check(item, value is None or lowest <= int(value) <= highest)
        self.put(item, None if value is None else int(value), required)

    def decimal(self, item: str, column: str, required: bool = True) -> None:
        """A number from 0 to 999 with one decimal."""
        value = cell(self.row, column)
        number = None
        if value is not None:
            try:
                exact = Decimal(value)
            except InvalidOperation:
                raise Invalid(self.path + item) from None
            self.check(item, exact.is_finite() and 0 <= exact <= 999)
            number = exact.quantize(Decimal("0.1"))
            self.check(item, abs(exact - number) < Decimal("1e-6"))
        self.put(item, number, required)

    def codes(self, item: str, values: list[str], allowed: Iterable[str]) -> None:
        self.check(item, set(values) <= set(allowed) and len(set(values)) == len(values))
        self.put(item, values)


# --- Rows to records


@dataclass(frozen=True)
class Settings:
    insurer: str
    today: str
    new_form_from: str | None
    go_live: str | None
    before_go_live: bool

    def lawful_from(self, day: str) -> bool:
        """包括同意 exists since 2026-04-01; a setting leaves out what was taken before go-live."""
        return day >= "2026-04-01" and (self.before_go_live or self.go_live is None or day >= self.go_live)


CARE_LEVELS = "01 06 09 11 12 13 19 21 22 23 24 25 31 88 99".split()
LEVELS_WITH_PERIOD = "11 12 13 19 21 22 23 24 25".split()
DECIDED = ("04", "05")
DISEASES = [f"{n:02}" for n in range(1, 17)] + ["99"]
TREATMENTS = [f"{n:02}" for n in range(1, 13)]
BEHAVIOURS = [f"{n:02}" for n in range(1, 12)] + ["99"]
# Options of each item of the 基本調査, group by group. 1-1 and 1-2: parts, several of them or none.
SURVEY_OPTIONS = {
    f"{group}-{n}": int(options)
    for group, row in enumerate(("5433433334355", "443444333443", "422222233", "3" * 15, "334344"), 1)
    for n, options in enumerate(row, 1)
}


def options(count: int) -> list[str]:
    return [str(n) for n in range(1, count + 1)]


def insured_number(row: Row | None) -> str:
    number = (cell(row, "被保険者番号") or "").rjust(10, "0")
    if len(number) != 10:
        raise Invalid("insuredNumber")
    return number


def header(draft: Draft) -> None:
    draft.pattern("insurerNumber", "保険者番号", "[0-9]{6}")
    draft.put("insuredNumber", insured_number(draft.row))
    draft.check("insuredNumber", re.fullmatch("[0-9A-Za-z]{10}", draft.out["insuredNumber"]))
    draft.integer("historyNumber", "履歴番号", 1, 999)


def person_record(qualification: Row, address: Row, exception: Row | None, settings: Settings) -> dict[str, Any]:
    """A person; myNumber is left out where the source has none."""
    record, resident = Draft(qualification), Draft(address)
    header(record)
    record.code("insuredCategory", "被保険者区分", "12")
    record.date("acquiredOn", "資格取得日", from_iso)
    record.date("lostOn", "資格喪失日", from_iso, required=False, not_before=record.out["acquiredOn"])
    if trimmed(cell(qualification, "資格喪失日")) is not None:
        record.code("lossReason", "資格喪失事由", ("01", "02", "03", "99"), required="lostOn" in record.out)
    number = cell(address, "個人番号")
    resident.check("myNumber", number is None or is_test_number(number))
    resident.put("myNumber", number, required=False)
    resident.text("name", "氏名", 100)
    resident.text("nameKana", "氏名カナ", 100, kana=True)
    resident.date("birthDate", "生年月日", from_iso, from_wareki, not_after=settings.today)
    if trimmed(cell(address, "生年月日不詳フラグ")) == "1":
        resident.put("birthDateUnknown", True)
    resident.code("sex", "性別", "012")
    resident.pattern("postalCode", "郵便番号", "[0-9]{7}", required=False)
    resident.text("address", "住所", 300)
    resident.put("nonDisclosure", flag_of(address, "支援措置フラグ", "nonDisclosure"))
    elsewhere = Draft(exception)
    elsewhere.put("residenceException", "1" if exception is None else "2")
    elsewhere.pattern("facilityInsurerNumber", "施設所在保険者番号", "[0-9]{6}", required=exception is not None)
    return record.out | resident.out | elsewhere.out


@dataclass(frozen=True)
class CertificationRows:
    """One certification with everything that hangs on it."""

    main: Row
    qualification: Row | None
    survey: Row | None
    opinion: Row | None
    services: Rows
    survey_remarks: Rows
    diagnoses: Rows
    withdrawn_on: str | None


def certification_record(rows: CertificationRows, settings: Settings) -> dict[str, Any]:
    record = Draft(rows.main)
    out = record.out
    header(record)
    record.date("applicationDate", "申請日", from_compact)
    record.integer("certificationHistoryNumber", "認定履歴番号", 1, 99999)
    record.code("applicationKind", "申請区分", "123456")
    record.code("certificationStatus", "認定状況", ("01", "02", "03", "04", "05"))
    decided = out["certificationStatus"] in DECIDED
    record.code("careLevel", "要介護状態区分", [c for c in CARE_LEVELS if c != "06"], required=decided)
    record.date("certifiedOn", "認定日", from_compact, required=decided, not_before=out["applicationDate"])
    has_period = out.get("careLevel") in LEVELS_WITH_PERIOD
    record.date("validFrom", "有効開始日", from_compact, required=has_period)
    record.date("validTo", "有効終了日", from_compact, required=has_period, not_before=out.get("validFrom", ""))
    record.integer("benefitLimitUnits", "支給限度基準額", 0, 999999, required=False)
    record.put("consentAtApplication", consent_at_application(rows, out["applicationDate"], settings))
    if cell(rows.qualification, "被保険者区分") == "2":
        record.code("specificDisease", "特定疾病", DISEASES)
    if trimmed(cell(rows.survey, "調査日")) is not None:
        record.put("survey", survey(rows))
    if trimmed(cell(rows.main, "一次判定結果")) is not None:
        first = Draft(rows.main, "firstJudgement.")
        first.code("careLevel", "一次判定結果", CARE_LEVELS)
        first.decimal("criterionMinutes", "基準時間")
        first.decimal("dementiaAddition", "認知症加算", required=False)
        record.put("firstJudgement", first.out)
    if trimmed(cell(rows.opinion, "記入日")) is not None:
        record.put("doctorOpinion", doctor_opinion(rows))
    return out


def consent_at_application(rows: CertificationRows, applied_on: str, settings: Settings) -> bool:
    """First way (facts 5): applied since the law, on the new form, and not withdrawn since."""
    consented = flag_of(rows.main, "同意有無", "consentAtApplication")
    form = cell(rows.main, "様式の版")
    withdrawn_on = from_iso(rows.withdrawn_on) if rows.withdrawn_on else None
    if form not in (None, "1", "2") or (rows.withdrawn_on and withdrawn_on is None):
        raise Invalid("consentAtApplication")
    if withdrawn_on is not None and withdrawn_on >= applied_on:
        return False
    known_new = settings.new_form_from is not None and applied_on >= settings.new_form_from
    new_form = form == "2" or (form is None and known_new)
    return consented is True and new_form and settings.lawful_from(applied_on)


def survey(rows: CertificationRows) -> dict[str, Any]:
    out = Draft(rows.survey, "survey.")
    out.date("surveyedOn", "調査日", from_iso)
    out.code("place", "実施場所", "12")
    overview = Draft(rows.survey, "survey.overview.")
    overview.code("livingPlace", "居所", "1239", required=False)
    services = []
    for row in rows.services:
        service = Draft(row, "survey.overview.services.")
        service.pattern("code", "サービスコード", "[0-9A-Za-z]{1,4}")
        service.integer("count", "回数", 0, 999)
        services.append(service.out)
    overview.put("services", services or None, required=False)
    overview.text("facility", "施設名", 100, required=False)
    overview.text("remarks", "概況特記", 4000, required=False)
    out.put("overview", overview.out or None, required=False)
    items = Draft(rows.survey, "survey.items.")
    for item, count in SURVEY_OPTIONS.items():
        column = "項目" + item.replace("-", "_")
        if item in ("1-1", "1-2"):
            items.codes(item, list(cell(rows.survey, column) or ""), options(count))
        else:
            items.code(item, column, options(count))
    out.put("items", items.out)
    out.put("medicalTreatments", [c for c in TREATMENTS if cell(rows.survey, f"特別な医療{c}") == "1"])
    remarks = []
    for row in rows.survey_remarks:
        remark = Draft(row, "survey.remarks.")
        remark.pattern("code", "特記番号", "[0-9]{3}")
        remark.text("text", "内容", 4000)
        remarks.append(remark.out)
    out.put("remarks", remarks or None, required=False)
    return out.out


def doctor_opinion(rows: CertificationRows) -> dict[str, Any]:
    out = Draft(rows.opinion, "doctorOpinion.")
    out.date("writtenOn", "記入日", from_wareki)
    out.pattern("institutionCode", "医療機関コード", "[0-9A-Za-z]{1,10}", required=False)
    out.code("disabilityIndependence", "障害自立度", options(9))
    out.code("dementiaIndependence", "認知症自立度", options(8))
    diagnoses = []
    for row in rows.diagnoses:
        diagnosis = Draft(row, "doctorOpinion.diagnoses.")
        diagnosis.text("name", "傷病名", 100)
        diagnosis.text("onset", "発症年月日", 40, required=False, trim=False)
        diagnoses.append(diagnosis.out)
    out.check("diagnoses", 1 <= len(diagnoses) <= 3)
    out.put("diagnoses", diagnoses)
    for item, column, count in (("stability", "安定性", 3), ("shortTermMemory", "短期記憶", 2),
                                ("decisionMaking", "意思決定", 4), ("communication", "伝達能力", 4),
                                ("eating", "食事行為", 2)):
        out.code(item, column, options(count), required=False)
    behaviours = trimmed(cell(rows.opinion, "周辺症状"))
    if behaviours is not None:
        out.codes("behaviours", [part for part in behaviours.split(",") if part], BEHAVIOURS)
    out.text("outlook", "見通し", 4000, required=False)
    out.text("remarks", "特記", 4000, required=False)
    return out.out


# Child queries of 要介護認定情報: their table, and the columns by which the rows of one record are ordered. Diagnoses
# have an order of their own (順位); what is equal by it, and everything else, goes by the columns of the SELECT.
CHILDREN = {
    "services": ("認定調査サービス", ("サービスコード", "回数")),
    "survey-remarks": ("認定調査特記", ("特記番号", "内容")),
    "diagnoses": ("主治医意見書傷病", ("順位", "傷病名", "発症年月日")),
}


def in_order(rows: Rows, columns: tuple[str, ...]) -> Rows:
    """Nothing before numbers, numbers before text, text by its bytes: whatever order the database keeps."""

    def place(value: object) -> tuple[int, Any]:
        if value is None:
            return 0, 0
        if isinstance(value, str):
            return 2, value.encode("utf-8", "surrogateescape")
        return 3 if isinstance(value, bytes) else 1, value

    return sorted(rows, key=lambda row: [place(row[column]) for column in columns])


def consent_record(row: Row, settings: Settings) -> dict[str, Any]:
    """Second way (facts 5): what counts is the day of the act. An old consent is none."""
    record = Draft(row)
    header(record)
    record.integer("consentSequence", "同意連番", 1, 999)
    record.date("consentDate", "同意年月日", from_iso)
    record.code("consent", "同意区分", "123")
    if record.out["consent"] == "1" and not settings.lawful_from(record.out["consentDate"]):
        record.out["consent"] = "2"
    return record.out


# --- What the source expects on the platform

SENDABLE, NO_MY_NUMBER, INVALID, PLATFORM_OWNED = "sendable", "no-my-number", "invalid", "platform-owned"


@dataclass(frozen=True)
class Expected:
    verdict: str
    content: dict[str, Any] | None = None
    item: str = ""  # at fault; without マイナンバー: the municipality to ask (住所地特例)


@dataclass
class KindRows:
    """Expected records of one kind by key; rows whose key cannot be read are only counted."""

    by_key: dict[str, Expected] = field(default_factory=dict)
    rows: int = 0
    unreadable: int = 0

    def add(self, key: Callable[[], str], record: Callable[[], dict[str, Any]], platform_owned: bool = False,
            needs_my_number: bool = False) -> None:
        self.rows += 1
        try:
            name = key()
        except Invalid:
            self.unreadable += 1
            return
        expected = Expected(PLATFORM_OWNED)
        if not platform_owned:
            try:
                content = record()
                missing = needs_my_number and "myNumber" not in content
                ask = content.get("facilityInsurerNumber", "")
                expected = Expected(NO_MY_NUMBER, item=ask) if missing else Expected(SENDABLE, content)
            except Invalid as invalid:
                expected = Expected(INVALID, item=str(invalid))
        before = self.by_key.get(name)
        same = before is None or (before.verdict == expected.verdict and
                                  canonical(before.content) == canonical(expected.content))
        self.by_key[name] = expected if same else Expected(INVALID, item="duplicate key")


class Granted(NamedTuple):
    """A consent that counts: an act, or an application on the new form."""

    day: str
    by_office: bool


@dataclass
class Source:
    """Expected records, and what else the source tells."""

    kinds: dict[str, KindRows]
    children: Counter[str] = field(default_factory=Counter)  # rows that each child query reads
    granted: dict[str, list[Granted]] = field(default_factory=lambda: defaultdict(list))  # by insured person

    def grants(self, person: str, after: str, until: str = "9999-12-31", offices: bool = True) -> bool:
        """Whether a consent of that person stands that is dated after a day."""
        return any(after < each.day <= until for each in self.granted.get(person, ()) if offices or not each.by_office)

    def add_application(self, rows: CertificationRows, settings: Settings) -> None:
        try:
            day = date_of(rows.main, "申請日", from_compact)
            if day is not None and consent_at_application(replace(rows, withdrawn_on=None), day, settings):
                self.granted[insured_number(rows.main)].append(Granted(day, False))
        except Invalid:
            pass  # its record says so

    def add_act(self, act: Row, settings: Settings) -> None:
        try:
            day = date_of(act, "同意年月日", from_iso)
            if act["同意区分"] == "1" and day is not None and settings.lawful_from(day):
                self.granted[insured_number(act)].append(Granted(day, act["取得経路"] == "3"))
        except Invalid:
            pass


def read_source(source: sqlite3.Connection, settings: Settings) -> Source:
    current = "最新フラグ = '1' AND 削除フラグ = '0'"

    def rows_of(table: str, condition: str = current) -> Iterator[Row]:
        return source.execute(f"SELECT * FROM {table} WHERE 保険者番号 = ? AND {condition}", (settings.insurer,))

    def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[object, ...], Rows]:
        groups: dict[tuple[object, ...], Rows] = defaultdict(list)
        for row in rows:
            groups[tuple(row[column] for column in columns)].append(row)
        return groups

    def attached(table: str) -> dict[tuple[object, ...], Rows]:
        return grouped(rows_of(table, "削除フラグ = '0'"), "被保険者番号", "認定履歴番号")

    kinds = {PERSONS: KindRows(), CERTIFICATIONS: KindRows(), CONSENTS: KindRows()}
    out = Source(kinds)
    qualifications = grouped(rows_of("被保険者資格"), "被保険者番号")
    addresses = grouped(source.execute(f"SELECT * FROM 宛名 WHERE {current}"), "宛名番号")
    exceptions = grouped(rows_of("住所地特例"), "被保険者番号")
    for number, people in qualifications.items():
        for person in people:
            for address in addresses.get((person["宛名番号"],), []):
                for elsewhere in exceptions.get(number) or [None]:
                    kinds[PERSONS].add(lambda: insured_number(person),
                                       lambda: person_record(person, address, elsewhere, settings),
                                       needs_my_number=True)

    surveys, opinions = attached("認定調査"), attached("主治医意見書")
    children = {query: attached(table) for query, (table, _) in CHILDREN.items()}
    acts = list(rows_of("同意"))
    withdrawals: dict[str, str] = {}
    for act in acts:
        if act["同意区分"] == "3" and (day := act["同意年月日"]) is not None:
            withdrawals[act["被保険者番号"]] = max(day, withdrawals.get(act["被保険者番号"], ""))
    for main in rows_of("要介護認定"):
        at = (main["被保険者番号"], main["認定履歴番号"])
        # Child queries join the current certifications themselves: what hangs on none of them is not even read.
        hanging = {query: in_order(children[query].get(at, []), columns) for query, (_, columns) in CHILDREN.items()}
        out.children.update({query: len(rows) for query, rows in hanging.items()})
        for qualification in qualifications.get(at[:1]) or [None]:
            rows = CertificationRows(main, qualification, surveys.get(at, [None])[0], opinions.get(at, [None])[0],
                                     hanging["services"], hanging["survey-remarks"], hanging["diagnoses"],
                                     withdrawals.get(at[0]))
            out.add_application(rows, settings)
            kinds[CERTIFICATIONS].add(lambda: certification_key(main), lambda: certification_record(rows, settings))

    for act in acts:
        out.add_act(act, settings)
        if act["取得経路"] in ("2", "3"):
            kinds[CONSENTS].add(lambda: f"{insured_number(act)}/{sequence(act, '同意連番')}",
                                lambda: consent_record(act, settings), platform_owned=act["取得経路"] == "3")
    return out


def sequence(row: Row, column: str) -> int:
    number = cell(row, column) or ""
    if not re.fullmatch("[0-9]{1,9}", number):
        raise Invalid(column)
    return int(number)


def certification_key(row: Row) -> str:
    applied = date_of(row, "申請日", from_compact)
    if applied is None:
        raise Invalid("applicationDate")
    return f"{insured_number(row)}/{applied}/{sequence(row, '認定履歴番号')}"


# --- Ledger and platform


class State(IntEnum):
    """Numbers of lib/registration/record_state.h; a record in flight is stored as `sending`, whatever its batch is."""

    ABSENT = 0
    PENDING = 1
    SENDING = 2
    UNKNOWN = 3
    STORED_IN_ERROR = 4
    REGISTERED = 5
    REJECTED = 6
    SUBMITTED = 7
    BLOCKED = 8


STORED_STATES = set(State) - {State.ABSENT, State.UNKNOWN, State.SUBMITTED}
FLAG_PLATFORM_OWNED, FLAG_ON_PLATFORM, FLAG_IN_CASE, FLAG_RECREATING, FLAG_UNLINKED = 2, 4, 16, 32, 64
NEW, UPDATE, DELETION = "1", "2", 3
NOT_LINKED, NO_ANSWER, SEVERAL = "KJP0001", "KJP0002", "KJP0003"
MALFORMED_KEY = "malformed-key"
MY_NUMBER_MISSING, DUPLICATE = "my-number-missing", "duplicate-key"
WITHDRAWN_BEFORE, WITHDRAWAL_RELEASED = "withdrawn-before", "withdrawal-released"
LOOK_BACK_DAYS, HISTORIES_TRIED = 730, range(1, 4)  # of a 包括同意情報 whose content is to be found by its digest


class LedgerRecord(NamedTuple):
    state: int
    owed: int | None
    flags: int
    reason: str
    consent: int | None

    @property
    def verdict(self) -> tuple[int, str]:
        """Why the consent was told as it was, and the day that decided; no day where it is none."""
        reason, day = (self.consent or 0) & 255, (self.consent or 0) >> 8
        return reason, datetime.date.fromordinal(day).isoformat() if 0 < day <= datetime.date.max.toordinal() else ""

    @property
    def tells_withdrawal(self) -> bool:
        on_platform = self.on_platform or self.platform_owned
        return on_platform and self.verdict[0] in (CONSENT_WITHDRAWN, ACT_WITHDRAWN)

    @property
    def on_platform(self) -> bool:
        return bool(self.flags & FLAG_ON_PLATFORM)

    @property
    def platform_owned(self) -> bool:
        return bool(self.flags & FLAG_PLATFORM_OWNED)

    def __str__(self) -> str:
        names = {int(state): state.name.lower() for state in State}
        owed = "" if self.owed is None else f", owed {self.owed}"
        return f"{names.get(self.state, self.state)}{owed}, reason {word(self.reason or '-')}"


class Held(NamedTuple):
    """What the platform holds under a key."""

    content: dict[str, Any]
    linked: int


class Told(NamedTuple):
    """A version of a record that the platform took, or its deletion."""

    effect: int
    on: str  # day on which its batch was made, where the ledger knows it
    granted: bool | None  # whether it grants a consent; None: not seen
    withdrawn_on: str = ""  # the withdrawal that it tells


class Case(NamedTuple):
    """A PMHキー case with its steps in order."""

    row: Row
    key: str
    steps: Rows

    @property
    def is_open(self) -> bool:
        return self.row["closed_at"] is None

    def __str__(self) -> str:
        return f"case {self.row['id']}"


def decode_key(kind: str, key: bytes) -> str:
    """The ledger's key as the platform writes it."""
    length = {PERSONS: 10, CERTIFICATIONS: 24, CONSENTS: 14}.get(kind)
    if len(key) != length:
        return MALFORMED_KEY
    parts = [key[:10].decode("ascii", "replace")]
    if kind == CERTIFICATIONS:
        parts.append(key[10:20].decode("ascii", "replace"))
    if kind != PERSONS:
        parts.append(str(int.from_bytes(key[-4:], "big")))
    return "/".join(parts)


def own_day(kind: str, content: dict[str, Any]) -> str:
    """The day on which a consent stands or falls."""
    return str(content["applicationDate" if kind == CERTIFICATIONS else "consentDate"])


def grants(kind: str, content: dict[str, Any]) -> bool:
    return content["consentAtApplication"] is True if kind == CERTIFICATIONS else content["consent"] == "1"


def canonical(value: object) -> str:
    """Equal text for equal values of equal types: 1, true and 1.0 are three things, 19.0 and 1.9E1 are one."""

    def decimal(number: Any) -> object:
        return {"decimal": str(number.normalize())} if isinstance(number, Decimal) else {"absent": True}

    return json.dumps(value, sort_keys=True, default=decimal)


def different_items(sent: object, expected: object, path: str = "") -> list[str]:
    """Paths of the items whose values differ: never the values."""
    if isinstance(sent, dict) and isinstance(expected, dict):
        out = []
        for name in sorted(sent.keys() | expected.keys()):
            out += different_items(sent.get(name, ...), expected.get(name, ...), f"{path}.{name}")
        return out
    return [] if canonical(sent) == canonical(expected) else [path.lstrip(".")]


class Checker:
    """All checks over the three databases."""

    def __init__(self, source: sqlite3.Connection, platform: sqlite3.Connection, ledger: sqlite3.Connection,
                 settings: Settings, quiescent: bool) -> None:
        self.platform = platform
        self.ledger = ledger
        self.insurer = settings.insurer
        self.today = settings.today
        self.quiescent = quiescent
        self.faults = Faults()
        self.counts: Counter[str] = Counter()
        self.salt = str(platform.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()[0]).encode()
        self.source = read_source(source, settings)
        self.known: dict[str, dict[str, LedgerRecord]] = {}  # records of the ledger by kind and key
        self.withdrawals: dict[str, list[str]] = defaultdict(list)  # days that the ledger knows as told, by person
        self.released: set[tuple[str, str]] = set()  # records whose consent an operator let be granted again
        self.last_effects: dict[tuple[str, str, str], Row] = {}  # of each key, in the platform's journal
        self.cases: dict[str, list[Case]] = defaultdict(list)  # of each insured person
        self.steps: Counter[tuple[str, str]] = Counter()  # how often the cases of a person took a step

    def run(self) -> Faults:
        for name, database in (("ledger", self.ledger), ("platform", self.platform)):
            if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                self.faults.add(name, "file", "integrity_check is not ok")
        self.read_cases()
        for kind in self.source.kinds:
            self.known[kind] = self.read_ledger(kind)
            for key, record in self.known[kind].items():
                if record.tells_withdrawal:
                    self.withdrawals[key[:10]].append(record.verdict[1])
        self.read_releases()
        self.check_journal()
        self.check_consents_over_time()
        for kind, rows in self.source.kinds.items():
            self.check_kind(kind, rows)
            self.check_reading(kind, rows)
        self.check_queries()
        self.check_batches()
        self.check_accounts()
        self.check_edges()
        for person in self.cases.values():
            for case in person:
                self.check_case(case)
        return self.faults

    # Source, ledger and platform

    def check_kind(self, kind: str, rows: KindRows) -> None:
        known, held = self.known[kind], self.read_platform(kind)
        self.counts[f"{kind} on the platform"] = len(held)
        for key, expected in rows.by_key.items():
            if (record := known.get(key)) is None:
                self.faults.add(kind, key, f"row of the source ({expected.verdict}) is not in the ledger")
            elif expected.verdict == PLATFORM_OWNED:
                self.check_platform_owned(kind, key, record, key in held)
            else:
                self.check_row(kind, key, expected, record, held.get(key))
        for key, record in known.items():
            self.check_record(kind, key, record, held.get(key))
            # A row whose key cannot be read may be any of those that seem gone: deletions are suspended then.
            if key not in rows.by_key and rows.unreadable == 0:
                self.check_gone(kind, key, record)
        for key in held:
            record = known.get(key)
            if record is None:
                self.faults.add(kind, key, "the platform holds it, the ledger does not know it")
            elif not record.on_platform and (self.quiescent or record.state != State.SENDING):
                self.faults.add(kind, key, "the platform holds it, the ledger says that it does not")
        for key in self.cases if kind == PERSONS else ():
            if key not in known and any(case.is_open for case in self.cases[key]):
                self.faults.add(kind, key, "has an open case, but no record")

    def read_ledger(self, kind: str) -> dict[str, LedgerRecord]:
        out: dict[str, LedgerRecord] = {}
        for row in self.ledger.execute(
                "SELECT key, state, owed, flags, coalesce(reason, '') AS reason, consent FROM record "
                "WHERE insurer = (SELECT id FROM insurer WHERE number = ?) "
                "AND kind = (SELECT id FROM kind WHERE name = ?)", (self.insurer, kind)):
            key = decode_key(kind, row["key"])
            if key == MALFORMED_KEY or key in out:
                self.faults.add(kind, key, "a key of the ledger is malformed or there twice")
            out[key] = LedgerRecord(row["state"], row["owed"], row["flags"], row["reason"], row["consent"])
        return out

    def read_platform(self, kind: str) -> dict[str, Held]:
        out: dict[str, Held] = {}
        for row in self.platform.execute("SELECT key, content, linked FROM record WHERE insurer = ? AND kind = ?",
                                         (self.insurer, kind)):
            try:
                content = json.loads(row["content"], parse_float=Decimal)
            except ValueError:
                content = {}
                self.faults.add(kind, row["key"], "the platform's content is not JSON")
            out[row["key"]] = Held(content, row["linked"])
        return out

    def as_held(self, content: dict[str, Any]) -> dict[str, Any]:
        """The platform simulator keeps a salted digest in place of the マイナンバー."""
        if "myNumber" not in content:
            return content
        digest = hmac.new(self.salt, content["myNumber"].encode("ascii"), hashlib.sha256).hexdigest()
        return content | {"myNumber": digest}

    def check_record(self, kind: str, key: str, record: LedgerRecord, held: Held | None) -> None:
        """What holds for every record of the ledger."""
        if record.state not in STORED_STATES:
            self.faults.add(kind, key, f"a state that is never stored: {record}")
        if record.state in (State.REJECTED, State.BLOCKED) and not record.reason:
            self.faults.add(kind, key, f"held without a reason: {record}")
        self.check_link(kind, key, record, held)
        if not self.quiescent:
            return
        if record.state in (State.PENDING, State.SENDING):
            self.faults.add(kind, key, f"not settled: {record}")
        if record.on_platform and held is None:
            self.faults.add(kind, key, "the ledger says that the platform holds it, it does not")

    def check_link(self, kind: str, key: str, record: LedgerRecord, held: Held | None) -> None:
        """A record, its PMHキー case and the platform's link say the same."""
        case = next((each for each in self.cases.get(key, []) if each.is_open), None) if kind == PERSONS else None
        unlinked, recreating = bool(record.flags & FLAG_UNLINKED), bool(record.flags & FLAG_RECREATING)
        if bool(record.flags & FLAG_IN_CASE) != (case is not None):
            self.faults.add(kind, key, f"flags {record.flags}, but has {'no' if case is None else 'an'} open case")
        if record.state == State.STORED_IN_ERROR and (case is None or not unlinked):
            self.faults.add(kind, key, f"{record}, but " + ("without a case" if case is None else "not as unlinked"))
        if record.state == State.REGISTERED and (case is not None or unlinked):
            self.faults.add(kind, key, "registered, but " + ("as unlinked" if case is None else "has an open case"))
        if recreating and record.state in (State.STORED_IN_ERROR, State.REGISTERED):
            self.faults.add(kind, key, f"is to be registered anew, but is {record}")
        if kind != PERSONS:
            return
        in_flight = record.state == State.SENDING and not self.quiescent  # its result may be under way
        if case is not None and held is not None and held.linked == 1 and not in_flight:
            self.faults.add(kind, key, f"{case} is open, but the platform holds it linked")
        if not self.quiescent:
            return
        if record.state == State.REGISTERED and held is not None and held.linked != 1:
            self.faults.add(kind, key, "registered, but the platform holds it unlinked")
        if unlinked and (held is None or held.linked == 1):
            self.faults.add(kind, key, "known as unlinked, but " + ("not held" if held is None else "linked"))
        if case is not None and record.state not in (State.STORED_IN_ERROR, State.REJECTED, State.BLOCKED):
            self.faults.add(kind, key, f"{case} is open, but the record is {record}")

    def check_row(self, kind: str, key: str, expected: Expected, record: LedgerRecord, held: Held | None) -> None:
        name = State(record.state).name.lower() if record.state in STORED_STATES else "other"
        self.counts[f"{kind} {expected.verdict}, {name}"] += 1
        if record.platform_owned:
            self.faults.add(kind, key, "the ledger takes it for the platform's own")
        if record.state == State.REJECTED and record.reason == WITHDRAWN_BEFORE:
            self.check_withdrawn_before(kind, key, expected, record, held)
        # A flight is not disturbed, a case owns its record, and what landed since waits for the next comparison.
        undisturbed = record.state in (State.PENDING, State.SENDING, State.STORED_IN_ERROR)
        if expected.verdict == NO_MY_NUMBER:
            reason = MY_NUMBER_MISSING + (expected.item and ":" + expected.item)
            if not undisturbed and (record.state != State.BLOCKED or record.reason != reason):
                self.faults.add(kind, key, f"has no my-number ({word(reason)}), but is {record}")
        elif expected.verdict == INVALID:
            if not undisturbed and record.state != State.REJECTED:
                self.faults.add(kind, key, f"cannot be sent ({expected.item}), but is {record}")
        elif expected.content is not None:
            self.check_sendable(kind, key, self.as_held(expected.content), record, held)

    def check_sendable(self, kind: str, key: str, expected: dict[str, Any], record: LedgerRecord,
                       held: Held | None) -> None:
        if record.state == State.REGISTERED:
            if held is None:
                self.faults.add(kind, key, "registered, but the platform does not hold it")
            elif items := different_items(held.content, expected):
                self.faults.add(kind, key, f"registered, not as the source in {', '.join(map(word, items[:5]))}")
            else:
                self.check_consent(kind, key, record, held.content)
        elif record.state == State.STORED_IN_ERROR and self.quiescent:
            if held is None or held.linked != 0:
                self.faults.add(kind, key, "stored in error, but " + ("not held" if held is None else "linked"))
            else:
                self.check_stored_in_error(kind, key, different_items(held.content, expected))
        elif record.state in (State.REJECTED, State.BLOCKED):
            of_the_row = (record.reason.startswith(("validation:", MY_NUMBER_MISSING)) or record.reason == DUPLICATE)
            if of_the_row and self.quiescent:
                self.faults.add(kind, key, f"can be sent, but is {record}")

    def check_stored_in_error(self, kind: str, key: str, items: list[str]) -> None:
        """Nothing holds up its case. Another マイナンバー is registered anew, what is left in error follows its row."""
        at = next((case.row["state"] for case in self.cases.get(key, []) if case.is_open), "")
        if at in UNDER_WAY:
            self.faults.add(kind, key, f"stored in error and can be sent, but its case is still {at}")
        if "myNumber" in items or (at == LEFT_IN_ERROR and items):
            self.faults.add(kind, key, f"stored in error, not as the source in {', '.join(map(word, items[:5]))}")

    def check_consent(self, kind: str, key: str, record: LedgerRecord, content: dict[str, Any]) -> None:
        """Why a consent was told as it was, and the day that decided, fit what the platform holds."""
        if kind == PERSONS:
            if record.consent is not None:
                self.faults.add(kind, key, "a person's record has a consent")
            return
        if kind not in CONSENT_REASONS:
            return
        reason, decided = record.verdict
        told = content["consentAtApplication"] if kind == CERTIFICATIONS else content["consent"]
        if reason not in CONSENT_REASONS[kind].get(told, ()):
            self.faults.add(kind, key, f"consent reason {reason} does not fit what was told ({word(told)})")
        elif reason == CONSENT_ENDED and not content.get("validTo", "9999-12-31") < self.today:
            self.faults.add(kind, key, "the consent is known as ended, its certification has not")
        acted = own_day(kind, content)
        fits = decided >= acted if reason == CONSENT_WITHDRAWN else decided == acted
        if not fits:
            self.faults.add(kind, key, f"consent reason {reason} of the day {word(decided or '-')}, not {word(acted)}")

    def check_withdrawn_before(self, kind: str, key: str, expected: Expected, record: LedgerRecord,
                               held: Held | None) -> None:
        """Held because it would grant again what was withdrawn: so it is, and the platform keeps what it was told.

        Whether that is the very version that the ledger has as acknowledged is not seen (its digests are keyed): that
        it grants nothing, that the ledger's verdict fits it, and that the journal's last effect brought it, is.
        """
        self.counts[f"{kind} {WITHDRAWN_BEFORE}"] += 1
        if kind not in CONSENT_REASONS or expected.content is None or not grants(kind, expected.content):
            self.faults.add(kind, key, f"its row grants no consent ({expected.verdict}), but is {record}")
            return
        withdrawn_on = max((day for day in self.withdrawals[key[:10]] if day >= own_day(kind, expected.content)),
                           default="")
        if not withdrawn_on:
            self.faults.add(kind, key, f"no withdrawal of its day or later was told, but is {record}")
        elif self.source.grants(key[:10], after=withdrawn_on, offices=False):
            self.faults.add(kind, key, f"a later consent stands in the source, but is {record}")
        if held is None:
            return  # never sent, or the platform's loss: check_record knows which
        if grants(kind, held.content):
            self.faults.add(kind, key, f"is {record}, but the platform holds it as granted")
        else:
            self.check_consent(kind, key, record, held.content)

    def check_platform_owned(self, kind: str, key: str, record: LedgerRecord, on_platform: bool) -> None:
        self.counts[f"{kind} {PLATFORM_OWNED}"] += 1
        if not record.platform_owned or record.state != State.REGISTERED:
            self.faults.add(kind, key, f"is the platform's own, but not known as such: {record}")
        if on_platform or (self.insurer, kind, key) in self.last_effects:
            self.faults.add(kind, key, "is the platform's own, but was sent")

    def check_gone(self, kind: str, key: str, record: LedgerRecord) -> None:
        deletion_owed = record.owed == DELETION and record.state in (State.PENDING, State.BLOCKED)
        if deletion_owed or record.state == State.SENDING:
            return
        last = self.last_effects.get((self.insurer, kind, key))
        if last is not None and last["update_kind"] == str(DELETION) and last["outcome"] != "ok" and \
                (record.state, record.reason) == (State.REJECTED, last["outcome"]):
            return  # the platform refused the deletion: a person must look
        self.faults.add(kind, key, f"gone from the source, but is {record}")

    # The platform's journal

    def check_journal(self) -> None:
        receptions = {row["id"]: row for row in self.platform.execute("SELECT * FROM reception ORDER BY id")}
        for request, times in Counter(row["request_id"] for row in receptions.values()).items():
            if times > 1:
                self.faults.add("request", request, f"stands in {times} receptions")
        applied: dict[tuple[str, str, str], tuple[str, str] | None] = {}
        kept: dict[tuple[str, str, str], str] = {}  # content that is or was stored last
        again: Counter[tuple[str, str, str]] = Counter()  # by a case
        repeated: dict[str, Counter[str]] = defaultdict(Counter)  # not linked, with what was kept
        held: set[tuple[str, str, str]] = set()
        seen: dict[int, Counter[str]] = {number: Counter() for number in receptions}
        for effect in self.platform.execute("SELECT * FROM effect ORDER BY id"):
            self.counts["effects"] += 1
            at = (effect["insurer"], effect["kind"], effect["key"])
            reception = receptions.get(effect["reception"])
            if reception is None:
                self.faults.add("effect", effect["id"], "belongs to no reception")
            else:
                seen[reception["id"]][effect["record_id"]] += 1
                if reception["insurer"] != effect["insurer"]:
                    self.faults.add("effect", effect["id"], "is of another insurer than its reception")
            self.last_effects[at] = effect
            ok, version = effect["outcome"] == "ok", (effect["update_kind"], effect["content_digest"])
            if ok and applied.get(at) == version and not self.case_sent_again(at, again):
                self.faults.add(effect["kind"], effect["key"],
                                f"effect {effect['id']}: the same version again, update kind {word(version[0])}")
            if ok:
                applied[at] = version
            elif effect["stored"] == 1 and (applied.get(at) or version)[1] != version[1]:
                applied[at] = None  # another version was kept in between
            if ok and effect["update_kind"] == str(DELETION):
                held.discard(at)
            elif ok or effect["stored"] == 1:
                held.add(at)
                same = kept.get(at) == version[1]
                if same and effect["outcome"] == NOT_LINKED and at[:2] == (self.insurer, PERSONS):
                    repeated[version[0]][at[2]] += 1
                kept[at] = version[1] if same or effect["outcome"] != NO_ANSWER else ""  # that goes out once more
        for number, record_ids in seen.items():
            self.check_reception(receptions[number], record_ids)
        stored = {tuple(row) for row in self.platform.execute("SELECT insurer, kind, key FROM record")}
        for _, kind, key in sorted(held ^ stored):
            self.faults.add(kind, key, "journal and record table of the platform disagree on whether it is held")
        self.check_loops(repeated)

    def case_sent_again(self, at: tuple[str, str, str], again: Counter[tuple[str, str, str]]) -> bool:
        """Whether a person's case may have sent what was sent before."""
        if at[:2] != (self.insurer, PERSONS):
            return False
        again[at] += 1
        return again[at] <= self.steps_taken(at[2], "renewal-sent", "result-deleted", "result-not-there")

    def steps_taken(self, key: str, *events: str) -> int:
        return sum(self.steps[key, event] for event in events)

    def check_loops(self, repeated: dict[str, Counter[str]]) -> None:
        """The same error of the same content comes again only because a case, a person or another answer sent it."""
        others: dict[str, Counter[str]] = {NEW: Counter(), UPDATE: Counter()}
        for row in self.ledger.execute(
                "SELECT key, event, to_state FROM record_history WHERE kind = (SELECT id FROM kind WHERE name = ?) AND "
                "insurer = (SELECT id FROM insurer WHERE number = ?)", (PERSONS, self.insurer)):
            if row["event"] in ("result-mismatch", "resend-by-operator"):
                others[UPDATE][decode_key(PERSONS, row["key"])] += 1
            elif row["event"] == "deleted" and row["to_state"] == State.ABSENT:
                others[NEW][decode_key(PERSONS, row["key"])] += 1
        for update_kind, events in ((UPDATE, ["renewal-sent"]), (NEW, ["result-deleted", "result-not-there"])):
            for key, times in repeated[update_kind].items():
                causes = self.steps_taken(key, *events) + others[update_kind][key]
                if times > causes:
                    self.faults.add(PERSONS, key, f"{NOT_LINKED} {times} times again for the same content, update kind "
                                                  f"{update_kind}, but it was to be sent again {causes} times")

    def check_reception(self, reception: Row, record_ids: Counter[str]) -> None:
        self.counts["receptions"] += 1
        effects, records, number = record_ids.total(), reception["record_count"], reception["id"]
        if effects > records or (reception["status"] in ("3", "4") and effects != records):
            self.faults.add("reception", number, f"{effects} effects of {records} records")
        if repeated := sum(1 for times in record_ids.values() if times > 1):
            self.faults.add("reception", number, f"{repeated} record ids stand in it more than once")

    # Consents over time

    def read_releases(self) -> None:
        for row in self.ledger.execute(
                "SELECT k.name AS kind, h.key FROM record_history h JOIN kind k ON k.id = h.kind JOIN insurer i ON "
                "i.id = h.insurer WHERE i.number = ? AND h.event = 'resend-by-operator' AND h.reason = ?",
                (self.insurer, WITHDRAWAL_RELEASED)):
            self.released.add((row["kind"], decode_key(row["kind"], row["key"])))

    def check_consents_over_time(self) -> None:
        """Once the platform took a record that tells a withdrawal, nothing of that person that is not later is granted
        again: neither that record nor the 同意有無 of an application up to the day of the withdrawal. An operator may
        let it, and a consent given since may.

        The journal keeps digests, no contents. What can be seen: of a 要介護認定情報 the versions that are the one held
        now but for its consent, of a 包括同意情報 every version of the last two years. Other versions are passed over:
        they neither grant nor tell a withdrawal. A 要介護認定情報 tells one when the ledger says so of it, from the first
        such version that was sent on the day of the withdrawal or later.
        """
        for person, records in self.read_told().items():
            withdrawals = [(at, told) for at, versions in records.items() for told in versions if told.withdrawn_on]
            for at, versions in records.items():
                kind, key = at
                applied_on = key.split("/")[1] if kind == CERTIFICATIONS else ""
                standing: bool | None = None
                for version in versions:
                    if version.granted and standing is False:
                        before = [told for source, told in withdrawals if told.effect < version.effect and
                                  (source == at or (kind == CERTIFICATIONS and applied_on <= told.withdrawn_on))]
                        until = version.on or self.today
                        if before and at not in self.released and not self.source.grants(
                                person, after=max(told.withdrawn_on for told in before), until=until):
                            self.faults.add(kind, key, f"effect {version.effect} grants it again, effect "
                                                       f"{before[0].effect} told its withdrawal")
                    standing = version.granted

    def read_told(self) -> dict[str, dict[tuple[str, str], list[Told]]]:
        """What the platform took, version by version, of every person who has a withdrawal or an act of consent."""
        kinds = (CERTIFICATIONS, CONSENTS)
        effects = self.platform.execute("SELECT * FROM effect WHERE insurer = ? AND kind IN (?, ?) AND (outcome = 'ok' "
                                        "OR stored = 1) ORDER BY id", (self.insurer, *kinds)).fetchall()
        persons = {effect["key"][:10] for effect in effects if effect["kind"] == CONSENTS} | self.withdrawals.keys()
        held = {(row["kind"], row["key"]): row["content"] for row in self.platform.execute(
            "SELECT kind, key, content FROM record WHERE insurer = ? AND kind IN (?, ?)", (self.insurer, *kinds))
            if row["key"][:10] in persons}
        requests = {row["id"]: row["request_id"]
                    for row in self.platform.execute("SELECT id, request_id FROM reception")}
        made = {row["request_id"]: row["made_on"] for row in self.ledger.execute(
            "SELECT request_id, date(created_at / 1000, 'unixepoch', '+9 hours') AS made_on FROM batch")}
        out: dict[str, dict[tuple[str, str], list[Told]]] = defaultdict(lambda: defaultdict(list))
        last: dict[tuple[str, str], str] = {}  # digest of what should be held
        versions: dict[tuple[str, str], dict[str, tuple[bool, str]]] = {}
        for effect in effects:
            at = (effect["kind"], effect["key"])
            if at[1][:10] not in persons:
                continue
            on = made.get(requests.get(effect["reception"], ""), "")
            if effect["update_kind"] == str(DELETION):
                out[at[1][:10]][at].append(Told(effect["id"], on, None))
                last.pop(at, None)
                continue
            last[at] = effect["content_digest"]
            if at not in versions:
                versions[at] = dict(self.versions_of(at, held.get(at)))
            if at[0] == CONSENTS and last[at] not in versions[at]:
                versions[at] |= dict(self.acts_of(at[1]))
            granted, withdrawn_on = versions[at].get(last[at], (None, ""))
            self.counts["consents told" + (", not seen" if granted is None else "")] += 1
            tells = withdrawn_on and (at[0] == CONSENTS or on >= withdrawn_on)
            out[at[1][:10]][at].append(Told(effect["id"], on, granted, withdrawn_on if tells else ""))
        for at, text in held.items():
            if last.get(at) != self.digest(text):
                self.faults.add(at[0], at[1], "journal and record table of the platform disagree on what is held")
        return out

    def versions_of(self, at: tuple[str, str], text: str | None) -> Iterator[tuple[str, tuple[bool, str]]]:
        """What is held, with its consent as it is and otherwise: digest, whether it grants, withdrawal it tells."""
        if text is None:
            return
        if at[0] == CERTIFICATIONS:
            record = self.known[CERTIFICATIONS].get(at[1])
            reason, day = record.verdict if record is not None else (0, "")
            for granted in (True, False):
                other = re.sub('("consentAtApplication":)(true|false)', rf"\g<1>{str(granted).lower()}", text)
                tells = not granted and reason == CONSENT_WITHDRAWN
                yield self.digest(other), (granted, day if tells else "")
        elif m := re.search('"consentDate":"([0-9-]{10})","consent":"[123]"}$', text):
            for code in "123":
                yield self.digest(text[:-3] + code + '"}'), (code == "1", m[1] if code == "3" else "")

    def acts_of(self, key: str) -> Iterator[tuple[str, tuple[bool, str]]]:
        """Whatever a 包括同意情報 may have said of an act of the last two years."""
        number, act = key.split("/")
        today = datetime.date.fromisoformat(self.today)
        for days in range(LOOK_BACK_DAYS):
            day = (today - datetime.timedelta(days)).isoformat()
            for history in HISTORIES_TRIED:
                for code in "123":
                    content = {"insurerNumber": self.insurer, "insuredNumber": number, "historyNumber": history,
                               "consentSequence": int(act), "consentDate": day, "consent": code}
                    version = (code == "1", day if code == "3" else "")
                    yield self.digest(json.dumps(content, separators=(",", ":"))), version

    def digest(self, text: str) -> str:
        """Of a content, as the platform simulator writes it into its journal."""
        return hmac.digest(self.salt, text.encode("utf-8", "surrogateescape"), "sha256").hex()

    # The ledger by itself

    def last_comparison(self, kind: str) -> Row | None:
        row: Row | None = self.ledger.execute(
            "SELECT id, rows_read FROM comparison WHERE scope = 'all' AND complete = 1 AND insurer = (SELECT id FROM "
            "insurer WHERE number = ?) AND kind = (SELECT id FROM kind WHERE name = ?) ORDER BY id DESC LIMIT 1",
            (self.insurer, kind)).fetchone()
        return row

    def check_reading(self, kind: str, rows: KindRows) -> None:
        """The last complete comparison read the rows that the source has."""
        last = self.last_comparison(kind)
        if last is None:
            self.faults.add(kind, "comparison", "none is complete")
        elif last["rows_read"] != rows.rows:
            self.faults.add(kind, "comparison", f"{last['id']} read {last['rows_read']} rows of {rows.rows}")

    def check_queries(self) -> None:
        """So did each of its child queries; the sample's have no orphans, since they join the main rows themselves."""
        if self.ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'comparison_query'").fetchone() is None:
            self.faults.add("ledger", "comparison_query", "is not there: what child queries read is not known")
            return
        for row in self.ledger.execute("SELECT q.* FROM comparison_query q LEFT JOIN comparison c ON "
                                       "c.id = q.comparison WHERE coalesce(c.scope, '') <> 'all' OR c.complete <> 1"):
            self.faults.add("comparison", row["comparison"], f"counts {word(row['query'])}, but is not complete")
        if (last := self.last_comparison(CERTIFICATIONS)) is None:
            return
        counted = {row["query"]: (row["rows_read"], row["orphans"]) for row in self.ledger.execute(
            "SELECT * FROM comparison_query WHERE comparison = ?", (last["id"],))}
        for query in sorted(counted.keys() | CHILDREN.keys()):
            expected = (self.source.children[query], 0) if query in CHILDREN else None
            if counted.get(query) != expected:
                self.faults.add("comparison", last["id"], f"{word(query)}: rows and orphans {counted.get(query)}, "
                                                          f"by the source {expected}")
            self.counts[f"{query} read"] = self.source.children[query]

    def check_batches(self) -> None:
        if not self.quiescent:
            return
        for row in self.ledger.execute("SELECT b.id, b.state FROM batch b JOIN insurer i ON i.id = b.insurer "
                                       "WHERE b.state < 6 AND i.number = ?", (self.insurer,)):
            self.faults.add("batch", row["id"], f"not settled (state {row['state']})")

    def check_accounts(self) -> None:
        for row in self.ledger.execute("SELECT c.* FROM comparison c JOIN run r ON r.id = c.run WHERE c.outcome IS NOT "
                                       "NULL AND c.outcome <> 'failed' AND r.ended_at IS NOT NULL AND "
                                       "r.outcome <> 'interrupted' ORDER BY c.id"):
            self.counts["accounts"] += 1

            def total(columns: str) -> int:
                return sum(row[column] or 0 for column in columns.split())

            parts = total("unchanged created changed waiting rejected blocked duplicates")
            if row["rows_read"] != parts:
                self.faults.add("comparison", row["id"], f"{row['rows_read']} rows read, {parts} accounted for")
            if row["outcome"] == "held":  # for a person's word: what would be sent is neither owed nor an account
                if row["complete"] != 0 or total("registered deleted stored_in_error refused blocked_later owed"):
                    self.faults.add("comparison", row["id"], "is held, but complete or accounted for")
                continue
            begun, ended = total("created changed gone"), total("registered deleted stored_in_error refused "
                                                                "blocked_later owed")
            if begun != ended:
                self.faults.add("comparison", row["id"], f"{begun} were to be sent, {ended} accounted for")
            if row["closed"] != 1:
                self.faults.add("comparison", row["id"], "is not closed")

    def check_edges(self) -> None:
        for row in self.ledger.execute("SELECT h.*, k.name AS kind_name FROM record_history h "
                                       "LEFT JOIN kind k ON k.id = h.kind ORDER BY h.id"):
            self.counts["history rows"] += 1
            if (row["from_state"], row["event"], row["to_state"]) not in EDGES:
                self.faults.add(row["kind_name"], decode_key(row["kind_name"], row["key"]),
                                f"no edge {row['from_state']} --{word(row['event'])}--> {row['to_state']}")


    # PMHキー cases

    def read_cases(self) -> None:
        steps: dict[int, Rows] = defaultdict(list)
        for step in self.ledger.execute("SELECT * FROM pmh_case_history ORDER BY pmh_case, version, id"):
            steps[step["pmh_case"]].append(step)
        for row in self.ledger.execute("SELECT c.*, i.number AS insurer_number, k.name AS kind_name FROM pmh_case c "
                                       "LEFT JOIN insurer i ON i.id = c.insurer LEFT JOIN kind k ON k.id = c.kind "
                                       "ORDER BY c.id"):
            case = Case(row, decode_key(row["kind_name"], row["key"]), steps.pop(row["id"], []))
            if row["kind_name"] != PERSONS:
                self.faults.add("case", row["id"], f"is of a record of {word(row['kind_name'])}")
            elif row["insurer_number"] == self.insurer:
                self.cases[case.key].append(case)
                self.steps.update((case.key, step["event"]) for step in case.steps)
        for number in steps:
            self.faults.add("case", number, "has a history, but is not there")
        for key, cases in self.cases.items():
            if (count := sum(case.is_open for case in cases)) > 1:
                self.faults.add(PERSONS, key, f"has {count} open cases")

    def check_case(self, case: Case) -> None:
        """A case is what its steps say, and every step may be taken."""
        self.counts["cases"] += 1
        row, steps, number = case.row, case.steps, case.row["id"]
        versions = [step["version"] for step in steps]
        if versions != list(range(1, len(steps) + 1)):
            self.faults.add("case", number, f"{len(steps)} steps with versions to {max(versions, default=0)}")
        at, left = "none", ""
        driven_by: dict[str, str] = {}
        for step in steps:
            self.check_step(number, step, at)
            at = step["to_state"]
            left = left_reason(step)
            # Evidence drives a step once, until other evidence of the same question has driven it.
            if question := QUESTION_OF.get(step["event"]):
                if driven_by.get(question) == step["evidence"]:
                    self.faults.add("case", number, f"step {step['version']}: the same evidence of {question} again")
                driven_by[question] = step["evidence"]
        closed_at = steps[-1]["at"] if at == "closed" else None
        for what, is_now, last in (("state", row["state"], at), ("version", row["version"], len(steps)),
                                   ("closed_at", row["closed_at"], closed_at), ("reason", row["left_reason"], left)):
            if is_now != last:
                self.faults.add("case", number, f"{what} is {word(is_now or '-')}, by its steps {word(last or '-')}")

    def check_step(self, number: int, step: Row, at: str) -> None:
        self.counts["case steps"] += 1
        event, taken = step["event"], f"step {step['version']}: "
        if step["from_state"] != at:
            self.faults.add("case", number, taken + f"from {word(step['from_state'])}, but it stood at {word(at)}")
        if (step["from_state"], event, step["to_state"]) not in CASE_EDGES:
            self.faults.add("case", number, taken + f"no edge {word(step['from_state'])} --{word(event)}--> "
                                                    f"{word(step['to_state'])}")
        if (event in FINDINGS) != bool(step["actor"]):
            self.faults.add("case", number, taken + f"{word(event)} by " + ("a person" if step["actor"] else "nobody"))
        if event in EVIDENCE_OF and not re.fullmatch(EVIDENCE_OF[event], step["evidence"] or ""):
            self.faults.add("case", number, taken + f"{event} on {word(step['evidence'])}")
        for column in ("evidence", "note"):
            if re.search(r"\d{12}", step[column] or ""):
                self.faults.add("case", number, taken + f"12 digits in a row in its {column}")


def left_reason(step: Row) -> str:
    """Why a step leaves the record in error; nothing when it does not."""
    if step["to_state"] != LEFT_IN_ERROR:
        return ""
    if step["event"] != "leave-in-error":
        return EXEMPT if step["event"] in (EXEMPT, "source-exempt") else UNCONFIRMABLE
    return EXEMPT if step["from_state"] == "awaiting-exemption-check" else UNCONFIRMABLE


# Every change of a record's state that may happen: from, then the events with where they lead.
EDGES_BY_STATE = """
absent: source-new>pending source-unusable>rejected source-incomplete>blocked platform-owned>registered
pending: source-changed>pending source-restored>registered source-unusable>rejected source-incomplete>blocked
pending: source-gone>pending source-gone>absent dependants-remain>blocked batched>sending
pending: source-restored>stored_in_error case-sends>pending
sending: accepted>submitted no-answer>unknown not-accepted>sending not-accepted>pending refused>rejected
unknown: accepted>submitted asked-not-found>sending
submitted: no-answer>unknown succeeded>registered deleted>absent deleted>pending stored-without-link>stored_in_error
submitted: result-data-error>rejected result-dependency>blocked result-mismatch>pending result-stale>rejected
submitted: result-already-there>registered result-transient>pending result-unknown>rejected
submitted: not-accepted>pending refused>rejected
registered: source-changed>pending source-unusable>rejected source-incomplete>blocked resend-by-operator>pending
registered: source-gone>pending source-gone>absent dependants-remain>blocked probed>pending
stored_in_error: source-changed>pending case-sends>pending source-gone>pending dependants-remain>blocked
rejected: source-changed>pending source-restored>registered source-unusable>rejected source-incomplete>blocked
rejected: source-gone>pending source-gone>absent dependants-remain>blocked resend-by-operator>pending
rejected: source-restored>stored_in_error case-sends>pending
blocked: source-changed>pending source-restored>registered source-unusable>rejected source-incomplete>blocked
blocked: source-gone>pending source-gone>absent dependants-remain>blocked released>pending
blocked: source-restored>stored_in_error case-sends>pending
"""

# Every step that a PMHキー case may take (facts 4, its design): the same way.
CASE_EDGES_BY_STATE = """
none: result-not-linked>awaiting-mynumber-check result-needs-operator>awaiting-operator
awaiting-mynumber-check: mynumber-correct>awaiting-exemption-check mynumber-wrong>awaiting-new-mynumber
awaiting-new-mynumber: source-number-ready>deleting reversed-mynumber>awaiting-mynumber-check
deleting: result-deleted>registering-anew
registering-anew: result-not-linked>awaiting-mynumber-check result-still-there>deleting
awaiting-exemption-check: exempt>left-in-error source-exempt>left-in-error leave-in-error>left-in-error
awaiting-exemption-check: reopen>awaiting-mynumber-check
awaiting-exemption-check: not-exempt>awaiting-enrolment-check source-not-exempt>awaiting-enrolment-check
awaiting-enrolment-check: enrolment-unconfirmable>left-in-error source-unconfirmable>left-in-error
awaiting-enrolment-check: reopen>awaiting-mynumber-check
awaiting-enrolment-check: leave-in-error>left-in-error source-exemption-changed>awaiting-exemption-check
awaiting-enrolment-check: not-enrolled>waiting-for-enrolment source-not-enrolled>waiting-for-enrolment
awaiting-enrolment-check: enrolled>ready-to-renew source-enrolled>ready-to-renew
waiting-for-enrolment: enrolled>ready-to-renew source-enrolled>ready-to-renew
waiting-for-enrolment: reopen>awaiting-mynumber-check
waiting-for-enrolment: enrolment-unconfirmable>left-in-error leave-in-error>left-in-error
waiting-for-enrolment: source-unconfirmable>left-in-error
waiting-for-enrolment: source-exemption-changed>awaiting-exemption-check
ready-to-renew: renewal-sent>renewing
renewing: result-not-linked>awaiting-mynumber-check result-not-there>registering-anew result-deleted>registering-anew
left-in-error: source-exemption-changed>awaiting-exemption-check reversed-exemption>awaiting-exemption-check
left-in-error: reversed-enrolment>awaiting-enrolment-check
left-in-error: source-enrolment-changed>awaiting-enrolment-check
awaiting-operator: renew>ready-to-renew result-not-linked>awaiting-mynumber-check
"""
LEFT_IN_ERROR, EXEMPT, UNCONFIRMABLE = "left-in-error", "exempt", "enrolment-unconfirmable"
UNDER_WAY = ("deleting", "registering-anew", "ready-to-renew", "renewing")  # only while something is owed
FROM_EVERY_OPEN_STATE = "result-linked>closed source-gone>closed result-needs-operator>awaiting-operator"
NUMBER_CHANGED = "source-number-changed>awaiting-new-mynumber"  # from every open state but these:
NUMBER_AWAITED = ("awaiting-new-mynumber", "deleting")
FINDINGS = (f"mynumber-correct mynumber-wrong {EXEMPT} not-exempt {UNCONFIRMABLE} not-enrolled enrolled leave-in-error "
            "reopen renew reversed-mynumber reversed-exemption reversed-enrolment").split()
QUESTION_OF = dict.fromkeys(("source-exempt", "source-not-exempt"), "exemption") | dict.fromkeys(
    ("source-enrolled", "source-not-enrolled", "source-unconfirmable"), "enrolment")
EVIDENCE_OF = {event: event.removeprefix("source-") + "( [0-9]{4}-[0-9]{2}-[0-9]{2})?" for event in QUESTION_OF} | {
    "result-not-linked": NOT_LINKED, "result-needs-operator": f"{NO_ANSWER}|{SEVERAL}",
    "leave-in-error": f"{EXEMPT}|{UNCONFIRMABLE}"}

# Reasons of a consent by what was told. 1 granted, 2 granted and ended, 3 not consented, 4 旧同意, 5 old form, 6 form
# unknown, 7 before go-live, 8 withdrawn, 9 no application date, 10 act of refusal, 11 act of withdrawal.
CONSENT_REASONS: dict[str, dict[object, tuple[int, ...]]] = {
    CERTIFICATIONS: {True: (1, 2), False: (3, 4, 5, 6, 7, 8)},
    CONSENTS: {"1": (1, 2), "2": (4, 7, 10), "3": (11,)},
}
CONSENT_ENDED, CONSENT_WITHDRAWN, ACT_WITHDRAWN = 2, 8, 11


def steps_of(table: str) -> Iterator[tuple[str, str, str]]:
    for line in table.strip().splitlines():
        begin, changes = line.split(":")
        for event, end in (change.split(">") for change in changes.split()):
            yield begin, event, end


def case_edges() -> set[tuple[str, str, str]]:
    table = CASE_EDGES_BY_STATE.strip()
    for state in {begin for begin, _, _ in steps_of(table)} - {"none"}:
        table += f"\n{state}: {FROM_EVERY_OPEN_STATE} {'' if state in NUMBER_AWAITED else NUMBER_CHANGED}"
    return set(steps_of(table))


EDGES = {(int(State[begin.upper()]), event, int(State[end.upper()])) for begin, event, end in steps_of(EDGES_BY_STATE)}
CASE_EDGES = case_edges()


def iso_date(text: str) -> str:
    if date := from_iso(text):
        return date
    raise argparse.ArgumentTypeError("a date is YYYY-MM-DD")


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks source, ledger and platform against each other.")
    for name, what in (("source", "source database"), ("platform", "state of the platform simulator"),
                       ("ledger", "ledger of the gateway"), ("insurer", "保険者番号")):
        parser.add_argument(f"--{name}", required=True, help=what)
    parser.add_argument("--today", required=True, type=iso_date, help="the day the gateway ran on")
    parser.add_argument("--new-form-from", type=iso_date, help="application date from which an unknown form is new")
    parser.add_argument("--go-live", type=iso_date)
    parser.add_argument("--consent-before-go-live", choices=("true", "false"), default="true")
    parser.add_argument("--quiescent", action="store_true", help="nothing may be owed or in flight")
    given = parser.parse_args()
    settings = Settings(given.insurer, given.today, given.new_form_from, given.go_live,
                        given.consent_before_go_live == "true")
    try:
        checker = Checker(open_database(given.source), open_database(given.platform), open_database(given.ledger),
                          settings, given.quiescent)
        faults = checker.run()
    except sqlite3.Error as error:
        print(f"checker: cannot read: {error}", file=sys.stderr)
        return 2
    for line in faults.lines:
        print(line)
    if faults.total > len(faults.lines):
        print(f"... and {faults.total - len(faults.lines)} more")
    if faults.total == 0:
        print("; ".join(f"{name} {count}" for name, count in sorted(checker.counts.items())))
    print(f"checker: {faults.total} faults")
    return 1 if faults.total else 0


if __name__ == "__main__":
    sys.exit(main())
