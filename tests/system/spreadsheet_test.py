#!/usr/bin/env python3
"""The work list through LibreOffice Calc and back: no cell changes, and the answers are taken. By hand: ./dev spreadsheet."""

import csv
import random
import subprocess
from pathlib import Path

from harness import City, expect, main


def through_calc(city: City, table: Path) -> Path:
    """Opens the CSV as a clerk does, saves it as a workbook, and that as CSV again."""
    profile = f"-env:UserInstallation=file://{city.folder}/office"

    def convert(kind: str, source: Path, *options: str) -> Path:
        subprocess.run(["soffice", profile, "--headless", *options, "--convert-to", kind, "--outdir", city.folder / "calc",
                        source], check=True, capture_output=True)
        return city.folder / "calc" / (source.stem + "." + kind.split(":")[0])

    # Comma, quotation mark, UTF-8: what the dialog finds out. Nothing on columns: what is a number is Calc's to guess.
    workbook = convert("xlsx", table, "--infilter=CSV:44,34,76,1")
    # Field and text separator, UTF-8 (76), with BOM and every text cell quoted.
    return convert("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", workbook)


def saved_as(city: City, table: Path) -> list[Path]:
    """The table as Calc saves it: UTF-8 with and without BOM, CP932, and UTF-16 between tabs; its lines end as Windows' do too."""
    out = []
    for name, separator, characters, mark in (("utf-8", 44, 76, "false"), ("utf-8-bom", 44, 76, "true"), ("cp932", 44, 60, "false"),
                                              ("utf-16", 9, 65535, "true")):
        folder = city.folder / f"saved-{name}"
        subprocess.run(["soffice", f"-env:UserInstallation=file://{city.folder}/office", "--headless", "--infilter=CSV:44,34,76,1",
                        "--convert-to", f"csv:Text - txt - csv (StarCalc):{separator},34,{characters},1,,0,false,true,false,false,{mark},-1",
                        "--outdir", folder, table], check=True, capture_output=True)
        saved = next(folder.glob(table.stem + "*.csv"))
        out.append(saved.rename(folder / f"{table.stem}.csv"))
        if name != "utf-16":
            lines = folder / f"{table.stem}-crlf.csv"
            lines.write_bytes(out[-1].read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            out.append(lines)
    return out


def read(path: Path) -> list[list[str]]:
    produced = path if path.exists() else next(path.parent.glob(path.stem + "*.csv"))
    with open(produced, encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def spreadsheet(binaries: Path) -> None:
    with City(binaries, 300, seed=3) as city:
        city.start_simulator("middle_server: {unknown_share: 800, several_share: 200}\n")
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        for language in ("en", "ja"):
            city.write_config(language=language)
            table = city.folder / f"cases-{language}.csv"
            expect(city.gateway("cases", "export", str(table)).returncode == 0, "no export")
            before = read(table)
            expect(len(before) > 10, "too few cases")
            after = read(through_calc(city, table))
            expect(before == after, "\n".join(f"{a} → {b}" for one, other in zip(before, after) for a, b in zip(one, other) if a != b))
        rows = read(table)
        columns = [heading.split(" ")[-1] for heading in rows[0]]
        answered = 0
        for row in rows[1:]:
            if row[columns.index("error")] == "KJP0001":
                row[columns.index("finding")] = "mynumber-correct"
                row[columns.index("note")] = "'-0012"
                answered += 1
        # As a clerk gives it back: columns in another order, and one of their own.
        order = list(range(len(columns)))
        random.Random(7).shuffle(order)
        shuffled = [[row[i] for i in order] + ["担当" if n == 0 else "見本"] for n, row in enumerate(rows)]
        for name, content in (("as-it-was", rows), ("shuffled", shuffled)):
            filled = city.folder / f"{name}.csv"
            with open(filled, "w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows(content)
            for saved in saved_as(city, filled):
                trial = city.json("cases", "import", str(saved), "--dry-run")
                expect(trial["decided"] == answered and len(trial["notices"]) == (name == "shuffled"), f"{saved.name}: {trial}")
        imported = city.json("cases", "import", str(saved_as(city, city.folder / "shuffled.csv")[-1]))
        expect(imported["decided"] == answered, str(imported))
        print(f"{len(rows) - 1} cases of {len(columns)} cells each came back unchanged; {answered} answers were taken, in every form "
              "that Calc saves text in")


if __name__ == "__main__":
    main(spreadsheet)
