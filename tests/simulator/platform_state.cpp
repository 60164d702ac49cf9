#include "simulator/platform_state.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "domain/identifiers.h"
#include "simulator/json_record.h"
#include "simulator/sample_text.h"
#include "spec/validate.h"

namespace kaigo::simulator {

namespace json = boost::json;
using spec::RecordKind;

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reception (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, insurer TEXT, kind TEXT, request_id TEXT UNIQUE, content_digest TEXT,
    mode TEXT, status TEXT, final_status TEXT, record_count INTEGER, completed_order INTEGER, polls INTEGER);
CREATE TABLE IF NOT EXISTS record (
    insurer TEXT, kind TEXT, key TEXT, content TEXT, history INTEGER, linked INTEGER,
    PRIMARY KEY (insurer, kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effect (
    id INTEGER PRIMARY KEY, reception INTEGER, insurer TEXT, kind TEXT, key TEXT, record_id TEXT, update_kind TEXT,
    content_digest TEXT, outcome TEXT, stored INTEGER);
CREATE INDEX IF NOT EXISTS effect_of ON effect (reception);
CREATE INDEX IF NOT EXISTS reception_open ON reception (insurer) WHERE completed_order IS NULL;
CREATE TABLE IF NOT EXISTS first_number (insurer TEXT, insured TEXT, hash TEXT, PRIMARY KEY (insurer, insured)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slow (insurer TEXT, insured TEXT, answers INTEGER, PRIMARY KEY (insurer, insured)) WITHOUT ROWID;
)sql";

std::string text(const json::object& object, const std::string& key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    return {value->as_string().data(), value->as_string().size()};
}

/// Members of the key behind the insurer's number, for the journal.
std::string key_of(const json::object& record, const RecordKind& kind) {
    std::string out;
    for (std::size_t i = 1; i < kind.key.size(); ++i) {
        const json::value* value = record.if_contains(kind.items[kind.key[i]].key);
        if (value == nullptr) return {};
        if (i > 1) out += '/';
        if (value->is_string())
            out += std::string_view(value->as_string().data(), value->as_string().size());
        else if (value->is_int64())
            out += std::to_string(value->as_int64());
        else
            return {};
    }
    return out;
}

}  // namespace

PlatformState::PlatformState(const std::filesystem::path& file, const spec::Specification& specification,
                             std::uint64_t seed, MyNumberCheck check)
    : database_(file, sqlite::Open::create), specification_(specification), seed_(seed), check_(check) {
    database_.execute("PRAGMA journal_mode = WAL");
    database_.execute("PRAGMA synchronous = NORMAL");
    database_.execute(kTables);
    SystemRandom random;
    std::array<std::uint8_t, 16> bytes{};
    random.fill(bytes);
    auto insert = database_.prepare("INSERT OR IGNORE INTO meta VALUES ('salt', ?1)");
    insert.bind(1, hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()))).run();
    auto row = database_.prepare("SELECT value FROM meta WHERE name = 'salt'");
    row.step();
    salt_ = row.text(0);
}

std::string PlatformState::hash(std::string_view text_in) const {
    unsigned char out[32];
    unsigned int size = 0;
    HMAC(EVP_sha256(), salt_.data(), static_cast<int>(salt_.size()),
         reinterpret_cast<const unsigned char*>(text_in.data()), text_in.size(), out, &size);
    return hex(std::string_view(reinterpret_cast<const char*>(out), size));
}

std::string PlatformState::masked_content(const json::object& record, const RecordKind& kind) const {
    json::object content = record;
    content.erase(specification_.wire().record_id_key);
    content.erase(specification_.wire().update_kind_key);
    // erase() moves the last member into the gap: put the members back into the specification's order.
    json::object ordered;
    for (const spec::Item& item : kind.items)
        if (json::value* value = content.if_contains(item.key)) ordered[item.key] = std::move(*value);
    if (kind.my_number) {
        const std::string& key = kind.items[*kind.my_number].key;
        if (const std::string number = text(ordered, key); !number.empty()) ordered[key] = hash(number);
    }
    return json::serialize(ordered);
}

