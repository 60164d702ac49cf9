#!/usr/bin/env python3
"""The benchmark's peer: what kaigo-gateway does, as one would write it in an afternoon with the standard library alone.

It reads the sample database, makes and validates the records, notes each in a ledger and each batch in a spool file
before it is sent, uploads over mutual TLS, fetches the results and writes the final states. On a ledger that is filled
it compares instead: what the platform has already is not sent again. Digests, keys and record ids are those of the
gateway with the same key file, so that the two ledgers can be compared record by record. It prints one line:

    sent N registered N unchanged N rejected N

Simpler than the gateway: the mapping is written down here (only its SELECTs are read); the standard library has no AES,
so a spool file is compressed and carries an HMAC tag instead of being encrypted; one request flies at a time; rows must
come in key order, each key once; a row's first fault ends its validation; nothing is deleted or sent a second time,
there are no PMHキー cases, no histories and no account of a run. Whatever is not foreseen ends the program.
"""

import argparse
import base64
import datetime
import functools
import hmac
import http.client
import itertools
import json
import operator
import os
import re
import sqlite3
import ssl
import time
import unicodedata
import urllib.parse
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
Child = tuple[Any, ...]
Fields = list[tuple[str, Any, bool, Callable[[Any], Any]]]  # item, column, required, conversion

PERSONS, CERTIFICATIONS, CONSENTS = KINDS = ("insured-persons", "care-certifications", "comprehensive-consents")
KEY_WIDTH = {PERSONS: 10, CERTIFICATIONS: 24, CONSENTS: 14}
SENDING, STORED_IN_ERROR, REGISTERED, REJECTED, BLOCKED = 2, 4, 5, 6, 8  # lib/registration/record_state.h
BATCH_SENDING, BATCH_SUBMITTED, BATCH_COMPLETED, BATCH_SETTLED = 2, 4, 5, 6
PLATFORM_OWNED, ON_PLATFORM, UNLINKED = 2, 4, 64
RECORDS_AT_ONCE, BYTES_AT_ONCE, CHANGES_AT_ONCE, POLL_SECONDS = 1000, 8_000_000, 5000, 0.5
LEDGER = """
CREATE TABLE IF NOT EXISTS record (
    insurer INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, state INTEGER NOT NULL, owed INTEGER,
    flags INTEGER NOT NULL, reason TEXT, acknowledged BLOB, acknowledged_history INTEGER NOT NULL, sent BLOB,
    sent_history INTEGER NOT NULL, my_number BLOB, digest_key TEXT, attempts INTEGER NOT NULL, due_at INTEGER,
    batch INTEGER, seq INTEGER, comparison INTEGER, consent INTEGER, PRIMARY KEY (insurer, kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_owed ON record (insurer, kind, due_at) WHERE state = 1;
CREATE INDEX IF NOT EXISTS record_blocked ON record (insurer, kind) WHERE state = 8;
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY, insurer INTEGER NOT NULL, kind INTEGER NOT NULL, request_id TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL, base_date TEXT, state INTEGER NOT NULL, body_digest TEXT NOT NULL, members BLOB,
    member_count INTEGER NOT NULL, created_at INTEGER NOT NULL, reception_number TEXT, processing_status TEXT);
CREATE INDEX IF NOT EXISTS batch_open ON batch (insurer, state) WHERE state < 6;
CREATE TABLE IF NOT EXISTS cursor (insurer INTEGER PRIMARY KEY, value TEXT NOT NULL);
"""
WRITE_RECORD = f"INSERT OR REPLACE INTO record VALUES ({', '.join('?' * 19)})"


class Invalid(Exception):
    """A row cannot be sent. The argument is the item at fault, never its value."""


# --- Conversions: a cell that is not empty to the item's value; None: counts as absent; ValueError, KeyError: a fault

