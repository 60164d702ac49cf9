#include "simulator/sample_db.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "domain/identifiers.h"
#include "simulator/sample_text.h"

namespace kaigo::sample {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr const char* kControl =
    "最新フラグ TEXT NOT NULL, 削除フラグ TEXT NOT NULL, 操作者ID TEXT NOT NULL, 操作年月日 TEXT NOT NULL, "
    "操作時刻 TEXT NOT NULL";

const std::vector<std::string>& survey_items() {
    static const std::vector<std::string> items = [] {
        std::vector<std::string> out;
        constexpr int kGroups[] = {13, 12, 9, 15, 6};
        for (int group = 1; group <= 5; ++group)
            for (int n = 1; n <= kGroups[group - 1]; ++n) out.push_back(fmt::format("{}_{}", group, n));
        return out;
    }();
    return items;
}

/// Options of each item of the 基本調査, in its order; 0: parts.
constexpr int kOptions[] = {0, 0, 3, 3, 4, 3, 3, 3, 3, 4, 3, 5, 5, 4, 4, 3, 4, 4, 4,
                            3, 3, 3, 4, 4, 3, 4, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3,
                            3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 3, 4, 4};

void create_tables(Database& db) {
    std::string survey;
    for (const std::string& item : survey_items()) survey += "項目" + item + " TEXT, ";
    for (int i = 1; i <= 12; ++i) survey += fmt::format("特別な医療{:02} TEXT, ", i);
    // NOLINTBEGIN(bugprone-suspicious-missing-comma): one table's columns fill several lines
    const std::vector<std::string> tables = {
        "宛名 (宛名番号 TEXT NOT NULL, 履歴番号 INTEGER NOT NULL, 枝番号 INTEGER NOT NULL, 個人番号 TEXT, "
        "氏名 TEXT, "
        "氏名カナ TEXT, 生年月日 TEXT, 生年月日不詳フラグ TEXT, 性別 TEXT, 郵便番号 TEXT, 住所 TEXT, "
        "支援措置フラグ TEXT, {}, "
        "PRIMARY KEY (宛名番号, 履歴番号, 枝番号))",
        "被保険者資格 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 宛名番号 TEXT NOT NULL, "
        "履歴番号 INTEGER NOT "
        "NULL, 枝番号 INTEGER NOT NULL, 被保険者区分 TEXT, 資格取得日 TEXT, 資格喪失日 TEXT, 資格喪失事由 "
        "TEXT, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 履歴番号, 枝番号))",
        "要介護認定 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT NULL, "
        "履歴番号 INTEGER "
        "NOT NULL, 枝番号 INTEGER NOT NULL, 申請日 TEXT, 申請区分 TEXT, 認定状況 TEXT, 要介護状態区分 TEXT, "
        "認定日 TEXT, "
        "有効開始日 TEXT, 有効終了日 TEXT, 支給限度基準額 INTEGER, 同意有無 TEXT, 様式の版 TEXT, 特定疾病 "
        "TEXT, "
        "一次判定結果 TEXT, 基準時間 REAL, 認知症加算 REAL, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号, 履歴番号, 枝番号))",
        "認定調査 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT NULL, "
        "調査日 TEXT, "
        "実施場所 TEXT, 居所 TEXT, 施設名 TEXT, 概況特記 TEXT, " +
            survey + "{}, PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号))",
        "認定調査サービス (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT "
        "NULL, "
        "サービスコード TEXT NOT NULL, 回数 INTEGER, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号, サービスコード))",
        "認定調査特記 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT NULL, "
        "特記番号 TEXT NOT NULL, 内容 TEXT, {}, PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号, "
        "特記番号))",
        "主治医意見書 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT NULL, "
        "記入日 TEXT, "
        "医療機関コード TEXT, 障害自立度 TEXT, 認知症自立度 TEXT, 安定性 TEXT, 短期記憶 TEXT, 意思決定 TEXT, "
        "伝達能力 TEXT, "
        "食事行為 TEXT, 周辺症状 TEXT, 見通し TEXT, 特記 TEXT, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号))",
        "主治医意見書傷病 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 認定履歴番号 INTEGER NOT "
        "NULL, "
        "順位 INTEGER NOT NULL, 傷病名 TEXT, 発症年月日 TEXT, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 認定履歴番号, 順位))",
        "同意 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 同意連番 INTEGER NOT NULL, 履歴番号 "
        "INTEGER NOT NULL, "
        "枝番号 INTEGER NOT NULL, 同意年月日 TEXT, 同意区分 TEXT, 取得経路 TEXT, 様式の版 TEXT, {}, "
        "PRIMARY KEY (保険者番号, 被保険者番号, 同意連番, 履歴番号, 枝番号))",
        "生活保護 (宛名番号 TEXT NOT NULL, 履歴番号 INTEGER NOT NULL, 開始日 TEXT, 終了日 TEXT, {}, "
        "PRIMARY KEY (宛名番号, 履歴番号))",
        "医療保険加入 (宛名番号 TEXT NOT NULL, 履歴番号 INTEGER NOT NULL, 加入区分 TEXT, 確認日 TEXT, {}, "
        "PRIMARY KEY (宛名番号, 履歴番号))",
        "住所地特例 (保険者番号 TEXT NOT NULL, 被保険者番号 TEXT NOT NULL, 履歴番号 INTEGER NOT NULL, "
        "適用開始日 TEXT, "
        "適用終了日 TEXT, 施設所在保険者番号 TEXT, {}, PRIMARY KEY (保険者番号, 被保険者番号, 履歴番号))",
    };
    // NOLINTEND(bugprone-suspicious-missing-comma)
    for (const std::string& table : tables)
        db.execute("CREATE TABLE " + fmt::format(fmt::runtime(table), kControl) + " WITHOUT ROWID");
    // In the order of the records' keys, as a vendor would add it: no sorting of wide rows when they are
    // read.
    db.execute(
        "CREATE INDEX 要介護認定_申請順 ON 要介護認定 (保険者番号, 被保険者番号, 申請日, 認定履歴番号, "
        "最新フラグ, "
        "削除フラグ)");
    db.execute("CREATE TABLE 見本情報 (名前 TEXT PRIMARY KEY, 値 TEXT NOT NULL) WITHOUT ROWID");
}

std::string compact(const Date& date) {
    std::string iso = date.iso();
    std::erase(iso, '-');
    return iso;
}

/// 令和8年4月1日, as 意見書 carry it.
std::string wareki(const Date& date) {
    const std::chrono::year_month_day ymd(date.days());
    const int reiwa = static_cast<int>(ymd.year()) - 2018;
    const std::string year = reiwa == 1 ? "元" : std::to_string(reiwa);
    return fmt::format("令和{}年{}月{}日", year, static_cast<unsigned>(ymd.month()),
                       static_cast<unsigned>(ymd.day()));
}

const Date kStart = *Date::from(2026, 11, 1);

/// Writes rows of one database. Every row carries its control columns.
class Writer {
  public:
    Writer(Database& db, std::string insurer, std::uint64_t seed, bool dense)
        : db_(db), insurer_(std::move(insurer)), seed_(seed), dense_(dense) {}