PlatformState::Accepted PlatformState::accept(const std::string& insurer, const RecordKind& kind,
                                              const std::string& request_id, const std::string& mode,
                                              std::string_view body, const std::vector<json::object>& records,
                                              bool abort) {
    const std::string digest = hash(body);
    if (const auto known = find(insurer, request_id)) {
        auto row = database_.prepare("SELECT content_digest FROM reception WHERE id = ?1");
        row.bind(1, known->id);
        row.step();
        return {row.text(0) == digest ? Accepted::How::duplicate : Accepted::How::conflict, *known};
    }
    sqlite::Transaction transaction(database_);
    auto insert = database_.prepare(
        "INSERT INTO reception (insurer, kind, request_id, content_digest, mode, status, record_count, "
        "polls) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)");
    insert.bind(1, insurer).bind(2, kind.id).bind(3, request_id).bind(4, digest).bind(5, mode);
    insert.bind(6, specification_.wire().value("processing_running"))
        .bind(7, static_cast<std::int64_t>(records.size()));
    insert.run();
    const std::int64_t id = database_.last_rowid();
    const std::string number = fmt::format("R{:019}", id);
    std::int64_t failed = 0;
    auto effect = database_.prepare(
        "INSERT INTO effect (reception, insurer, kind, key, record_id, update_kind, content_digest, outcome, "
        "stored) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    for (const json::object& record : records) {
        if (abort) break;
        std::string key;
        std::string content;
        const Outcome outcome = apply(insurer, kind, record, key, content);
        if (!outcome.error_id.empty()) ++failed;
        effect.bind(1, id).bind(2, insurer).bind(3, kind.id).bind(4, key);
        effect.bind(5, text(record, specification_.wire().record_id_key));
        effect.bind(6, text(record, specification_.wire().update_kind_key)).bind(7, hash(content));
        effect.bind(8, outcome.error_id.empty() ? "ok" : outcome.error_id).bind(9, outcome.stored ? 1 : 0);
        effect.run();
    }
    const WireNames& wire = specification_.wire();
    auto update = database_.prepare("UPDATE reception SET number = ?2, final_status = ?3 WHERE id = ?1");
    update.bind(1, id).bind(2, number).bind(3, abort        ? wire.value("processing_aborted")
                                               : failed > 0 ? wire.value("processing_done_with_errors")
                                                            : wire.value("processing_done"));
    update.run();
    transaction.commit();
    return {Accepted::How::accepted, *find(insurer, request_id)};
}