OPEN_ENDS = ("0000-01-01", "9999-12-31")
LAW_FROM = "2026-04-01"  # and, as the benchmark configures the gateway, new_form_from
ERAS = {"明治": (1868, "1868-01-25", "1912-07-30"), "大正": (1912, "1912-07-30", "1926-12-25"),
        "昭和": (1926, "1926-12-25", "1989-01-07"), "平成": (1989, "1989-01-08", "2019-04-30"),
        "令和": (2019, "2019-05-01", "9999-12-31")}
ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
WAREKI = re.compile("(明治|大正|昭和|平成|令和)(元|[0-9]{1,2})年([0-9]{1,2})月([0-9]{1,2})日")
HALF_WIDTH_KANA, FULL_WIDTH_KANA = re.compile("[\uff61-\uff9f]+"), re.compile("[\u30a1-\u30fc\u3000]+")
COMPATIBILITY_IDEOGRAPH = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f])")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufeff]")
VARIATION_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
MY_NUMBER_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
FLAG = {"0": False, "1": True}


def blank(cell: Any) -> bool:
    return cell is None or not str(cell).strip(" \u3000")


def calendar_date(text: str) -> str:
    if not ISO.fullmatch(text):
        raise ValueError
    return datetime.date.fromisoformat(text).isoformat()


@functools.cache
def iso(text: str) -> str | None:
    return None if text in OPEN_ENDS else calendar_date(text)


@functools.cache
def compact(text: str) -> str | None:
    return None if text in OPEN_ENDS else calendar_date(f"{text[:4]}-{text[4:6]}-{text[6:]}")


@functools.cache
def wareki(text: str) -> str | None:
    if text in OPEN_ENDS:
        return None
    match = WAREKI.fullmatch(text)
    if not match or match[2] == "0":
        raise ValueError
    first_year, first, last = ERAS[match[1]]
    year = first_year - 1 + (1 if match[2] == "元" else int(match[2]))
    day = datetime.date(year, int(match[3]), int(match[4])).isoformat()
    if not first <= day <= last:
        raise ValueError
    return day


def iso_or_wareki(text: str) -> str | None:
    return wareki(text) if text[:2] in ERAS else iso(text)


def normalized(text: str) -> str:
    """NFC, but compatibility ideographs (names!) stay what they are."""
    parts = COMPATIBILITY_IDEOGRAPH.split(text)
    return "".join(part if i % 2 else unicodedata.normalize("NFC", part) for i, part in enumerate(parts))


def text_of(longest: int, trim: bool = True, kana: bool = False) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        if trim:
            text = text.strip(" \u3000")
        if kana:
            text = HALF_WIDTH_KANA.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text).replace(" ", "\u3000")
        if not unicodedata.is_normalized("NFC", text):
            text = normalized(text)
        if CONTROL.search(text) or (len(text) > longest and len(VARIATION_SELECTOR.sub("", text)) > longest):
            raise ValueError
        if kana and text and not FULL_WIDTH_KANA.fullmatch(text):
            raise ValueError
        return text or None
    return convert


def pattern(expression: str) -> Callable[[str], str]:
    matches = re.compile(expression).fullmatch

    def convert(text: str) -> str:
        if not matches(text):
            raise ValueError
        return text
    return convert


def whole(lowest: int, highest: int) -> Callable[[Any], int]:
    def convert(cell: Any) -> int:
        number = cell if isinstance(cell, int) else int(str(cell))
        if not lowest <= number <= highest:
            raise ValueError
        return number
    return convert


def one_decimal(cell: Any) -> float:
    number = round(float(cell), 1)
    if not 0 <= number <= 999 or abs(number - float(cell)) > 1e-7:
        raise ValueError
    return number


def my_number(text: str) -> str:
    """Test numbers carry the right check digit + 1, so that none is anybody's."""
    if len(text) != 12 or not (text.isascii() and text.isdigit()):
        raise ValueError
    remainder = sum(map(operator.mul, map(int, text), MY_NUMBER_WEIGHTS)) % 11
    if int(text[11]) != ((0 if remainder <= 1 else 11 - remainder) + 1) % 10:
        raise ValueError
    return text


def distinct(parts: Iterable[str], allowed: dict[str, str]) -> list[str]:
    out = [allowed[part] for part in parts]
    if len(set(out)) < len(out):
        raise ValueError
    return out


def members(fields: Fields, row: Any, path: str = "") -> Row:
    out = {}
    for item, column, required, convert in fields:
        value = row[column]
        if value is not None and value != "":
            try:
                value = convert(value)
            except (ValueError, KeyError):
                raise Invalid(path + item) from None
            if value is not None:
                out[item] = value
                continue
        if required:
            raise Invalid(path + item)
    return out