    static std::string insured_number(std::int64_t person, bool welfare_only) {
        return welfare_only ? fmt::format("H{:09}", person) : fmt::format("{:010}", person);
    }

    static std::string address_number(const std::string& insured) { return "00000" + insured; }

    /// A マイナンバー that production refuses: check digit + 1.
    std::string test_number(std::int64_t person, std::uint64_t attempt) const {
        constexpr std::uint64_t kPrime = 9'999'999'967ULL;
        const std::uint64_t n =
            (static_cast<std::uint64_t>(person) * 7'919'371ULL + seed_ * 104'729ULL + attempt * 611'953ULL) %
            kPrime;
        const std::string eleven = fmt::format("9{:010}", n);
        const int right = my_number_check_digit(eleven) - '0';
        return eleven + static_cast<char>('0' + (right + 1) % 10);
    }

    void person(std::int64_t index, const std::string& insured, const Date& today, bool newcomer) {
        Chance chance(seed_, static_cast<std::uint64_t>(index), 1);
        const std::string address = address_number(insured);
        const bool second = !dense_ && !newcomer && chance.happens(200);  // 第2号
        const int age = second ? chance.between(42, 64) : newcomer ? 65 : elder_age(chance);
        const Date birth = today.plus_days(-age * 365 - age / 4 - chance.between(0, 364));
        const bool abroad = !dense_ && chance.happens(100);  // 住所地特例
        const bool no_number = abroad && chance.happens(4000);
        const int versions = dense_ || newcomer ? 1 : chance.between(1, 3);
        for (int version = 1; version <= versions; ++version)
            write_address(address, version, version == versions, chance, index, birth, no_number, today);
        const std::string acquired =
            second ? today.plus_days(-chance.between(100, 3000)).iso()
                   : std::max(birth.plus_days(65 * 365 + 16).iso(), std::string("2000-04-01"));
        const bool lost = !dense_ && !newcomer && chance.happens(150);
        for (int version = 1; version <= versions; ++version) {
            const bool latest = version == versions;
            insert("被保険者資格",
                   {insurer_, insured, address, std::to_string(version), "1", second ? "2" : "1",
                    newcomer ? today.iso() : acquired,
                    latest && lost ? today.plus_days(-chance.between(1, 60)).iso() : "",
                    latest && lost ? (chance.happens(7000) ? "01" : "02") : ""},
                   latest, today.plus_days(-chance.between(1, 900)));
        }
        if (abroad)
            insert("住所地特例",
                   {insurer_, insured, "1", today.plus_days(-400).iso(), "9999-12-31", "122069"}, true,
                   today.plus_days(-400));
        if (insured.front() == 'H' || chance.happens(250))
            insert("生活保護", {address, "1", today.plus_days(-chance.between(30, 2000)).iso(), "9999-12-31"},
                   true, today.plus_days(-30));
        insert("医療保険加入",
               {address, "1",
                insured.front() == 'H' ? "2"
                : chance.happens(9900) ? "1"
                                       : "9",
                today.plus_days(-200).iso()},
               true, today.plus_days(-200));
        const bool certified = dense_ || second || (!newcomer && chance.happens(certification_share(age)));
        if (certified) {
            const int count = dense_ ? 1 : chance.between(1, 2);
            for (int n = 1; n <= count; ++n)
                certification(index, insured, n,
                              today.plus_days(-chance.between(20, 300) - (count - n) * 400), second);
        }
        consents(chance, insured, today);
    }