PlatformState::Outcome PlatformState::apply(const std::string& insurer, const RecordKind& kind,
                                            const json::object& record, std::string& key,
                                            std::string& content) {
    ++records_seen_;
    const WireNames& wire = specification_.wire();
    key = key_of(record, kind);
    content = masked_content(record, kind);
    for (const Fault& fault : scenario_.faults)
        if (fault.on == Fault::On::record && fault.strikes(records_seen_)) return {fault.error_id, false};

    const std::string update_kind = text(record, wire.update_kind_key);
    const bool remove = update_kind == wire.update_codes.at(UpdateKind::remove);
    const bool create = update_kind == wire.update_codes.at(UpdateKind::create);
    auto row =
        database_.prepare("SELECT history, linked FROM record WHERE insurer = ?1 AND kind = ?2 AND key = ?3");
    row.bind(1, insurer).bind(2, kind.id).bind(3, key);
    const bool exists = row.step();
    const std::int64_t known_history = exists ? row.integer(0) : 0;
    bool linked = exists && row.integer(1) != 0;

    if (remove) {
        if (!exists) return {"KJR0011", false};
        auto erase = database_.prepare("DELETE FROM record WHERE insurer = ?1 AND kind = ?2 AND key = ?3");
        erase.bind(1, insurer).bind(2, kind.id).bind(3, key).run();
        return {};
    }
    spec::Arena arena;
    spec::Record parsed;
    if (!read_record(record, kind, wire, arena, parsed))
        return {specification_.validation_error("charset"), false};
    std::vector<spec::Finding> findings;
    const SystemClock clock;
    // The gateway under test may live in a later day than this machine.
    const spec::ValidationSettings settings{japan_date(clock.now()).plus_days(3650), check_, false};
    spec::validate(parsed, settings, findings);
    for (const spec::Finding& finding : findings)
        if (finding.severity == spec::Severity::error)
            return {specification_.validation_error(std::string(finding.family)), false};
    if (parsed.items[kind.insurer].text != insurer)
        return {specification_.validation_error("correlation"), false};
    const std::string insured = key.substr(0, spec::kInsuredNumberWidth);
    if (kind.requires_kind) {
        auto person = database_.prepare("SELECT 1 FROM record WHERE insurer = ?1 AND kind = ?2 AND key = ?3");
        person.bind(1, insurer).bind(2, *kind.requires_kind).bind(3, insured);
        if (!person.step()) return {"KJR0010", false};
    }
    if (create && exists) return {"KJR0012", false};
    if (!create && !exists) return {"KJR0011", false};
    const std::int64_t history = parsed.items[kind.history].number;
    if (exists && history < known_history) return {"KJR0013", false};

    Outcome outcome;
    outcome.stored = true;
    if (kind.my_number && !linked) {
        outcome = ask_middle_server(insurer, insured, hash(parsed.items[*kind.my_number].text));
        linked = outcome.error_id.empty();
    }
    auto write = database_.prepare("INSERT OR REPLACE INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    write.bind(1, insurer)
        .bind(2, kind.id)
        .bind(3, key)
        .bind(4, content)
        .bind(5, history)
        .bind(6, linked ? 1 : 0);
    write.run();
    return outcome;
}

/// @return whether this is the number under which the person was first sent
bool PlatformState::is_first_number(const std::string& insurer, const std::string& insured,
                                    const std::string& number_hash) {
    auto write = database_.prepare("INSERT OR IGNORE INTO first_number VALUES (?1, ?2, ?3)");
    write.bind(1, insurer).bind(2, insured).bind(3, number_hash).run();
    auto first = database_.prepare("SELECT hash FROM first_number WHERE insurer = ?1 AND insured = ?2");
    first.bind(1, insurer).bind(2, insured);
    first.step();
    return first.text(0) == number_hash;
}

PlatformState::Outcome PlatformState::ask_middle_server(const std::string& insurer,
                                                        const std::string& insured,
                                                        const std::string& number_hash) {
    if (scenario_.unknown.contains(insured)) return {"KJP0001", true};
    if (scenario_.wrong_number.contains(insured))
        return {is_first_number(insurer, insured, number_hash) ? "KJP0001" : "", true};
    if (scenario_.several.contains(insured)) return {"KJP0003", true};
    if (scenario_.slow.contains(insured)) return {"KJP0002", true};
    if (scenario_.known.contains(insured)) return {"", true};
    std::uint64_t person = 0;
    for (const char c : insured) person = person * 131 + static_cast<unsigned char>(c);
    sample::Chance chance(seed_, person, 5);
    const auto draw = static_cast<std::int64_t>(chance.below(10'000));
    if (draw < scenario_.unknown_share) return {"KJP0001", true};
    if (draw < scenario_.unknown_share + scenario_.several_share) return {"KJP0003", true};
    if (draw < scenario_.unknown_share + scenario_.several_share + scenario_.slow_share) {
        auto write = database_.prepare(
            "INSERT INTO slow VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET answers = answers + 1 RETURNING "
            "answers");
        write.bind(1, insurer).bind(2, insured);
        write.step();
        const bool still = write.integer(0) <= scenario_.slow_attempts;
        write.run();
        if (still) return {"KJP0002", true};
    }
    return {"", true};
}

void PlatformState::tick(const std::string& insurer) {
    sqlite::Transaction transaction(database_);
    auto count = database_.prepare(
        "UPDATE reception SET polls = polls + 1 WHERE insurer = ?1 AND completed_order IS NULL");
    count.bind(1, insurer).run();
    auto complete = database_.prepare(
        "UPDATE reception SET status = final_status, completed_order = (SELECT "
        "coalesce(max(completed_order), 0) FROM "
        "reception) + id WHERE insurer = ?1 AND completed_order IS NULL AND polls >= ?2");
    complete.bind(1, insurer).bind(2, scenario_.polls).run();
    transaction.commit();
}

ReceptionRow PlatformState::read_reception(sqlite::Statement& row) {
    ReceptionRow out{row.integer(0),
                     std::string(row.text(1)),
                     std::string(row.text(2)),
                     std::string(row.text(3)),
                     std::string(row.text(4)),
                     row.integer(5),
                     0,
                     0};
    auto counts = database_.prepare(
        "SELECT sum(outcome = 'ok'), sum(outcome != 'ok') FROM effect WHERE reception = ?1");
    counts.bind(1, out.id);
    counts.step();
    out.succeeded = counts.integer(0);
    out.failed = counts.integer(1);
    return out;
}

std::optional<ReceptionRow> PlatformState::find(const std::string& insurer, const std::string& request_id) {
    auto row = database_.prepare(
        "SELECT id, number, request_id, kind, status, record_count FROM reception WHERE insurer = ?1 AND "
        "request_id = ?2");
    row.bind(1, insurer).bind(2, request_id);
    if (!row.step()) return std::nullopt;
    return read_reception(row);
}

std::optional<ReceptionRow> PlatformState::reception(const std::string& insurer, const std::string& number) {
    auto row = database_.prepare(
        "SELECT id, number, request_id, kind, status, record_count FROM reception WHERE insurer = ?1 AND "
        "number = ?2");
    row.bind(1, insurer).bind(2, number);
    if (!row.step()) return std::nullopt;
    return read_reception(row);
}

std::vector<std::pair<std::int64_t, ReceptionRow>> PlatformState::completed(const std::string& insurer,
                                                                            std::int64_t after,
                                                                            std::int64_t limit) {
    auto rows = database_.prepare(
        "SELECT id, number, request_id, kind, status, record_count, completed_order FROM reception WHERE "
        "insurer = ?1 AND "
        "completed_order > ?2 ORDER BY completed_order LIMIT ?3");
    rows.bind(1, insurer).bind(2, after).bind(3, limit);
    std::vector<std::pair<std::int64_t, ReceptionRow>> out;
    while (rows.step()) out.emplace_back(rows.integer(6), read_reception(rows));
    return out;
}

std::vector<ResultRow> PlatformState::results(std::int64_t reception) {
    auto rows =
        database_.prepare("SELECT record_id, outcome, stored FROM effect WHERE reception = ?1 ORDER BY id");
    rows.bind(1, reception);
    std::vector<ResultRow> out;
    while (rows.step()) {
        const bool ok = rows.text(1) == "ok";
        out.push_back(
            {std::string(rows.text(0)), ok ? "" : std::string(rows.text(1)), ok, rows.integer(2) != 0});
    }
    return out;
}

}  // namespace kaigo::simulator