def check(holds: bool, item: str) -> None:
    if not holds:
        raise Invalid(item)


# --- Rows to records


class Mapping:
    """The sample mapping and the rules of its three kinds: tables in the specification's order, then functions."""

    def __init__(self, codes: dict[str, dict[str, str]], today: str) -> None:
        def code(name: str) -> Callable[[str], str]:
            return codes[name].__getitem__

        alphanumeric, flag = "[0-9A-Za-z]", FLAG.__getitem__
        sendable_levels = {level: level for level in codes["care-level"] if level != "06"}
        header: Fields = [
            ("insurerNumber", "保険者番号", True, pattern("[0-9]{6}")),
            ("insuredNumber", "insuredNumber", True, pattern(alphanumeric + "{10}")),
            ("historyNumber", "履歴番号", True, whole(1, 999))]
        self.person_fields: Fields = header + [
            ("myNumber", "個人番号", True, my_number),
            ("insuredCategory", "被保険者区分", True, code("insured-category")),
            ("name", "氏名", True, text_of(100)), ("nameKana", "氏名カナ", True, text_of(100, kana=True)),
            ("birthDate", "生年月日", True, iso_or_wareki), ("birthDateUnknown", "生年月日不詳フラグ", False, flag),
            ("sex", "性別", True, code("sex")), ("postalCode", "郵便番号", False, pattern("[0-9]{7}")),
            ("address", "住所", True, text_of(300)),
            ("acquiredOn", "資格取得日", True, iso), ("lostOn", "資格喪失日", False, iso),
            ("lossReason", "資格喪失事由", False, code("loss-reason")),
            ("residenceException", "住所地特例", True, code("residence-exception")),
            ("facilityInsurerNumber", "施設所在保険者番号", False, pattern("[0-9]{6}")),
            ("nonDisclosure", "支援措置フラグ", True, flag)]
        self.certification_fields: Fields = header + [
            ("applicationDate", "申請日", True, compact),
            ("certificationHistoryNumber", "認定履歴番号", True, whole(1, 99999)),
            ("applicationKind", "申請区分", True, code("application-kind")),
            ("certificationStatus", "認定状況", True, code("certification-status")),
            ("careLevel", "要介護状態区分", False, sendable_levels.__getitem__),
            ("certifiedOn", "認定日", False, compact),
            ("validFrom", "有効開始日", False, compact), ("validTo", "有効終了日", False, compact),
            ("benefitLimitUnits", "支給限度基準額", False, whole(0, 999999)),
            ("consentAtApplication", "consentAtApplication", True, bool),
            ("specificDisease", "特定疾病", False, code("specific-disease"))]
        self.survey_fields: Fields = [
            ("surveyedOn", "調査日", True, iso), ("place", "実施場所", True, code("survey-place"))]
        self.overview_fields: Fields = [
            ("livingPlace", "居所", False, code("living-place")), ("services", "services", False, self.services),
            ("facility", "施設名", False, text_of(100)), ("remarks", "概況特記", False, text_of(4000))]
        self.service_fields: Fields = [
            ("code", 3, True, pattern(alphanumeric + "{1,4}")), ("count", 4, True, whole(0, 999))]
        self.remark_fields: Fields = [("code", 3, True, pattern("[0-9]{3}")), ("text", 4, True, text_of(4000))]
        self.survey_parts = [("1-1", "項目1_1", codes["survey-parts-5"]), ("1-2", "項目1_2", codes["survey-parts-4"])]
        counts = ("--33433334355", "443444333443", "422222233", "3" * 15, "334344")  # options of 1-3 … 5-6
        self.survey_items = [(f"{group}-{n}", f"項目{group}_{n}", codes[f"options-{options}"])
                             for group, row in enumerate(counts, 1)
                             for n, options in enumerate(row, 1) if options != "-"]
        self.treatments = [(treatment, f"特別な医療{treatment}") for treatment in codes["medical-treatment"]]
        self.judgement_fields: Fields = [
            ("careLevel", "一次判定結果", True, code("care-level")),
            ("criterionMinutes", "基準時間", True, one_decimal),
            ("dementiaAddition", "認知症加算", False, one_decimal)]
        self.opinion_fields: Fields = [
            ("writtenOn", "記入日", True, wareki),
            ("institutionCode", "医療機関コード", False, pattern(alphanumeric + "{1,10}")),
            ("disabilityIndependence", "障害自立度", True, code("disability-independence")),
            ("dementiaIndependence", "認知症自立度", True, code("dementia-independence")),
            ("diagnoses", "diagnoses", True, self.diagnoses),
            ("stability", "安定性", False, code("stability")), ("shortTermMemory", "短期記憶", False, code("options-2")),
            ("decisionMaking", "意思決定", False, code("options-4")),
            ("communication", "伝達能力", False, code("options-4")), ("eating", "食事行為", False, code("options-2")),
            ("behaviours", "周辺症状", False, self.behaviours),
            ("outlook", "見通し", False, text_of(4000)), ("remarks", "特記", False, text_of(4000))]
        self.diagnosis_fields: Fields = [("name", 4, True, text_of(100)), ("onset", 5, False, text_of(40, trim=False))]
        self.consent_fields: Fields = header + [
            ("consentSequence", "同意連番", True, whole(1, 999)), ("consentDate", "同意年月日", True, iso),
            ("consent", "同意区分", True, code("consent"))]
        self.behaviour_codes = codes["behaviour"]
        self.today = today
        self.record = {PERSONS: self.person, CERTIFICATIONS: self.certification, CONSENTS: self.consent}

    def key(self, kind: str, row: Row) -> bytes:
        row["insuredNumber"] = row["被保険者番号"].rjust(10, "0")
        key = row["insuredNumber"].encode()
        if kind == CERTIFICATIONS:
            key += compact(row["申請日"]).encode() + int(row["認定履歴番号"]).to_bytes(4, "big")
        elif kind == CONSENTS:
            key += int(row["同意連番"]).to_bytes(4, "big")
        if len(key) != KEY_WIDTH[kind]:
            raise ValueError
        return key

    def person(self, row: Row) -> Row:
        if row["生年月日不詳フラグ"] != "1":
            row["生年月日不詳フラグ"] = None
        if blank(row["資格喪失日"]):
            row["資格喪失事由"] = None
        out = members(self.person_fields, row)
        check(out["birthDate"] <= self.today, "birthDate")
        if "lostOn" in out:
            check(out["acquiredOn"] <= out["lostOn"], "lostOn")
            check("lossReason" in out, "lossReason")
        check(out["residenceException"] != "2" or "facilityInsurerNumber" in out, "facilityInsurerNumber")
        return out

    def certification(self, row: Row) -> Row:
        second = row["被保険者区分"] == "2"
        if not second:
            row["特定疾病"] = None
        row["consentAtApplication"] = self.consent_at_application(row)
        out = members(self.certification_fields, row)
        level, decided, start, end = (out.get(item) for item in ("careLevel", "certifiedOn", "validFrom", "validTo"))
        if out["certificationStatus"] in ("04", "05"):
            check(level is not None, "careLevel")
            check(decided is not None, "certifiedOn")
        check(decided is None or decided >= out["applicationDate"], "certifiedOn")
        if level in ("11", "12", "13", "19", "21", "22", "23", "24", "25"):
            check(start is not None, "validFrom")
            check(end is not None, "validTo")
        check(start is None or end is None or start <= end, "validTo")
        check(not second or "specificDisease" in out, "specificDisease")
        if not blank(row["調査日"]):
            out["survey"] = self.survey(row)
        if not blank(row["一次判定結果"]):
            out["firstJudgement"] = members(self.judgement_fields, row, "firstJudgement.")
        if not blank(row["記入日"]):
            out["doctorOpinion"] = members(self.opinion_fields, row, "doctorOpinion.")
        return out

    def consent_at_application(self, row: Row) -> bool:
        """Given with an application since the law, not on an old form, not withdrawn since."""
        try:
            applied_on, consented = compact(row["申請日"]), FLAG[row["同意有無"] or "0"]
            withdrawn_on = iso(row["撤回日"]) if row["撤回日"] else None
            new_form = {"1": False, "2": True, "": True}[row["様式の版"] or ""]
        except (ValueError, KeyError):
            raise Invalid("consentAtApplication") from None
        return consented and new_form and applied_on >= LAW_FROM and not (withdrawn_on and withdrawn_on >= applied_on)

    def survey(self, row: Row) -> Row:
        out = members(self.survey_fields, row, "survey.")
        out["overview"] = members(self.overview_fields, row, "survey.overview.")
        items: Row = {}
        try:
            for item, column, allowed in self.survey_parts:
                items[item] = distinct(row[column] or "", allowed)
            for item, column, allowed in self.survey_items:
                items[item] = allowed[row[column]]
        except (ValueError, KeyError):
            raise Invalid(f"survey.items.{item}") from None
        out["items"] = items
        out["medicalTreatments"] = [code for code, column in self.treatments if row[column] == "1"]
        if row["survey-remarks"]:
            out["remarks"] = [members(self.remark_fields, each, "survey.remarks.") for each in row["survey-remarks"]]
        return out

    def services(self, rows: list[Child]) -> list[Row] | None:
        return [members(self.service_fields, each, "survey.overview.services.") for each in rows] or None

    def diagnoses(self, rows: list[Child]) -> list[Row]:
        if not 1 <= len(rows) <= 3:
            raise ValueError
        return [members(self.diagnosis_fields, each, "doctorOpinion.diagnoses.")
                for each in sorted(rows, key=lambda row: row[3])]

    def behaviours(self, text: str) -> list[str] | None:
        return None if blank(text) else distinct(filter(None, text.split(",")), self.behaviour_codes)

    def consent(self, row: Row) -> Row:
        """A consent from before the law is none."""
        out = members(self.consent_fields, row)
        if out["consent"] == "1" and out["consentDate"] < LAW_FROM:
            out["consent"] = "2"
        return out