    void certification(std::int64_t index, const std::string& insured, int number, const Date& applied,
                       bool second) {
        Chance chance(seed_, static_cast<std::uint64_t>(index), 100 + static_cast<std::uint64_t>(number));
        const bool decided = dense_ || chance.happens(9200);
        static constexpr const char* kLevels[] = {"12", "13", "21", "21", "21", "22",
                                                  "22", "23", "24", "25", "01"};
        static constexpr int kLimits[] = {5032,  10531, 16765, 16765, 16765, 19705,
                                          19705, 27048, 30938, 36217, 0};
        const auto level = chance.below(std::size(kLevels));
        const bool has_period = decided && std::string_view(kLevels[level]) != "01";
        const Date decided_on = applied.plus_days(chance.between(25, 40));
        const bool consented = chance.happens(7000);
        // The same column held the old consent before 2026-04-01; the form's edition is not always known.
        const std::string form = applied.iso() < "2026-04-01" ? "1"
                                 : chance.happens(8000)       ? "2"
                                 : chance.happens(5000)       ? "1"
                                                              : "";
        const Date& changed = decided ? decided_on : applied;
        insert(
            "要介護認定",
            {insurer_, insured, std::to_string(number), "1", "1", compact(applied), number == 1 ? "1" : "2",
             decided ? "04" : "01", decided ? kLevels[level] : "", decided ? compact(decided_on) : "",
             has_period ? compact(applied) : "", has_period ? compact(applied.plus_days(730)) : "",
             has_period ? std::to_string(kLimits[level]) : "", consented ? "1" : "0", form,
             second ? fmt::format("{:02}", chance.between(1, 16)) : "", decided ? kLevels[level] : "",
             decided ? fmt::format("{:.1f}", 25.0 + 0.1 * static_cast<double>(chance.below(900))) : "",
             decided && chance.happens(2000) ? "19.0" : ""},
            true, changed);
        if (!decided) return;
        survey(chance, insured, number, applied.plus_days(10));
        opinion(chance, insured, number, applied.plus_days(15));
    }

