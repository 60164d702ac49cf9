#!/usr/bin/env python3
"""What is printed on A4 by a browser: every figure whole and inside the page, aligned, headings on every page."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import xml.etree.ElementTree
from pathlib import Path

from harness import City, expect, main

MARGIN_PT = 15 / 25.4 * 72  # the page's own, in points


def printed(city: City, page: Path) -> list[list[tuple[str, float, float, float]]]:
    """Words of each page of the PDF that Chromium makes of it, with left, right and bottom edge."""
    pdf = page.with_suffix(".pdf")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
                    f"--user-data-dir={city.folder}/chromium", f"--print-to-pdf={pdf}", page.as_uri()],
                   check=True, capture_output=True)
    text = subprocess.run(["pdftotext", "-bbox", pdf, "-"], check=True, capture_output=True, text=True).stdout
    pages = xml.etree.ElementTree.fromstring(text.replace(' xmlns="http://www.w3.org/1999/xhtml"', "")).findall(".//page")
    for each in pages:
        expect((round(float(each.get("width", 0))), round(float(each.get("height", 0)))) == (595, 842), "not A4")
    return [[(word.text or "", float(word.get("xMin", 0)), float(word.get("xMax", 0)), float(word.get("yMax", 0)))
             for word in each.iter("word")] for each in pages]


def figures_of(kind: dict) -> list[str]:
    rows, receptions = kind["rows"], kind["receptions"]
    figures = [rows[name] for name in ("read", "registered", "platformOwned", "duplicates", "unreadable")]
    figures += [each["count"] for each in kind["exceptions"]] + [receptions[name] for name in ("settled", "settledRecords", "refused", "open")]
    return [str(figure) for figure in figures]


def the_certificate(city: City, language: str) -> None:
    city.write_config(language=language)
    page = city.folder / f"certificate-{language}.html"
    run = str(city.query(city.ledger, "SELECT max(run) FROM certificate"))
    expect(city.gateway("report", "--run", run, "--format", "html", "--output", str(page)).returncode == 0, "no certificate")
    words = [word for each in printed(city, page) for word in each]
    texts = [text for text, *_ in words]
    numbers = []
    for kind in city.json("report", "--run", run)["certificates"][0]["kinds"]:
        for figure in figures_of(kind):
            expect(figure in texts, f"{language}: {figure} of {kind['kind']} is not on the paper")
            numbers += [word for word in words if word[0] == figure]
    edges = {round(right) for _, _, right, _ in numbers if right > 595 / 2}
    expect(len(edges) == 1 and edges.pop() <= 595 - MARGIN_PT + 1, f"{language}: the figures do not stand in one column: {edges}")
    outside = [text for text, left, right, _ in words if left < MARGIN_PT - 1 or right > 595 - MARGIN_PT + 1]
    expect(not outside, f"{language}: outside the margins: {outside}")


def the_report(city: City, language: str) -> None:
    city.write_config(language=language)
    page = city.folder / f"report-{language}.html"
    expect(city.gateway("report", "--format", "html", "--output", str(page)).returncode == 0, "no report")
    pages = printed(city, page)
    expect(len(pages) > 2, "the table does not go over several pages")
    first = re.search(r"<th>([^<]+)</th>", page.read_text(encoding="utf-8"))
    assert first is not None
    for number, words in enumerate(pages):
        runs = sum(text == "daily-sync" for text, *_ in words)
        expect(runs < 2 or any(text == first[1] for text, *_ in words), f"{language}: page {number + 1} has no heading")
    outside = [text for words in pages for text, left, right, _ in words if left < MARGIN_PT - 1 or right > 595 - MARGIN_PT + 1]
    expect(not outside, f"{language}: outside the margins: {outside}")


def print_test(binaries: Path) -> None:
    with City(binaries, 60, seed=5) as city:
        city.start_simulator("middle_server: {unknown_share: 100}\n")
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.run_job("reconcile")
        # A certificate of a large city, and a day of many runs.
        ledger = sqlite3.connect(city.ledger)
        with ledger:
            for run, document in ledger.execute("SELECT run, document FROM certificate").fetchall():
                large = json.loads(document)
                for n, kind in enumerate(large["kinds"]):
                    for part in ("rows", "receptions"):
                        kind[part] = {name: value if isinstance(value, bool) else value * 15_173 + 1_000_003 * (n + 1) + i
                                      for i, (name, value) in enumerate(kind[part].items())}
                    for i, each in enumerate(kind["exceptions"]):
                        each["count"] += 2_000_003 * (n + 1) + i
                ledger.execute("UPDATE certificate SET document = ? WHERE run = ?", (json.dumps(large), run))
            columns = [row[1] for row in ledger.execute("PRAGMA table_info(run)")]
            rest = ", ".join("'daily-sync'" if name == "job" else name for name in columns[1:])
            for _ in range(7):
                ledger.execute(f"INSERT INTO run ({', '.join(columns[1:])}) SELECT {rest} FROM run")
        ledger.close()
        for language in ("ja", "en"):
            the_certificate(city, language)
            the_report(city, language)


if __name__ == "__main__":
    main(print_test)