# --- Source


def read_selects(mapping: Path) -> dict[str, str]:
    """The SELECTs of the mapping by their section: a kind of records, or a child."""
    block = re.compile(r"^( *)([\w-]+):\n(?: *#.*\n)*\1  select: \|\n((?:\1    .*\n)+)", re.M)
    return {name: select for _, name, select in block.findall(mapping.read_text("utf-8"))}


def read_codes(specification: Path) -> dict[str, dict[str, str]]:
    text = (specification / "codes.yaml").read_text("utf-8")
    lists = re.findall(r"^([\w-]+):.*?values: \{(.*?)\}", text, re.M | re.S)
    return {name: {code: code for code in re.findall(r'"(\w+)":', values)} for name, values in lists}


def follow(rows: Iterable[Child]) -> Callable[[Child], list[Child]]:
    """Child rows of a parent, whose key are their first three columns. Parents are asked for in the same order."""
    groups = ((key, list(group)) for key, group in itertools.groupby(rows, operator.itemgetter(0, 1, 2))
              if None not in key)
    head = next(groups, None)

    def children_of(parent: Child) -> list[Child]:
        nonlocal head
        while head is not None and head[0] < parent:
            head = next(groups, None)
        return head[1] if head is not None and head[0] == parent else []
    return children_of