    void insert(const std::string& table, std::vector<std::string> values, bool latest, const Date& changed) {
        values.insert(values.end(), {latest ? "1" : "0", "0", "SAMPLE01", changed.iso(), "17:15:00"});
        std::string sql = "INSERT INTO " + table + " VALUES (";
        for (std::size_t i = 0; i < values.size(); ++i) sql += i == 0 ? "?" : ", ?";
        auto found = statements_.find(table);
        if (found == statements_.end()) found = statements_.emplace(table, db_.prepare(sql + ")")).first;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i].empty())
                found->second.bind_null(static_cast<int>(i + 1));
            else
                found->second.bind(static_cast<int>(i + 1), values[i]);
        }
        found->second.run();
    }

    void write_address(const std::string& address, int version, bool latest, Chance& chance,
                       std::int64_t index, const Date& birth, bool no_number, const Date& today) {
        Chance fixed(seed_, static_cast<std::uint64_t>(index), 2);
        const NamePart surname = kSurnames[fixed.below(fixed.happens(9000) ? 10 : kSurnames.size())];
        const NamePart given = kGivenNames[fixed.below(kGivenNames.size())];
        const bool unknown_birth = !dense_ && fixed.happens(30);
        const bool no_street = !dense_ && latest && fixed.happens(20);  // a fault of the data, on purpose
        const std::string kana = std::string(surname.kana) + "　" + std::string(given.kana);
        insert("宛名",
               {address, std::to_string(version), "1", no_number ? "" : test_number(index, 0),
                std::string(surname.kanji) + "　" + std::string(given.kanji),
                fixed.happens(5000) ? half_width(kana) : kana, birth.iso(), unknown_birth ? "1" : "0",
                fixed.happens(5600) ? "2" : "1", fmt::format("290{:04}", fixed.below(10'000)),
                no_street ? ""
                          : fmt::format("見本市{}丁目{}番{}号", chance.between(1, 9), chance.between(1, 40),
                                        chance.between(1, 20)),
                !dense_ && fixed.happens(30) ? "1" : "0"},
               latest, today.plus_days(-chance.between(1, 900)));
    }

  private:
    static int elder_age(Chance& chance) {
        // Half are under 75, a sixth 85 and older.
        const auto r = chance.below(100);
        if (r < 50) return chance.between(66, 74);
        return r < 84 ? chance.between(75, 84) : chance.between(85, 101);
    }

    static unsigned certification_share(int age) {
        if (age < 70) return 350;
        if (age < 75) return 700;
        if (age < 80) return 1300;
        return age < 85 ? 2800 : 6000;
    }

    void survey(Chance& chance, const std::string& insured, int number, const Date& on) {
        const std::string id = std::to_string(number);
        std::vector<std::string> values = {insurer_,
                                           insured,
                                           id,
                                           on.iso(),
                                           chance.happens(8000) ? "1" : "2",
                                           chance.happens(7000) ? "1" : "2",
                                           chance.happens(1000) ? "見本苑" : "",
                                           ""};
        for (const int options : kOptions) {
            if (options > 0) {
                values.push_back(std::to_string(1 + chance.below(static_cast<std::uint64_t>(options))));
                continue;
            }
            // Parts as one text of their numbers: "13".
            std::string parts;
            for (int part = 1; part <= 4; ++part)
                if (chance.happens(1500)) parts += std::to_string(part);
            values.push_back(parts);
        }
        for (int i = 0; i < 12; ++i) values.emplace_back(chance.happens(200) ? "1" : "0");
        insert("認定調査", values, true, on);
        if (chance.happens(4000))
            insert("認定調査サービス", {insurer_, insured, id, "11", std::to_string(chance.between(1, 20))},
                   true, on);
        if (chance.happens(3000))
            insert("認定調査サービス", {insurer_, insured, id, "15", std::to_string(chance.between(1, 20))},
                   true, on);
        insert("認定調査特記", {insurer_, insured, id, "107", "見本の特記事項。歩行は杖を使う。"}, true, on);
        if (chance.happens(3000))
            insert("認定調査特記", {insurer_, insured, id, "304", "見本の特記事項。短期記憶に不安がある。"},
                   true, on);
    }

    void opinion(Chance& chance, const std::string& insured, int number, const Date& on) {
        const std::string id = std::to_string(number);
        insert("主治医意見書",
               {insurer_, insured, id, wareki(on), fmt::format("12{:08}", chance.below(1000)),
                std::to_string(chance.between(1, 9)), std::to_string(chance.between(1, 8)),
                std::to_string(chance.between(1, 3)), std::to_string(chance.between(1, 2)),
                std::to_string(chance.between(1, 4)), std::to_string(chance.between(1, 4)),
                std::to_string(chance.between(1, 2)), chance.happens(2000) ? "03,07" : "", "見本の見通し。",
                chance.happens(3000) ? "見本の特記すべき事項。" : ""},
               true, on);
        insert("主治医意見書傷病", {insurer_, insured, id, "1", "脳梗塞後遺症", "令和5年頃"}, true, on);
        if (chance.happens(5000))
            insert("主治医意見書傷病", {insurer_, insured, id, "2", "高血圧症", ""}, true, on);
    }

    void consents(Chance& chance, const std::string& insured, const Date& today) {
        const auto act = [&](int n, const Date& on, const char* kind, const char* channel) {
            insert("同意", {insurer_, insured, std::to_string(n), "1", "1", on.iso(), kind, channel, "2"},
                   true, on);
        };
        if (dense_) return act(1, today.plus_days(-chance.between(10, 200)), "1", "2");
        if (chance.happens(400)) {
            act(1, today.plus_days(-chance.between(60, 210)), "1", "2");
            if (chance.happens(1000)) act(2, today.plus_days(-chance.between(1, 50)), "3", "2");
        } else if (chance.happens(100)) {
            act(1, today.plus_days(-chance.between(10, 100)), "1", "3");  // taken by an office, came back
        } else if (chance.happens(60)) {
            act(1, today.plus_days(-chance.between(300, 600)), "1", "2");  // before the law: 旧同意
        } else if (chance.happens(60)) {
            act(1, today.plus_days(-chance.between(10, 100)), "2", "2");
        }
    }

    Database& db_;
    std::string insurer_;
    std::uint64_t seed_;
    bool dense_;
    std::map<std::string, Statement> statements_;
};

std::string info(Database& db, const std::string& name) {
    auto row = db.prepare("SELECT 値 FROM 見本情報 WHERE 名前 = ?1");
    row.bind(1, name);
    if (!row.step()) throw std::runtime_error("not a sample database");
    return std::string(row.text(0));
}

void set_info(Database& db, const std::string& name, const std::string& value) {
    auto row = db.prepare("INSERT OR REPLACE INTO 見本情報 VALUES (?1, ?2)");
    row.bind(1, name).bind(2, value).run();
}

/// One day of change.
class Day {
  public:
    Day(Database& db, int day)
        : db_(db),
          seed_(std::stoull(info(db, "種"))),
          insurer_(info(db, "保険者番号")),
          today_(kStart.plus_days(day)),
          chance_(seed_, static_cast<std::uint64_t>(day), 77),
          writer_(db, insurer_, seed_, false) {}

    void apply() {
        const auto living = load_living();
        if (living.empty()) return;
        const auto some = [&](std::size_t per_ten_thousand) {
            return std::max<std::size_t>(1, living.size() * per_ten_thousand / 10'000);
        };
        const auto pick = [&]() -> const std::string& { return living[chance_.below(living.size())]; };
        for (std::size_t i = some(10); i > 0; --i) move_house(pick());
        for (std::size_t i = some(5); i > 0; --i) lose_qualification(pick());
        for (std::size_t i = some(3); i > 0; --i) renumber(pick());
        for (std::size_t i = some(2); i > 0; --i) remove(pick());
        for (std::size_t i = some(4); i > 0; --i) bulk_fix(pick());
        for (std::size_t i = some(6); i > 0; --i) apply_for_care(pick());
        for (std::size_t i = some(6); i > 0; --i) change_consent(pick());
        decide_applications();
        numbers_arrive();
        correct_addresses();
        newcomers(some(6));
    }

  private:
    std::vector<std::string> load_living() {
        std::vector<std::string> out;
        auto rows = db_.prepare(
            "SELECT 被保険者番号 FROM 被保険者資格 WHERE 最新フラグ = '1' AND 削除フラグ = '0' AND "
            "資格喪失日 IS NULL "
            "ORDER BY 被保険者番号");
        while (rows.step()) out.emplace_back(rows.text(0));
        return out;
    }

    void run(const std::string& sql, const std::string& a, const std::string& b = "") {
        auto statement = db_.prepare(sql);
        statement.bind(1, a);
        if (statement.parameter_count() > 1) statement.bind(2, b);
        statement.run();
    }

    /// A new history row that copies the current one but for what `changes` sets.
    void new_version(const std::string& table, const std::string& where_column, const std::string& key,
                     const std::string& changes) {
        const std::string current = where_column + " = ?1 AND 最新フラグ = '1' AND 削除フラグ = '0'";
        db_.execute("DROP TABLE IF EXISTS temp.新");
        run("CREATE TEMP TABLE 新 AS SELECT * FROM " + table + " WHERE " + current, key);
        run("UPDATE " + table + " SET 最新フラグ = '0' WHERE " + current, key);
        db_.execute("UPDATE temp.新 SET 履歴番号 = 履歴番号 + 1, 操作年月日 = '" + today_.iso() + "', " +
                    changes);
        db_.execute("INSERT INTO " + table + " SELECT * FROM temp.新");
    }

    void move_house(const std::string& insured) {
        new_version("宛名", "宛名番号", Writer::address_number(insured),
                    fmt::format("住所 = '見本市{}丁目{}番{}号'", chance_.between(1, 9),
                                chance_.between(1, 40), chance_.between(1, 20)));
    }

    void lose_qualification(const std::string& insured) {
        new_version("被保険者資格", "被保険者番号", insured,
                    fmt::format("資格喪失日 = '{}', 資格喪失事由 = '{}'", today_.iso(),
                                chance_.happens(7000) ? "01" : "02"));
    }

    /// 履歴番号の振り直し: the past rows go, the current one becomes number 1.
    void renumber(const std::string& insured) {
        run("DELETE FROM 被保険者資格 WHERE 被保険者番号 = ?1 AND 最新フラグ = '0'", insured);
        run("UPDATE 被保険者資格 SET 履歴番号 = 1 WHERE 被保険者番号 = ?1 AND 最新フラグ = '1'", insured);
    }

    void remove(const std::string& insured) {
        for (const char* table : {"被保険者資格", "要介護認定", "認定調査", "主治医意見書", "同意"})
            run(std::string("UPDATE ") + table +
                    " SET 削除フラグ = '1', 操作年月日 = ?2 WHERE 被保険者番号 = ?1",
                insured, today_.iso());
    }

    /// 一括修正: the change time stays as it was.
    void bulk_fix(const std::string& insured) {
        run("UPDATE 宛名 SET 郵便番号 = ?2 WHERE 宛名番号 = ?1 AND 最新フラグ = '1'",
            Writer::address_number(insured), fmt::format("291{:04}", chance_.below(10'000)));
    }

    void apply_for_care(const std::string& insured) {
        auto row =
            db_.prepare("SELECT coalesce(max(認定履歴番号), 0) FROM 要介護認定 WHERE 被保険者番号 = ?1");
        row.bind(1, insured);
        row.step();
        const auto number = row.integer(0) + 1;
        writer_.insert(
            "要介護認定",
            {insurer_, insured, std::to_string(number), "1", "1", compact(today_), number == 1 ? "1" : "2",
             "01", "", "", "", "", "", chance_.happens(8000) ? "1" : "0", "2", "01", "", "", ""},
            true, today_);
    }

    void decide_applications() {
        std::vector<std::pair<std::string, std::int64_t>> waiting;
        auto rows = db_.prepare(
            "SELECT 被保険者番号, 認定履歴番号 FROM 要介護認定 WHERE 最新フラグ = '1' AND 削除フラグ = '0' "
            "AND 認定状況 = '01' "
            "ORDER BY 1, 2 LIMIT 5");
        while (rows.step()) waiting.emplace_back(rows.text(0), rows.integer(1));
        for (const auto& [insured, number] : waiting) {
            auto update = db_.prepare(
                "UPDATE 要介護認定 SET 履歴番号 = 履歴番号 + 1, 認定状況 = '04', 要介護状態区分 = '21', "
                "認定日 = ?3, 有効開始日 = "
                "申請日, 有効終了日 = ?4, 支給限度基準額 = 16765, 操作年月日 = ?5 WHERE 被保険者番号 = ?1 "
                "AND 認定履歴番号 = ?2 AND "
                "最新フラグ = '1'");
            const Date decided = today_.plus_days(0);
            update.bind(1, insured)
                .bind(2, number)
                .bind(3, compact(decided))
                .bind(4, compact(today_.plus_days(365)));
            update.bind(5, today_.iso()).run();
        }
    }

    void change_consent(const std::string& insured) {
        auto row = db_.prepare("SELECT coalesce(max(同意連番), 0) FROM 同意 WHERE 被保険者番号 = ?1");
        row.bind(1, insured);
        row.step();
        const auto number = row.integer(0) + 1;
        writer_.insert("同意",
                       {insurer_, insured, std::to_string(number), "1", "1", today_.iso(),
                        number == 1             ? "1"
                        : chance_.happens(5000) ? "3"
                                                : "1",
                        "2", "2"},
                       true, today_);
    }

    /// マイナンバー of people under 住所地特例 come in one by one.
    void numbers_arrive() {
        std::vector<std::string> missing;
        auto rows = db_.prepare(
            "SELECT 宛名番号 FROM 宛名 WHERE 個人番号 IS NULL AND 最新フラグ = '1' ORDER BY 1 LIMIT 2");
        while (rows.step()) missing.emplace_back(rows.text(0));
        for (const std::string& address : missing)
            run("UPDATE 宛名 SET 個人番号 = ?2 WHERE 宛名番号 = ?1 AND 最新フラグ = '1'", address,
                writer_.test_number(std::stoll(address.substr(6)), 1));
    }

    void correct_addresses() {
        run("UPDATE 宛名 SET 住所 = ?1 WHERE 宛名番号 IN (SELECT 宛名番号 FROM 宛名 WHERE 住所 IS NULL AND "
            "最新フラグ = '1' "
            "ORDER BY 1 LIMIT 1) AND 最新フラグ = '1'",
            "見本市1丁目1番1号");
    }

    void newcomers(std::size_t count) {
        auto next = std::stoll(info(db_, "次の番号"));
        for (std::size_t i = 0; i < count; ++i, ++next)
            writer_.person(next, Writer::insured_number(next, false), today_, true);
        set_info(db_, "次の番号", std::to_string(next));
    }

    Database& db_;
    std::uint64_t seed_;
    std::string insurer_;
    Date today_;
    Chance chance_;
    Writer writer_;
};

}  // namespace

void write_sample(const std::filesystem::path& file, const SampleOptions& options) {
    if (std::filesystem::exists(file))
        throw std::runtime_error("the file is there already: " + file.string());
    Database db(file, sqlite::Open::create);
    db.execute("PRAGMA journal_mode = OFF");
    db.execute("PRAGMA synchronous = OFF");
    sqlite::Transaction transaction(db);
    create_tables(db);
    Writer writer(db, options.insurer, options.seed, options.dense);
    const std::int64_t welfare = options.dense ? 0 : options.persons / 400;
    for (std::int64_t i = 1; i <= options.persons; ++i) {
        const bool welfare_only = i > options.persons - welfare;
        const std::int64_t number = welfare_only ? i - (options.persons - welfare) : i;
        writer.person(i, Writer::insured_number(number, welfare_only), kStart, false);
    }
    set_info(db, "種", std::to_string(options.seed));
    set_info(db, "保険者番号", options.insurer);
    set_info(db, "経過日数", "0");
    set_info(db, "次の番号", std::to_string(options.persons + 1));
    transaction.commit();
}

void advance_days(const std::filesystem::path& file, int days) {
    Database db(file, sqlite::Open::read_write);
    const int before = std::stoi(info(db, "経過日数"));
    sqlite::Transaction transaction(db);
    for (int day = before + 1; day <= before + days; ++day) Day(db, day).apply();
    set_info(db, "経過日数", std::to_string(before + days));
    transaction.commit();
}

}  // namespace kaigo::sample
