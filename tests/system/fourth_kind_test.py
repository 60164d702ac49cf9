#!/usr/bin/env python3
"""A record kind that the programs have never heard of is added by data alone, and reaches the platform."""

import shutil
from pathlib import Path

from harness import City, expect, main

KIND = """\
kind: housing-repairs
name: 住宅改修費利用情報
confidence: C
source: profile
key: [insurerNumber, insuredNumber, repairSequence]
requires: insured-persons
items:
  - {key: repairSequence, name: 連番, type: integer, minimum: 1, maximum: 999, required: always, confidence: C, source: profile}
  - {key: paidOn, name: 給付日, type: date, not_after: today, required: always, confidence: C, source: profile}
  - {key: amount, name: 給付額, type: integer, minimum: 0, maximum: 999999, required: always, confidence: C, source: profile}
  - {key: works, name: 工事種別, type: array, unique: true, minimum: 1, maximum: 6, element: {type: code, codes: repair-work}, required: always, confidence: C, source: profile}
  - {key: remark, name: 備考, type: text, max: 10, required: {item: amount, present: true}, confidence: C, source: profile}
"""

CODES = """
repair-work:
  {confidence: C, source: profile, name: 工事種別, values: {"1": 手すり, "2": 段差, "3": 床材, "4": 扉, "5": 便器, "6": 付帯}}
"""

MAPPING = """
  housing-repairs:
    table: 住宅改修
    columns: [保険者番号, 被保険者番号, 連番, 給付日, 給付額, 工事, 備考]
    insurer_column: 保険者番号
    order_by: [被保険者番号, 連番]
    items:
      insurerNumber: {column: 保険者番号}
      insuredNumber: {column: 被保険者番号}
      historyNumber: {constant: "1"}
      repairSequence: {column: 連番}
      paidOn: {column: 給付日, date: wareki}
      amount: {column: 給付額}
      works: {split: 工事}
      remark: {column: 備考, text: [trim]}
"""


def fourth_kind(binaries: Path) -> None:
    with City(binaries, 50) as city:
        spec = city.folder / "spec"
        shutil.copytree(city.spec, spec)
        (spec / "records/housing-repairs.yaml").write_text(KIND, encoding="utf-8")
        with open(spec / "codes.yaml", "a", encoding="utf-8") as codes:
            codes.write(CODES)
        root = spec / "specification.yaml"
        root.write_text(root.read_text(encoding="utf-8").replace("comprehensive-consents]",
                                                                 "comprehensive-consents, housing-repairs]"), encoding="utf-8")
        mapping = city.folder / "mapping.yaml"
        mapping.write_text(city.mapping.read_text(encoding="utf-8") + MAPPING, encoding="utf-8")
        city.spec, city.mapping = spec, mapping
        city.change_source("""
            CREATE TABLE 住宅改修 (保険者番号 TEXT, 被保険者番号 TEXT, 連番 INTEGER, 給付日 TEXT, 給付額 INTEGER, 工事 TEXT, 備考 TEXT);
            INSERT INTO 住宅改修 VALUES ('122192', '0000000001', 1, '令和8年4月1日', 180000, '13', '見本'),
                ('122192', '0000000001', 2, '令和8年5月1日', 20000, '2', '見本'),
                ('122192', '0000000002', 1, '令和8年4月1日', 90000, '9', '見本'),
                ('122192', '0000000003', 1, '令和8年4月1日', 90000, '1', '長すぎる備考は十字を超えるもの')""")
        city.start_simulator()
        expect(city.gateway("check-spec").returncode == 0, "the fourth kind's files have faults")
        city.run_job("initial-setup", "--yes", "--wait", "1h", status=1)
        content = """{"insurerNumber":"122192","insuredNumber":"0000000001","historyNumber":1,"repairSequence":1,"""
        content += """"paidOn":"2026-04-01","amount":180000,"works":["1","3"],"remark":"見本"}"""
        expect(city.query(city.platform, "SELECT count(*) FROM record WHERE kind = 'housing-repairs'") == 2, "two must arrive")
        expect(city.query(city.platform, "SELECT count(*) FROM record WHERE content = ?", content) == 1, "other content arrived")
        held = {record["key"]: record["reason"] for record in city.json("held", "list")["held"]
                if record["kind"] == "housing-repairs"}
        expect(held == {"0000000002 1": "validation:works:code", "0000000003 1": "validation:remark:length"}, str(held))
        city.change_source("DELETE FROM 住宅改修 WHERE 連番 = 2; UPDATE 住宅改修 SET 工事 = '6' WHERE 被保険者番号 = '0000000002'")
        city.run_job("daily-sync", "--accept-drop")
        expect(city.query(city.platform, "SELECT count(*) FROM record WHERE kind = 'housing-repairs'") == 2, "changes are lost")


if __name__ == "__main__":
    main(fourth_kind)