def read_rows(source: sqlite3.Connection, selects: dict[str, str], kind: str, insurer: str) -> Iterator[Row]:
    rows = source.execute(selects[kind], {"insurer": insurer})
    names = [column[0] for column in rows.description]
    children = {}
    if kind == CERTIFICATIONS:
        children = {child: follow(source.execute(selects[child], {"insurer": insurer}))
                    for child in ("services", "survey-remarks", "diagnoses")}
    for values in rows:
        row = dict(zip(names, values))
        if row["保険者番号"] != insurer:
            raise SystemExit(f"{kind}: a row of another insurer")
        for child, children_of in children.items():
            parent = (row["被保険者番号"], row["申請日"], row["認定履歴番号"])
            row[child] = children_of(parent) if None not in parent else []
        yield row


# --- Keys and ids

CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def derived_key(secret: bytes, label: str) -> bytes:
    """HKDF with SHA-256."""
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), f"kaigo-gateway {label}\x01".encode(), "sha256")


def keyed_digest(secret: bytes, label: str) -> Callable[[bytes], bytes]:
    """HMAC-SHA256, of which the first 16 bytes."""
    keyed = hmac.new(derived_key(secret, label), digestmod="sha256")

    def digest(data: bytes) -> bytes:
        copy = keyed.copy()
        copy.update(data)
        return copy.digest()[:16]
    return digest


def new_request_id() -> str:
    """A ULID."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return base64.b32encode((number << 2).to_bytes(17, "big")).translate(CROCKFORD)[1:27].decode()


# --- Ledger, spool, platform


class Known(NamedTuple):
    """What the ledger knows of a record."""

    state: int = 0
    flags: int = 0
    reason: str | None = None
    acknowledged: bytes | None = None
    acknowledged_history: int = 0
    sent: bytes | None = None
    my_number: bytes | None = None


def open_ledger(path: Path) -> sqlite3.Connection:
    ledger = sqlite3.connect(path, isolation_level=None)
    ledger.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768")
    return ledger


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


class Registration:
    """One run over all kinds of one insurer."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.insurer = options.insurer
        today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))).date().isoformat()
        self.mapping, self.selects = Mapping(read_codes(options.spec), today), read_selects(options.mapping)
        secret = options.key.read_bytes()
        self.digest, self.identifier = keyed_digest(secret, "digest"), keyed_digest(secret, "identifier")
        self.digest_key = derived_key(secret, "key name")[:4].hex()
        self.source = sqlite3.connect(options.database.resolve().as_uri() + "?mode=ro", uri=True, isolation_level=None)
        self.spool, self.ledger_path = options.state / "spool", options.state / "ledger.db"
        self.spool.mkdir(0o700, parents=True, exist_ok=True)
        self.ledger = open_ledger(self.ledger_path)
        self.ledger.executescript(LEDGER)
        first = self.ledger.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None
        self.mode, self.base_date = ("initial", today) if first else ("daily", None)
        url = urllib.parse.urlsplit(options.url)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        tls.load_verify_locations(options.ca)
        tls.load_cert_chain(options.certificate, options.private_key)
        self.platform = http.client.HTTPSConnection(url.hostname, url.port, context=tls, timeout=120)
        self.path = f"{url.path}/insurers/{self.insurer}/"
        self.encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        self.building: list[tuple[bytes, bytes, int, tuple[Any, ...]]] = []  # key, content, update kind, ledger row
        self.size = 0
        self.changes: list[tuple[Any, ...]] = []
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        for number, kind in enumerate(KINDS, 1):
            self.compare(number, kind)
            self.settle()
        print(" ".join(f"{name} {self.counts[name]}" for name in ("sent", "registered", "unchanged", "rejected")))

    def compare(self, number: int, kind: str) -> None:
        """Rows of the source beside those of the ledger, both in key order."""
        on_platform = None
        if kind != PERSONS:
            persons = self.ledger.execute("SELECT key FROM record WHERE insurer = 1 AND kind = 1 AND flags & ?",
                                          (ON_PLATFORM,))
            on_platform = {key for key, in persons}
        reader = open_ledger(self.ledger_path)  # a snapshot of its own, while the other connection writes
        entries = reader.execute("SELECT key, state, flags, reason, acknowledged, acknowledged_history, sent, "
                                 "my_number FROM record WHERE insurer = 1 AND kind = ? ORDER BY key", (number,))
        entry, last = next(entries, None), b""
        self.source.execute("BEGIN")
        for row in read_rows(self.source, self.selects, kind, self.insurer):
            try:
                key = self.mapping.key(kind, row)
            except (ValueError, AttributeError, TypeError, OverflowError):
                self.counts["rejected"] += 1
                continue
            if key <= last:
                raise SystemExit(f"{kind}: rows are not in key order, or a key comes twice")
            last = key
            while entry is not None and entry[0] < key:
                entry = next(entries, None)
            known = Known(*entry[1:]) if entry is not None and entry[0] == key else Known()
            self.decide(number, kind, key, row, known, on_platform is None or key[:10] in on_platform)
        self.source.execute("COMMIT")
        reader.close()
        self.flush(number, kind)
        self.write_changes()

    def decide(self, number: int, kind: str, key: bytes, row: Row, known: Known, has_person: bool) -> None:
        if kind == CONSENTS and row["取得経路"] == "3":
            return self.change(number, key, known._replace(flags=PLATFORM_OWNED), REGISTERED, None, "unchanged")
        if kind == PERSONS and row["個人番号"]:
            known = known._replace(my_number=self.digest(f"my-number/{row['個人番号']}".encode()))
        try:
            record = self.mapping.record[kind](row)
        except Invalid as fault:
            waits = kind == PERSONS and not row["個人番号"]
            return self.change(number, key, known, BLOCKED if waits else REJECTED, f"validation:{fault}", "rejected")
        content = self.encode(record).encode()
        digest = self.digest(content)
        if digest in (known.acknowledged, known.sent):
            self.counts["unchanged"] += 1
            return
        if not has_person:
            return self.change(number, key, known, BLOCKED, "prerequisite-not-on-platform", "rejected")
        update_kind = 2 if known.flags & ON_PLATFORM else 1
        entry = self.ledger_row(number, key, known, SENDING, None, update_kind, digest, record["historyNumber"],
                                record.get("consentAtApplication"))
        self.building.append((key, content, update_kind, entry))
        self.size += len(content) + 64
        if len(self.building) == RECORDS_AT_ONCE or self.size > BYTES_AT_ONCE:
            self.flush(number, kind)

    def ledger_row(self, number: int, key: bytes, known: Known, state: int, reason: str | None, owed: int | None = None,
                   sent: bytes | None = None, history: int = 0, consent: bool | None = None) -> tuple[Any, ...]:
        return (1, number, key, state, owed, known.flags, reason, known.acknowledged, known.acknowledged_history, sent,
                history, known.my_number, self.digest_key, 0, None, None, None, None, consent)

    def change(self, number: int, key: bytes, known: Known, state: int, reason: str | None, term: str) -> None:
        """A record that does not go out, noted where that is news."""
        self.counts[term] += 1
        if (known.state, known.reason) != (state, reason):
            self.changes.append(self.ledger_row(number, key, known, state, reason))
            if len(self.changes) == CHANGES_AT_ONCE:
                self.write_changes()

    def write_changes(self) -> None:
        with transaction(self.ledger):
            self.ledger.executemany(WRITE_RECORD, self.changes)
        self.changes = []

    def flush(self, number: int, kind: str) -> None:
        """Spool file, intent in the ledger, upload."""
        if not self.building:
            return
        building, self.building, self.size = self.building, [], 0
        request_id, name = new_request_id(), f"{self.insurer}/{kind}/".encode()
        self.store(request_id, [content for _, content, _, _ in building])
        records, ids = [], []
        for key, content, update_kind, _ in building:
            code = base64.b32encode(self.identifier(name + key)[:10] + self.identifier(content)[:5])
            record_id = (code[:12] + code[16:]).translate(CROCKFORD)
            records.append(b'{"recordId":"%b","updateKind":"%d",%b' % (record_id, update_kind, content[1:]))
            ids.append(record_id + key)
        envelope = {"specVersion": "2.02", "requestId": request_id, "mode": self.mode}
        if self.base_date:
            envelope["baseDate"] = self.base_date
        body = b'%b,"records":[%b]}' % (self.encode(envelope)[:-1].encode(), b",".join(records))
        with transaction(self.ledger):
            batch = self.ledger.execute(
                "INSERT INTO batch VALUES (NULL, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                (number, request_id, self.mode, self.base_date, BATCH_SENDING, self.digest(body).hex(), b"".join(ids),
                 len(ids), int(time.time() * 1000))).lastrowid
            self.ledger.executemany(WRITE_RECORD, (entry[:15] + (batch, seq) + entry[17:]
                                                   for seq, (_, _, _, entry) in enumerate(building)))
        answer = self.ask("POST", f"{kind}/registrations", body)
        self.ledger.execute("UPDATE batch SET state = ?, reception_number = ? WHERE id = ?",
                            (BATCH_SUBMITTED, answer["receptionNumber"], batch))
        self.counts["sent"] += len(building)

    def store(self, request_id: str, contents: list[bytes]) -> None:
        packed = zlib.compress(b"".join(len(each).to_bytes(4, "little") + each for each in contents), 1)
        part = self.spool / f"{request_id}.part"
        with part.open("wb") as file:
            file.write(self.digest(request_id.encode() + packed) + packed)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.spool / f"{request_id}.spool")
        self.sync_spool()

    def sync_spool(self) -> None:
        folder = os.open(self.spool, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        self.platform.request(method, self.path + path, body, {"Content-Type": "application/json"} if body else {})
        response = self.platform.getresponse()
        answer = json.loads(response.read())
        if response.status not in (200, 202) or answer.get("errors"):
            raise SystemExit(f"{method} {path}: {response.status}, {answer.get('errors')}")
        return answer

    def settle(self) -> None:
        """Asks until nothing that was sent is without a result."""
        batches = "FROM batch WHERE insurer = 1 AND state < 6 AND state = ?"
        while self.ledger.execute(f"SELECT 1 {batches}", (BATCH_SUBMITTED,)).fetchone():
            if not self.list_completed():
                time.sleep(POLL_SECONDS)
            completed = self.ledger.execute(f"SELECT id, kind, request_id, reception_number, members {batches}",
                                            (BATCH_COMPLETED,)).fetchall()
            for batch in completed:
                self.land(*batch)

    def list_completed(self) -> bool:
        row = self.ledger.execute("SELECT value FROM cursor WHERE insurer = 1").fetchone()
        after = f"&completedAfter={urllib.parse.quote(row[0], safe='')}" if row else ""
        page = self.ask("GET", f"registrations?limit=500{after}")
        with transaction(self.ledger):
            self.ledger.executemany(
                "UPDATE batch SET state = ?, processing_status = ? WHERE request_id = ? AND state = ?",
                ((BATCH_COMPLETED, each["processingStatus"], each["requestId"], BATCH_SUBMITTED)
                 for each in page["receptions"]))
            self.ledger.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", (page["cursor"],))
        return bool(page["receptions"])

    def land(self, batch: int, number: int, request_id: str, reception: str, packed: bytes) -> None:
        """The results of one batch."""
        width = 20 + KEY_WIDTH[KINDS[number - 1]]
        keys = {packed[at:at + 20].decode(): packed[at + 20:at + width] for at in range(0, len(packed), width)}
        stored, refused, received, total = [], [], 0, 1
        while received < total:
            page = self.ask("GET", f"registrations/{reception}/results?offset={received}&limit=1000")
            total, received = page["total"], received + len(page["results"])
            if not page["results"]:
                break
            for result in page["results"]:
                key = keys.pop(result["recordId"])
                if result["status"] == "1":
                    stored.append((REGISTERED, ON_PLATFORM, None, number, key))
                elif result["stored"]:
                    stored.append((STORED_IN_ERROR, ON_PLATFORM | UNLINKED, result["errorId"], number, key))
                else:
                    refused.append((REJECTED, result["errorId"], number, key))
        if keys:
            raise SystemExit(f"request {request_id}: {len(keys)} records have no result")
        with transaction(self.ledger):
            self.ledger.executemany(
                "UPDATE record SET state = ?, owed = NULL, flags = flags & ~64 | ?, reason = ?, acknowledged = sent, "
                "acknowledged_history = sent_history WHERE insurer = 1 AND kind = ? AND key = ?", stored)
            self.ledger.executemany("UPDATE record SET state = ?, owed = NULL, reason = ? WHERE insurer = 1 AND "
                                    "kind = ? AND key = ?", refused)
            self.ledger.execute("UPDATE batch SET state = ?, members = NULL WHERE id = ?", (BATCH_SETTLED, batch))
        self.counts["registered"] += sum(each[0] == REGISTERED for each in stored)
        self.counts["rejected"] += len(refused)
        (self.spool / f"{request_id}.spool").unlink()
        self.sync_spool()


def main() -> None:
    parser = argparse.ArgumentParser(description="The benchmark's peer in plain Python.")
    for name in ("database", "ca", "certificate", "private-key", "state", "key", "mapping", "spec"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("insurer", "url"):
        parser.add_argument(f"--{name}", required=True)
    Registration(parser.parse_args()).run()


if __name__ == "__main__":
    main()
