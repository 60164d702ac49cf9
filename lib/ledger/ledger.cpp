#include "ledger/ledger.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/failpoint.h"
#include "base/i18n.h"
#include "ledger/schema.h"
#include "registration/consent.h"

namespace kaigo::ledger {

using registration::Event;
using registration::RecordState;
using registration::Standing;
using registration::Term;
using sqlite::Statement;

namespace {

constexpr const char* kEntryColumns =
    "key, state, owed, flags, reason, acknowledged, acknowledged_history, sent, sent_history, my_number, "
    "digest_key, "
    "attempts, due_at, batch, seq, comparison, consent";

constexpr int kRecordColumns = 19;
constexpr std::size_t kRowsAtOnce = 50;

constexpr std::int64_t kThenCreate = 1;
constexpr std::int64_t kPlatformOwned = 2;
constexpr std::int64_t kOnPlatform = 4;
constexpr std::int64_t kNeedsBody = 8;
constexpr std::int64_t kInCase = 16;
constexpr std::int64_t kRecreating = 32;
constexpr std::int64_t kUnlinked = 64;

std::string_view bytes_of(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::optional<Digest> digest_of(const Statement& row, int column) {
    const std::string_view bytes = row.blob(column);
    Digest digest;
    if (bytes.size() != digest.size()) return std::nullopt;
    std::memcpy(digest.data(), bytes.data(), digest.size());
    return digest;
}

void put(Statement& statement, int parameter, const std::optional<Digest>& digest) {
    if (digest)
        statement.bind_blob_view(parameter, bytes_of(*digest));
    else
        statement.bind_null(parameter);
}

void put(Statement& statement, int parameter, const std::optional<std::int64_t>& value) {
    if (value)
        statement.bind(parameter, *value);
    else
        statement.bind_null(parameter);
}

std::optional<std::int64_t> integer_or_null(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return row.integer(column);
}

constexpr const char* kCaseColumns =
    "id, insurer, kind, key, state, error_id, left_reason, exemption_seen, exemption_used, enrolment_seen, "
    "enrolment_used, residence, version, look, hindrance";

KnownCase read_case(const Statement& row) {
    KnownCase out;
    out.id = row.integer(0);
    out.insurer = row.integer(1);
    out.kind = row.integer(2);
    out.key = row.blob(3);
    registration::PmhCase& c = out.pmh_case;
    const auto state = value_of(registration::kCaseStateNames, row.text(4));
    if (!state) throw sqlite::Failure(SQLITE_CORRUPT, "a case is in a state that this program does not know");
    c.state = *state;
    c.error_id = row.text(5);
    c.left = value_of(registration::kLeftReasonNames, row.text(6)).value_or(registration::LeftReason::none);
    c.seen.exemption = registration::unpack_fact(row.text(7));
    c.exemption_used = registration::unpack_fact(row.text(8));
    c.seen.enrolment = registration::unpack_fact(row.text(9));
    c.enrolment_used = registration::unpack_fact(row.text(10));
    c.seen.residence = row.text(11);
    out.version = row.integer(12);
    out.to_be_looked_at = row.integer(13) != 0;
    c.hindrance = row.text(14);
    return out;
}

/// A line each: name=count.
std::string pack_counts(const std::map<std::string, std::int64_t>& counts) {
    std::string out;
    for (const auto& [name, count] : counts) out += fmt::format("{}={}\n", name, count);
    return out;
}

std::map<std::string, std::int64_t> unpack_counts(std::string_view packed) {
    std::map<std::string, std::int64_t> out;
    while (!packed.empty()) {
        const std::string_view line = packed.substr(0, packed.find('\n'));
        packed.remove_prefix(std::min(packed.size(), line.size() + 1));
        const std::size_t sign = line.rfind('=');
        if (sign == std::string_view::npos) continue;
        std::int64_t count = 0;
        std::from_chars(line.data() + sign + 1, line.data() + line.size(), count);
        out[std::string(line.substr(0, sign))] = count;
    }
    return out;
}

/// Reads the columns that kEntryColumns names; keeps the memory of what `entry` held before.
void read_entry(const Statement& row, Entry& entry) {
    entry.key = row.blob(0);
    Standing& s = entry.standing;
    s.state = static_cast<RecordState>(row.integer(1));
    s.owed.reset();
    if (const auto owed = integer_or_null(row, 2)) s.owed = static_cast<UpdateKind>(*owed);
    const std::int64_t flags = row.integer(3);
    s.then_create = (flags & kThenCreate) != 0;
    s.platform_owned = (flags & kPlatformOwned) != 0;
    s.on_platform = (flags & kOnPlatform) != 0;
    s.needs_body = (flags & kNeedsBody) != 0;
    s.in_case = (flags & kInCase) != 0;
    s.recreating = (flags & kRecreating) != 0;
    s.unlinked = (flags & kUnlinked) != 0;
    s.reason = row.text(4);
    s.acknowledged = digest_of(row, 5);
    s.acknowledged_history = row.integer(6);
    s.sent = digest_of(row, 7);
    s.sent_history = row.integer(8);
    entry.my_number = digest_of(row, 9);
    entry.digest_key = row.text(10);
    s.attempts = static_cast<std::uint32_t>(row.integer(11));
    s.due_at = integer_or_null(row, 12);
    entry.batch = integer_or_null(row, 13);
    entry.seq = row.integer(14);
    entry.comparison = integer_or_null(row, 15);
    entry.consent = integer_or_null(row, 16);
}

/// Members of a batch as one value: a row of their own for each would cost more than the record itself.
std::string pack(const std::vector<Sending>& sendings) {
    std::string out;
    for (const Sending& each : sendings) {
        out.push_back(static_cast<char>(each.member.update_kind));
        out.push_back(static_cast<char>(each.member.key.size()));
        out += each.member.key;
        out.push_back(static_cast<char>(each.member.record_id.size()));
        out += each.member.record_id;
    }
    return out;
}

std::vector<Member> unpack(std::string_view bytes) {
    std::vector<Member> out;
    const auto take = [&](std::size_t n) {
        if (bytes.size() < n) throw sqlite::Failure(SQLITE_CORRUPT, "batch members are damaged");
        const std::string_view part = bytes.substr(0, n);
        bytes.remove_prefix(n);
        return part;
    };
    const auto take_text = [&] {
        const auto size = static_cast<unsigned char>(take(1).front());
        return std::string(take(size));
    };
    while (!bytes.empty()) {
        Member member;
        member.update_kind = static_cast<UpdateKind>(take(1).front());
        member.key = take_text();
        member.record_id = take_text();
        out.push_back(std::move(member));
    }
    return out;
}

/// History rows are for what leaves the normal path.
bool is_normal_path(Event event) {
    return event == Event::source_new || event == Event::batched || event == Event::accepted ||
           event == Event::succeeded || event == Event::platform_owned;
}

void require_edge(RecordState from, Event event, RecordState to) {
    if (registration::is_edge(from, event, to)) return;
    throw std::logic_error(
        fmt::format("no edge {} --{}--> {}", name_of(registration::kRecordStateNames, from),
                    registration::name_of_event(event), name_of(registration::kRecordStateNames, to)));
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& path, Instant now) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    KAIGO_TRY(auto lock, FileLock::acquire(path.string() + ".lock"));
    try {
        std::unique_ptr<Ledger> ledger(new Ledger(std::move(lock), path));
        ledger->recover(now);
        return ledger;
    } catch (const sqlite::Failure& failure) {
        return fail(ErrorCode::cannot_write, failure.what())
            .at(path.string())
            .remedy(tr("check the folder, its permissions and the free space; keep the file as it is"));
    }
}

Ledger::Ledger(FileLock lock, const std::filesystem::path& path)
    : lock_(std::move(lock)), database_(path, sqlite::Open::create) {
    database_.execute("PRAGMA journal_mode = WAL");
    database_.execute("PRAGMA synchronous = FULL");
    database_.execute("PRAGMA foreign_keys = ON");
    database_.execute("PRAGMA cache_size = -32768");
    // A page that is written twice in a short time goes into the file once.
    database_.checkpoint_every(4'000);
    // What was deleted is overwritten where that costs no page of its own.
    database_.execute("PRAGMA secure_delete = FAST");
    migrate(database_);
    std::error_code ignored;
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
}

Statement& Ledger::statement(const char* sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) found = statements_.emplace(sql, database_.prepare(sql)).first;
    found->second.reset();
    return found->second;
}

void Ledger::recover(Instant now) {
    sqlite::Transaction transaction(database_);
    call_unknown(std::nullopt, now);
    // A run that has no end was interrupted too.
    statement("UPDATE run SET ended_at = ?1, outcome = 'interrupted' WHERE ended_at IS NULL")
        .bind(1, to_milliseconds(now))
        .run();
    transaction.commit();
}

void Ledger::interrupt(InsurerId insurer, Instant now) {
    sqlite::Transaction transaction(database_);
    call_unknown(insurer, now);
    transaction.commit();
}

void Ledger::call_unknown(std::optional<InsurerId> insurer, Instant now) {
    std::vector<BatchId> interrupted;
    auto& rows = statement("SELECT id FROM batch WHERE state = 2 AND (?1 IS NULL OR insurer = ?1)");
    put(rows, 1, insurer);
    while (rows.step()) interrupted.push_back(rows.integer(0));
    for (const BatchId id : interrupted) {
        statement("UPDATE batch SET state = 3, due_at = ?2 WHERE id = ?1")
            .bind(1, id)
            .bind(2, to_milliseconds(now))
            .run();
        write_batch_history(id, BatchState::sending, BatchState::unknown, "interrupted", now);
    }
}

bool Ledger::has_work(InsurerId insurer, Instant now) {
    auto& row =
        statement(
            "SELECT EXISTS (SELECT 1 FROM batch WHERE insurer = ?1 AND state < 6 AND (due_at IS NULL OR "
            "due_at "
            "<= ?2)) OR EXISTS (SELECT 1 FROM record WHERE insurer = ?1 AND state = 1 AND (due_at IS NULL OR "
            "due_at <= ?2)) OR EXISTS (SELECT 1 FROM pmh_case WHERE insurer = ?1 AND look = 1 AND closed_at "
            "IS "
            "NULL)")
            .bind(1, insurer)
            .bind(2, to_milliseconds(now));
    row.step();
    const bool some = row.integer(0) != 0;
    row.reset();
    return some;
}

InsurerId Ledger::ensure_insurer(const std::string& number) {
    statement("INSERT OR IGNORE INTO insurer (number) VALUES (?1)").bind(1, number).run();
    auto& row = statement("SELECT id FROM insurer WHERE number = ?1").bind(1, number);
    row.step();
    const auto id = row.integer(0);
    row.reset();
    return id;
}

KindId Ledger::ensure_kind(const std::string& name) {
    statement("INSERT OR IGNORE INTO kind (name) VALUES (?1)").bind(1, name).run();
    auto& row = statement("SELECT id FROM kind WHERE name = ?1").bind(1, name);
    row.step();
    const auto id = row.integer(0);
    row.reset();
    return id;
}

std::optional<std::string> Ledger::meta(const std::string& name) {
    auto& row = statement("SELECT value FROM meta WHERE name = ?1").bind(1, name);
    std::optional<std::string> value;
    if (row.step()) value = std::string(row.text(0));
    row.reset();
    return value;
}

void Ledger::set_meta(const std::string& name, const std::string& value) {
    statement("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")
        .bind(1, name)
        .bind(2, value)
        .run();
}

RunId Ledger::start_run(const std::string& job, const std::string& insurer, const std::string& actor,
                        Instant now) {
    statement("INSERT INTO run (job, started_at, actor, insurer) VALUES (?1, ?2, ?3, nullif(?4, ''))")
        .bind(1, job)
        .bind(2, to_milliseconds(now))
        .bind(3, actor)
        .bind(4, insurer)
        .run();
    return database_.last_rowid();
}

void Ledger::end_run(RunId run, const std::string& outcome, int exit_status, const std::string& message,
                     Instant now) {
    statement("UPDATE run SET ended_at = ?2, outcome = ?3, exit_status = ?4, message = ?5 WHERE id = ?1")
        .bind(1, run)
        .bind(2, to_milliseconds(now))
        .bind(3, outcome)
        .bind(4, exit_status)
        .bind(5, message)
        .run();
}

ComparisonId Ledger::start_comparison(RunId run, InsurerId insurer, KindId kind, const std::string& scope) {
    statement("INSERT INTO comparison (run, insurer, kind, scope) VALUES (?1, ?2, ?3, ?4)")
        .bind(1, run)
        .bind(2, insurer)
        .bind(3, kind)
        .bind(4, scope)
        .run();
    return database_.last_rowid();
}

void Ledger::finish_comparison(ComparisonId comparison, const Accounting& left, const std::string& outcome,
                               bool complete) {
    statement(
        "UPDATE comparison SET outcome = ?2, complete = ?3, rows_read = ?4, unchanged = ?5, created = ?6, "
        "changed = ?7, waiting = ?8, rejected = ?9, blocked = ?10, duplicates = ?11, gone = ?12, closed = "
        "NULL WHERE id = "
        "?1")
        .bind(1, comparison)
        .bind(2, outcome)
        .bind(3, complete ? 1 : 0)
        .bind(4, left.read)
        .bind(5, left.unchanged)
        .bind(6, left.created)
        .bind(7, left.changed)
        .bind(8, left.waiting)
        .bind(9, left.rejected)
        .bind(10, left.blocked)
        .bind(11, left.duplicates)
        .bind(12, left.gone)
        .run();
}

std::vector<ComparisonId> Ledger::close_accounts(RunId run) {
    std::vector<ComparisonId> open;
    struct Account {
        ComparisonId id;
        InsurerId insurer;
        KindId kind;
        bool sent;  ///< otherwise no record stands in it, and none need be looked for
    };
    std::vector<Account> all;
    auto& rows =
        statement(
            "SELECT id, insurer, kind, created + changed + gone > 0 FROM comparison WHERE run = ?1 AND "
            "closed IS NULL AND "
            "coalesce(outcome, '') NOT IN ('failed', 'held')")
            .bind(1, run);
    while (rows.step())
        all.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3) != 0});
    for (const auto& [id, insurer, kind, sent] : all) {
        sqlite::Transaction transaction(database_);
        auto& counts = statement(
                           "SELECT sum(state = 5), sum(state = 4), sum(state = 6), sum(state = 8), "
                           "sum(state IN (1, 2)) FROM record WHERE ?4 AND insurer = ?1 AND kind = ?2 AND "
                           "comparison = ?3")
                           .bind(1, insurer)
                           .bind(2, kind)
                           .bind(3, id)
                           .bind(4, sent ? 1 : 0);
        counts.step();
        statement(
            "UPDATE comparison SET registered = ?2, stored_in_error = ?3, refused = ?4, blocked_later = ?5, "
            "owed = ?6, "
            "closed = (rows_read = unchanged + created + changed + waiting + rejected + blocked + "
            "duplicates) AND "
            "(created + changed + gone = ?2 + deleted + ?3 + ?4 + ?5 + ?6) WHERE id = ?1")
            .bind(1, id)
            .bind(2, counts.integer(0))
            .bind(3, counts.integer(1))
            .bind(4, counts.integer(2))
            .bind(5, counts.integer(3))
            .bind(6, counts.integer(4))
            .run();
        counts.reset();
        auto& closed = statement("SELECT closed FROM comparison WHERE id = ?1").bind(1, id);
        closed.step();
        if (closed.integer(0) == 0) open.push_back(id);
        closed.reset();
        transaction.commit();
    }
    return open;
}

std::optional<Baseline> Ledger::baseline(InsurerId insurer, KindId kind) {
    auto& row = statement(
                    "SELECT rows_read, mapping, spec, digest_key, contents FROM baseline WHERE insurer = ?1 "
                    "AND kind = "
                    "?2")
                    .bind(1, insurer)
                    .bind(2, kind);
    std::optional<Baseline> out;
    if (row.step())
        out = Baseline{row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
                       std::string(row.text(3)), unpack_counts(row.text(4))};
    row.reset();
    return out;
}

void Ledger::set_baseline(InsurerId insurer, KindId kind, const Baseline& baseline) {
    statement("INSERT OR REPLACE INTO baseline VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(1, insurer)
        .bind(2, kind)
        .bind(3, baseline.rows_read)
        .bind(4, baseline.mapping)
        .bind(5, baseline.spec)
        .bind(6, baseline.digest_key)
        .bind(7, pack_counts(baseline.contents))
        .run();
}

void Ledger::note_queries(ComparisonId comparison, const std::vector<QueryRows>& queries) {
    sqlite::Transaction transaction(database_);
    for (const QueryRows& each : queries)
        statement("INSERT OR REPLACE INTO comparison_query VALUES (?1, ?2, ?3, ?4)")
            .bind(1, comparison)
            .bind(2, each.query)
            .bind(3, each.rows)
            .bind(4, each.orphans)
            .run();
    transaction.commit();
}

void Ledger::set_attention(InsurerId insurer, KindId kind, const std::vector<Attention>& attention,
                           Instant now) {
    sqlite::Transaction transaction(database_);
    statement("DELETE FROM attention WHERE insurer = ?1 AND kind = ?2").bind(1, insurer).bind(2, kind).run();
    write_attention(insurer, kind, attention, now);
    transaction.commit();
}

void Ledger::hold(InsurerId insurer, KindId kind, const std::vector<Attention>& why, Instant now) {
    sqlite::Transaction transaction(database_);
    statement("DELETE FROM attention WHERE insurer = ?1 AND kind = ?2 AND code LIKE 'held-%'")
        .bind(1, insurer)
        .bind(2, kind)
        .run();
    write_attention(insurer, kind, why, now);
    transaction.commit();
}

void Ledger::write_attention(InsurerId insurer, KindId kind, const std::vector<Attention>& attention,
                             Instant now) {
    for (const Attention& each : attention)
        statement("INSERT OR REPLACE INTO attention VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(1, insurer)
            .bind(2, kind)
            .bind(3, each.code)
            .bind(4, to_milliseconds(now))
            .bind(5, each.records)
            .bind(6, each.detail)
            .run();
}

bool Ledger::is_held(InsurerId insurer, std::optional<KindId> kind) {
    auto& row = statement(
                    "SELECT EXISTS (SELECT 1 FROM attention WHERE insurer = ?1 AND (?2 IS NULL OR kind = ?2) "
                    "AND code "
                    "LIKE 'held-%')")
                    .bind(1, insurer);
    put(row, 2, kind);
    row.step();
    const bool held = row.integer(0) != 0;
    row.reset();
    return held;
}

void Ledger::withhold(InsurerId insurer, KindId kind, const std::vector<std::string>& keys) {
    sqlite::Transaction transaction(database_);
    statement("DELETE FROM withheld WHERE insurer = ?1 AND kind = ?2").bind(1, insurer).bind(2, kind).run();
    for (const std::string& key : keys)
        statement("INSERT INTO withheld VALUES (?1, ?2, ?3)")
            .bind(1, insurer)
            .bind(2, kind)
            .bind_blob(3, key)
            .run();
    transaction.commit();
}

std::map<std::string, Withdrawal, std::less<>> Ledger::withdrawals(InsurerId insurer) {
    std::map<std::string, Withdrawal, std::less<>> out;
    auto& told = statement("SELECT person, day FROM withdrawal WHERE insurer = ?1").bind(1, insurer);
    while (told.step()) out[std::string(told.blob(0))].told = told.integer(1);
    told.reset();
    // Not those whose deletion is under way: state 6 with a deletion owed is held.
    auto& rows =
        statement(
            "SELECT substr(key, 1, 10), max(consent >> 8) FROM record INDEXED BY record_withdrawn WHERE "
            "insurer = ?1 AND (consent & 255) IN (8, 11) AND ((flags & ?2) != 0 OR state IN (1, 2)) "
            "AND NOT (coalesce(owed, 0) = 3 AND (flags & ?3) = 0 AND state IN (1, 2, 8)) GROUP BY 1")
            .bind(1, insurer)
            .bind(2, kOnPlatform | kRecreating)
            .bind(3, kThenCreate);
    while (rows.step()) out[std::string(rows.blob(0))].stands = rows.integer(1);
    rows.reset();
    return out;
}

bool Ledger::person_stays(InsurerId insurer, const std::vector<KindId>& kinds, const std::string& person,
                          const std::function<bool(KindId, std::string_view)>& gone) {
    for (const KindId kind : kinds) {
        auto& rows =
            statement(
                "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND key < ?4 AND "
                "NOT (coalesce(owed, 0) = 3 AND (flags & ?5) = 0)")
                .bind(1, insurer)
                .bind(2, kind)
                .bind_blob(3, person)
                .bind_blob(4, person + "\xFF")
                .bind(5, kThenCreate);
        bool stays = false;
        while (!stays && rows.step()) stays = !gone(kind, rows.blob(0));
        rows.reset();
        if (stays) return true;
    }
    return false;
}

void Ledger::keep_certificate(RunId run, InsurerId insurer, Instant at, const std::string& document) {
    statement("INSERT OR REPLACE INTO certificate VALUES (?1, ?2, ?3, ?4)")
        .bind(1, run)
        .bind(2, insurer)
        .bind(3, to_milliseconds(at))
        .bind(4, document)
        .run();
}

std::optional<Setup> Ledger::setup(InsurerId insurer) {
    auto& row = statement("SELECT base_date, compared_at, completed_at FROM setup WHERE insurer = ?1")
                    .bind(1, insurer);
    std::optional<Setup> out;
    if (row.step()) out = Setup{std::string(row.text(0)), !row.is_null(1), !row.is_null(2)};
    row.reset();
    return out;
}

void Ledger::start_setup(InsurerId insurer, const std::string& base_date, Instant now) {
    statement("INSERT OR IGNORE INTO setup (insurer, base_date, started_at) VALUES (?1, ?2, ?3)")
        .bind(1, insurer)
        .bind(2, base_date)
        .bind(3, to_milliseconds(now))
        .run();
}

void Ledger::setup_compared(InsurerId insurer, Instant now) {
    statement("UPDATE setup SET compared_at = ?2 WHERE insurer = ?1 AND compared_at IS NULL")
        .bind(1, insurer)
        .bind(2, to_milliseconds(now))
        .run();
}

bool Ledger::setup_settled(InsurerId insurer) {
    const auto state = setup(insurer);
    if (!state || !state->compared) return false;
    auto& owed = statement("SELECT EXISTS (SELECT 1 FROM record WHERE insurer = ?1 AND state IN (1, 2))")
                     .bind(1, insurer);
    owed.step();
    const bool settled = owed.integer(0) == 0;
    owed.reset();
    return settled;
}

void Ledger::complete_setup(InsurerId insurer, Instant now) {
    statement("UPDATE setup SET completed_at = ?2 WHERE insurer = ?1 AND completed_at IS NULL")
        .bind(1, insurer)
        .bind(2, to_milliseconds(now))
        .run();
}

/// What stands in the table of one record; refers to what its maker keeps.
struct Ledger::RecordRow {
    InsurerId insurer;
    KindId kind;
    const std::string& key;
    const Standing& standing;
    const std::optional<Digest>& my_number;      ///< nothing: an update leaves it
    const std::optional<std::int64_t>& consent;  ///< nothing: an update leaves it
    const std::string& digest_key;
    std::optional<BatchId> batch;
    std::int64_t seq;
    std::optional<ComparisonId> comparison;
};

/// In the order of the table's columns.
void Ledger::bind(Statement& statement, int first, const RecordRow& row) {
    const Standing& s = row.standing;
    const auto at = [first](int column) { return first + column; };
    statement.bind(at(0), row.insurer).bind(at(1), row.kind).bind_blob_view(at(2), row.key);
    statement.bind(at(3), static_cast<std::int64_t>(s.state));
    put(statement, at(4),
        s.owed ? std::optional<std::int64_t>(static_cast<std::int64_t>(*s.owed)) : std::nullopt);
    statement.bind(at(5), (s.then_create ? kThenCreate : 0) | (s.platform_owned ? kPlatformOwned : 0) |
                              (s.on_platform ? kOnPlatform : 0) | (s.needs_body ? kNeedsBody : 0) |
                              (s.in_case ? kInCase : 0) | (s.recreating ? kRecreating : 0) |
                              (s.unlinked ? kUnlinked : 0));
    if (s.reason.empty())
        statement.bind_null(at(6));
    else
        statement.bind_view(at(6), s.reason);
    put(statement, at(7), s.acknowledged);
    statement.bind(at(8), s.acknowledged_history);
    put(statement, at(9), s.sent);
    statement.bind(at(10), s.sent_history);
    put(statement, at(11), row.my_number);
    statement.bind_view(at(12), row.digest_key).bind(at(13), static_cast<std::int64_t>(s.attempts));
    put(statement, at(14), s.due_at);
    put(statement, at(15), row.batch);
    statement.bind(at(16), row.seq);
    put(statement, at(17), row.comparison);
    put(statement, at(18), row.consent);
}

/// Many rows by one statement: its beginning and end cost as much as a row does.
void Ledger::insert_records(std::span<const RecordRow> rows) {
    static const std::string kOne = [] {
        std::string out = "(?";
        for (int i = 1; i < kRecordColumns; ++i) out += ", ?";
        return out + ")";
    }();
    static const std::string kInsert = "INSERT INTO record VALUES " + kOne;
    static const std::string kInsertMany = [] {
        std::string out = kInsert;
        for (std::size_t i = 1; i < kRowsAtOnce; ++i) out += ", " + kOne;
        return out;
    }();
    while (!rows.empty()) {
        const bool many = rows.size() >= kRowsAtOnce;
        const auto now = rows.first(many ? kRowsAtOnce : 1);
        auto& insert = statement(many ? kInsertMany.c_str() : kInsert.c_str());
        int first = 1;
        for (const RecordRow& row : now) {
            bind(insert, first, row);
            first += kRecordColumns;
        }
        insert.run();
        rows = rows.subspan(now.size());
    }
}

void Ledger::write_record(RecordState from, const RecordRow& row) {
    if (row.standing.state == RecordState::absent) {
        statement("DELETE FROM record WHERE insurer = ?1 AND kind = ?2 AND key = ?3")
            .bind(1, row.insurer)
            .bind(2, row.kind)
            .bind_blob(3, row.key)
            .run();
        return;
    }
    if (from == RecordState::absent) return insert_records({&row, 1});
    // A flight is one state here; its batch says which part of it.
    const RecordState stored_from =
        from == RecordState::unknown || from == RecordState::submitted ? RecordState::sending : from;
    auto& update = statement(
        "UPDATE record SET state = ?4, owed = ?5, flags = ?6, reason = ?7, acknowledged = ?8, "
        "acknowledged_history = ?9, sent = ?10, sent_history = ?11, my_number = coalesce(?12, my_number), "
        "digest_key = ?13, attempts = ?14, due_at = ?15, batch = ?16, seq = ?17, comparison = ?18, "
        "consent = coalesce(?19, consent) WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND state = ?20");
    bind(update, 1, row);
    update.bind(kRecordColumns + 1, static_cast<std::int64_t>(stored_from)).run();
    if (database_.changes() != 1) throw Conflict("a record was not in the state that its change began from");
}

void Ledger::write_history(InsurerId insurer, KindId kind, const std::string& key, RecordState from,
                           RecordState to, Event event, const std::string& reason,
                           std::optional<BatchId> batch, const std::string& actor, Instant now) {
    auto& write = statement(
        "INSERT INTO record_history (insurer, kind, key, at, from_state, to_state, event, reason, batch, "
        "actor) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    write.bind(1, insurer).bind(2, kind).bind_blob(3, key).bind(4, to_milliseconds(now));
    write.bind(5, static_cast<std::int64_t>(from)).bind(6, static_cast<std::int64_t>(to));
    write.bind(7, registration::name_of_event(event));
    if (reason.empty())
        write.bind_null(8);
    else
        write.bind(8, reason);
    put(write, 9, batch);
    if (actor.empty())
        write.bind_null(10);
    else
        write.bind(10, actor);
    write.run();
}

void Ledger::write_batch_history(BatchId batch, BatchState from, BatchState to, const std::string& detail,
                                 Instant now) {
    statement(
        "INSERT INTO batch_history (batch, at, from_state, to_state, detail) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(1, batch)
        .bind(2, to_milliseconds(now))
        .bind(3, static_cast<std::int64_t>(from))
        .bind(4, static_cast<std::int64_t>(to))
        .bind(5, detail)
        .run();
}

void Ledger::apply_changes(ComparisonId comparison, InsurerId insurer, KindId kind,
                           const std::string& digest_key, const std::vector<Change>& changes, Instant now) {
    if (changes.empty()) return;
    sqlite::Transaction transaction(database_);
    for (const Change& change : changes) {
        require_edge(change.from, change.event, change.next.state);
        const auto account = change.term == Term::gone ? std::optional(comparison) : change.account;
        write_record(change.from, {insurer, kind, change.key, change.next, change.my_number, change.consent,
                                   digest_key, std::nullopt, 0, account});
        if (change.case_step) write_case(*change.case_step, now);
        if (account && change.next.state == RecordState::absent) count_deleted(*account);
        if (!is_normal_path(change.event))
            write_history(insurer, kind, change.key, change.from, change.next.state, change.event,
                          change.next.reason, std::nullopt, "", now);
    }
    transaction.commit();
}

void Ledger::note_consents(InsurerId insurer, KindId kind,
                           const std::vector<std::pair<std::string, std::int64_t>>& verdicts) {
    if (verdicts.empty()) return;
    sqlite::Transaction transaction(database_);
    for (const auto& [key, verdict] : verdicts)
        statement("UPDATE record SET consent = ?4 WHERE insurer = ?1 AND kind = ?2 AND key = ?3")
            .bind(1, insurer)
            .bind(2, kind)
            .bind_blob(3, key)
            .bind(4, verdict)
            .run();
    transaction.commit();
}

std::vector<KnownCase> Ledger::open_cases(InsurerId insurer, KindId kind) {
    static const std::string kSql = fmt::format(
        "SELECT {} FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND closed_at IS NULL ORDER BY key",
        kCaseColumns);
    auto& rows = statement(kSql.c_str()).bind(1, insurer).bind(2, kind);
    std::vector<KnownCase> out;
    while (rows.step()) out.push_back(read_case(rows));
    return out;
}

std::optional<KnownCase> Ledger::open_case(InsurerId insurer, KindId kind, const std::string& key) {
    static const std::string kSql = fmt::format(
        "SELECT {} FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND closed_at IS NULL",
        kCaseColumns);
    auto& row = statement(kSql.c_str()).bind(1, insurer).bind(2, kind).bind_blob(3, key);
    std::optional<KnownCase> out;
    if (row.step()) out = read_case(row);
    row.reset();
    return out;
}

std::optional<KnownCase> Ledger::case_by_id(CaseId id) {
    static const std::string kSql = fmt::format("SELECT {} FROM pmh_case WHERE id = ?1", kCaseColumns);
    auto& row = statement(kSql.c_str()).bind(1, id);
    std::optional<KnownCase> out;
    if (row.step()) out = read_case(row);
    row.reset();
    return out;
}

void Ledger::step_cases(const std::vector<CaseStep>& steps, Instant now) {
    if (steps.empty()) return;
    sqlite::Transaction transaction(database_);
    for (const CaseStep& step : steps) write_case(step, now);
    transaction.commit();
}

std::optional<std::string> Ledger::case_decided(CaseId id, std::int64_t version,
                                                registration::CaseEvent finding) {
    auto& row =
        statement(
            "SELECT coalesce(note, '') FROM pmh_case_history WHERE pmh_case = ?1 AND version = ?2 AND "
            "event = ?3")
            .bind(1, id)
            .bind(2, version + 1)
            .bind(3, name_of(registration::kCaseEventNames, finding));
    std::optional<std::string> note;
    if (row.step()) note = row.text(0);
    row.reset();
    return note;
}

std::vector<std::string> Ledger::cases_to_look_at(InsurerId insurer, KindId kind, bool opened) {
    auto& rows =
        statement(
            "SELECT key FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND closed_at IS NULL AND "
            "(look = 1 OR (?3 AND look = 2)) AND NOT EXISTS (SELECT 1 FROM record r WHERE r.insurer = "
            "?1 AND r.kind = ?2 AND r.key = pmh_case.key AND r.state = 2) ORDER BY key")
            .bind(1, insurer)
            .bind(2, kind)
            .bind(3, opened ? 1 : 0);
    std::vector<std::string> out;
    while (rows.step()) out.emplace_back(rows.blob(0));
    return out;
}

void Ledger::count_standing(RunId run) {
    // In the order of the table, counted here: grouping in SQL would sort every record.
    std::map<std::tuple<InsurerId, KindId, std::int64_t, std::string>, std::int64_t> counts;
    std::int64_t* count = nullptr;
    std::tuple<InsurerId, KindId, std::int64_t, std::string> at;
    auto& rows = statement("SELECT insurer, kind, state, reason FROM record");
    while (rows.step()) {
        auto& [insurer, kind, state, reason] = at;
        const bool same = count != nullptr && insurer == rows.integer(0) && kind == rows.integer(1) &&
                          state == rows.integer(2) && reason == rows.text(3);
        if (!same) {
            at = {rows.integer(0), rows.integer(1), rows.integer(2), std::string(rows.text(3))};
            count = &counts[at];
        }
        ++*count;
    }
    sqlite::Transaction transaction(database_);
    for (const auto& [what, records] : counts) {
        const auto& [insurer, kind, state, reason] = what;
        statement("INSERT OR REPLACE INTO run_count VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(1, run)
            .bind(2, insurer)
            .bind(3, kind)
            .bind(4, state)
            .bind(5, reason)
            .bind(6, records)
            .run();
    }
    transaction.commit();
}

void Ledger::write_case(const CaseStep& step, Instant now) {
    const registration::PmhCase& c = step.next;
    const auto state = name_of(registration::kCaseStateNames, c.state);
    const auto at = to_milliseconds(now);
    const auto version = step.known.version + static_cast<std::int64_t>(step.moves.size());
    CaseId id = step.known.id;
    if (id == 0) {
        statement(
            "INSERT INTO pmh_case (insurer, kind, key, error_id, state, opened_at, changed_at, look, "
            "version) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 2, ?7)")
            .bind(1, step.known.insurer)
            .bind(2, step.known.kind)
            .bind_blob(3, step.known.key)
            .bind(4, c.error_id)
            .bind(5, state)
            .bind(6, at)
            .bind(7, version)
            .run();
        id = database_.last_rowid();
    } else {
        auto& write = statement(
            "UPDATE pmh_case SET state = ?3, error_id = ?4, left_reason = ?5, exemption_seen = ?6, "
            "exemption_used = ?7, enrolment_seen = ?8, enrolment_used = ?9, residence = ?10, version = ?11, "
            "look = CASE WHEN ?12 THEN 0 ELSE 1 END, changed_at = CASE WHEN ?13 THEN ?14 ELSE changed_at "
            "END, "
            "closed_at = CASE WHEN ?15 THEN ?14 END, hindrance = ?16 WHERE id = ?1 AND version = ?2 AND "
            "closed_at IS NULL");
        write.bind(1, id).bind(2, step.known.version).bind(3, state).bind(4, c.error_id);
        write.bind(5, name_of(registration::kLeftReasonNames, c.left));
        write.bind(6, registration::pack_fact(c.seen.exemption))
            .bind(7, registration::pack_fact(c.exemption_used));
        write.bind(8, registration::pack_fact(c.seen.enrolment))
            .bind(9, registration::pack_fact(c.enrolment_used))
            .bind(10, c.seen.residence);
        write.bind(11, version).bind(12, step.looked_at ? 1 : 0).bind(13, step.moves.empty() ? 0 : 1);
        write.bind(14, at)
            .bind(15, c.state == registration::CaseState::closed ? 1 : 0)
            .bind(16, c.hindrance)
            .run();
        if (database_.changes() != 1) throw Conflict("a case was not in the state that its step began from");
    }
    std::int64_t number = step.known.version;
    for (const registration::CaseMove& move : step.moves) {
        if (registration::next_case_state(move.from, move.event) != move.to)
            throw std::logic_error("a case took a step that is not in its table");
        auto& write = statement(
            "INSERT INTO pmh_case_history (pmh_case, version, at, from_state, event, to_state, evidence, "
            "actor, "
            "note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ''), nullif(?8, ''), nullif(?9, ''))");
        write.bind(1, id).bind(2, ++number).bind(3, at);
        write.bind(4, name_of(registration::kCaseStateNames, move.from));
        write.bind(5, name_of(registration::kCaseEventNames, move.event));
        write.bind(6, name_of(registration::kCaseStateNames, move.to));
        // What follows a decision by itself is the source's doing.
        const bool decided = registration::is_decision(move.event);
        write.bind(7, move.evidence)
            .bind(8, decided ? step.actor : "")
            .bind(9, decided ? step.note : "")
            .run();
    }
}

std::int64_t Ledger::probe_recreated(InsurerId insurer, KindId person_kind,
                                     const std::vector<KindId>& dependants, Instant now) {
    std::vector<std::string> persons;
    auto& rows = statement(
                     "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND (flags & 32) != 0 AND "
                     "(flags & 4) != 0 AND state <> 2")
                     .bind(1, insurer)
                     .bind(2, person_kind);
    while (rows.step()) persons.emplace_back(rows.blob(0));
    if (persons.empty()) return 0;
    sqlite::Transaction transaction(database_);
    for (const std::string& key : persons) {
        probe_dependants(insurer, key, dependants, now);
        statement("UPDATE record SET flags = flags & ~32 WHERE insurer = ?1 AND kind = ?2 AND key = ?3")
            .bind(1, insurer)
            .bind(2, person_kind)
            .bind_blob(3, key)
            .run();
    }
    transaction.commit();
    return static_cast<std::int64_t>(persons.size());
}

void Ledger::probe_dependants(InsurerId insurer, const std::string& person,
                              const std::vector<KindId>& dependants, Instant now) {
    for (const KindId kind : dependants) {
        // What is not registered now is not probed: that the platform still holds the acknowledged content is
        // no longer known.
        statement(
            "UPDATE record SET acknowledged = NULL WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND key < "
            "?4 "
            "AND state <> 5")
            .bind(1, insurer)
            .bind(2, kind)
            .bind_blob(3, person)
            .bind_blob(4, person + "\xFF")
            .run();
        std::vector<std::string> keys;
        auto& rows = statement(
                         "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND key < ?4 "
                         "AND state = 5 AND (flags & 2) = 0")
                         .bind(1, insurer)
                         .bind(2, kind)
                         .bind_blob(3, person)
                         .bind_blob(4, person + "\xFF");
        while (rows.step()) keys.emplace_back(rows.blob(0));
        for (const std::string& key : keys) {
            statement(
                "UPDATE record SET state = 1, owed = 1, flags = flags | 8, reason = ?4, attempts = 0, "
                "due_at = ?5, batch = NULL WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND state = 5")
                .bind(1, insurer)
                .bind(2, kind)
                .bind_blob(3, key)
                .bind(4, registration::reason::kProbe)
                .bind(5, to_milliseconds(now))
                .run();
            write_history(insurer, kind, key, RecordState::registered, RecordState::pending, Event::probed,
                          std::string(registration::reason::kProbe), std::nullopt, "", now);
        }
    }
}

void Ledger::count_deleted(ComparisonId account) {
    // A closed account told it as still owed.
    statement("UPDATE comparison SET deleted = deleted + 1 WHERE id = ?1 AND closed IS NULL")
        .bind(1, account)
        .run();
}

BatchId Ledger::insert_batch(RunId run, const BatchDraft& draft, BatchState state, Instant now) {
    auto& write = statement(
        "INSERT INTO batch (insurer, kind, request_id, mode, base_date, state, body_digest, member_count, "
        "run, "
        "created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)");
    write.bind(1, draft.insurer).bind(2, draft.kind).bind(3, draft.request_id).bind(4, draft.mode);
    if (draft.base_date)
        write.bind(5, *draft.base_date);
    else
        write.bind_null(5);
    write.bind(6, static_cast<std::int64_t>(state)).bind(7, draft.body_digest);
    write.bind(8, static_cast<std::int64_t>(draft.sendings.size()))
        .bind(9, run)
        .bind(10, to_milliseconds(now));
    write.run();
    const BatchId id = database_.last_rowid();
    statement("INSERT INTO batch_members VALUES (?1, ?2)")
        .bind(1, id)
        .bind_blob(2, pack(draft.sendings))
        .run();
    return id;
}

BatchId Ledger::commit_intent(RunId run, const BatchDraft& draft, const std::string& digest_key,
                              BatchState state, Instant now) {
    failpoint("intent-begun");
    sqlite::Transaction transaction(database_);
    const BatchId batch = insert_batch(run, draft, state, now);
    std::vector<Standing> standings(draft.sendings.size());
    std::vector<RecordRow> fresh;
    for (std::size_t i = 0; i < draft.sendings.size(); ++i) {
        const Sending& each = draft.sendings[i];
        if (each.from != RecordState::pending || each.event != Event::batched)
            require_edge(each.from, each.event, RecordState::pending);
        Standing& next = standings[i] = each.next;
        next.state = RecordState::sending;
        next.due_at.reset();
        const RecordRow row{draft.insurer,  draft.kind,     each.member.key,
                            next,           each.my_number, each.consent,
                            digest_key,     batch,          static_cast<std::int64_t>(i),
                            each.comparison};
        if (each.from == RecordState::absent)
            fresh.push_back(row);
        else
            write_record(each.from, row);
        if (each.case_step) write_case(*each.case_step, now);
        if (!is_normal_path(each.event))
            write_history(draft.insurer, draft.kind, each.member.key, each.from, RecordState::pending,
                          each.event, each.next.reason, batch, "", now);
    }
    insert_records(fresh);
    transaction.commit();
    failpoint("intent-committed");
    return batch;
}

std::vector<BatchId> Ledger::batches(InsurerId insurer, BatchState state, std::optional<Instant> due_until) {
    std::vector<BatchId> out;
    // likely(): else SQLite looks through every open batch, by the index's own term.
    auto& rows = statement(
                     "SELECT id FROM batch WHERE insurer = ?1 AND state = ?2 AND likely(state < 6) AND "
                     "(?3 IS NULL OR due_at IS NULL OR due_at <= ?3) ORDER BY id")
                     .bind(1, insurer)
                     .bind(2, static_cast<std::int64_t>(state));
    put(rows, 3, due_until ? std::optional(to_milliseconds(*due_until)) : std::nullopt);
    while (rows.step()) out.push_back(rows.integer(0));
    return out;
}

bool Ledger::awaits_completion(InsurerId insurer) {
    auto& row =
        statement(
            "SELECT EXISTS (SELECT 1 FROM batch WHERE insurer = ?1 AND state = 4 AND likely(state < 6))")
            .bind(1, insurer);
    row.step();
    const bool some = row.integer(0) != 0;
    row.reset();
    return some;
}

std::optional<Instant> Ledger::next_due(InsurerId insurer, Instant now) {
    auto& row =
        statement(
            "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM batch WHERE insurer = ?1 AND state < "
            "6 "
            "UNION ALL SELECT min(due_at) FROM record WHERE insurer = ?1 AND state = 1 "
            "UNION ALL SELECT min(due_at) FROM record WHERE insurer = ?1 AND state = 8 AND due_at > ?2)")
            .bind(1, insurer)
            .bind(2, to_milliseconds(now));
    row.step();
    const auto due = integer_or_null(row, 0);
    row.reset();
    if (!due) return std::nullopt;
    return from_milliseconds(*due);
}

Batch Ledger::batch(BatchId id) {
    auto& row = statement(
                    "SELECT insurer, kind, request_id, mode, base_date, state, body_digest, members, "
                    "reception_number, attempts, due_at, processing_status, created_at "
                    "FROM batch LEFT JOIN batch_members ON batch_members.batch = batch.id WHERE id = ?1")
                    .bind(1, id);
    if (!row.step()) throw std::logic_error("no such batch");
    Batch out;
    out.id = id;
    out.insurer = row.integer(0);
    out.kind = row.integer(1);
    out.request_id = row.text(2);
    out.mode = row.text(3);
    if (!row.is_null(4)) out.base_date = std::string(row.text(4));
    out.state = static_cast<BatchState>(row.integer(5));
    out.body_digest = row.text(6);
    out.members = unpack(row.blob(7));
    out.reception_number = row.text(8);
    out.attempts = static_cast<std::uint32_t>(row.integer(9));
    out.due_at = integer_or_null(row, 10);
    out.processing_status = row.text(11);
    out.created_at = row.integer(12);
    row.reset();
    return out;
}

void Ledger::move_batch(BatchId id, BatchState from, BatchState to, const std::string& detail,
                        std::optional<Instant> due_at, std::uint32_t attempts, Instant now) {
    sqlite::Transaction transaction(database_);
    auto& write = statement(
                      "UPDATE batch SET state = ?3, due_at = ?4, attempts = ?5, reason = ?6 WHERE id = ?1 "
                      "AND state = ?2")
                      .bind(1, id)
                      .bind(2, static_cast<std::int64_t>(from))
                      .bind(3, static_cast<std::int64_t>(to));
    put(write, 4, due_at ? std::optional(to_milliseconds(*due_at)) : std::nullopt);
    write.bind(5, static_cast<std::int64_t>(attempts)).bind(6, detail).run();
    if (database_.changes() != 1)
        throw std::logic_error("a batch was not in the state that its change began from");
    if (from != to) write_batch_history(id, from, to, detail, now);
    transaction.commit();
}

void Ledger::batch_accepted(BatchId id, BatchState from, const std::string& reception_number, Instant now) {
    sqlite::Transaction transaction(database_, sqlite::Synced::with_the_next);
    statement(
        "UPDATE batch SET state = 4, reception_number = ?3, attempts = 0, due_at = NULL WHERE id = ?1 AND "
        "state = ?2")
        .bind(1, id)
        .bind(2, static_cast<std::int64_t>(from))
        .bind(3, reception_number)
        .run();
    if (database_.changes() != 1)
        throw std::logic_error("a batch was not in the state that its change began from");
    write_batch_history(id, from, BatchState::submitted, reception_number, now);
    transaction.commit();
}

std::optional<Ledger::BatchStanding> Ledger::batch_by_request(const std::string& request_id) {
    auto& row = statement("SELECT id, state FROM batch WHERE request_id = ?1").bind(1, request_id);
    std::optional<BatchStanding> out;
    if (row.step()) out = BatchStanding{row.integer(0), static_cast<BatchState>(row.integer(1))};
    row.reset();
    return out;
}

std::int64_t Ledger::open_batches(InsurerId insurer) {
    auto& row = statement("SELECT count(*) FROM batch WHERE insurer = ?1 AND state < 6").bind(1, insurer);
    row.step();
    const std::int64_t open = row.integer(0);
    row.reset();
    return open;
}

std::vector<BatchId> Ledger::missed(InsurerId insurer, Instant before, Instant now, std::size_t limit) {
    auto& rows = statement(
                     "SELECT id FROM batch WHERE insurer = ?1 AND state = 4 AND likely(state < 6) AND "
                     "created_at <= ?2 AND "
                     "(due_at IS NULL OR due_at <= ?3) ORDER BY id LIMIT ?4")
                     .bind(1, insurer)
                     .bind(2, to_milliseconds(before))
                     .bind(3, to_milliseconds(now))
                     .bind(4, static_cast<std::int64_t>(limit));
    std::vector<BatchId> out;
    while (rows.step()) out.push_back(rows.integer(0));
    return out;
}

bool Ledger::receptions_completed(InsurerId insurer, const std::vector<Completed>& receptions,
                                  const std::string& cursor, Instant now) {
    bool some = false;
    sqlite::Transaction transaction(database_, sqlite::Synced::with_the_next);
    for (const Completed& each : receptions) {
        statement(
            "UPDATE batch SET state = 5, due_at = ?2, processing_status = ?3 WHERE id = ?1 AND state = 4")
            .bind(1, each.batch)
            .bind(2, to_milliseconds(now))
            .bind(3, each.processing_status)
            .run();
        if (database_.changes() != 1) continue;
        some = true;
        write_batch_history(each.batch, BatchState::submitted, BatchState::completed, each.processing_status,
                            now);
    }
    if (!cursor.empty())
        statement("INSERT OR REPLACE INTO cursor VALUES (?1, ?2)").bind(1, insurer).bind(2, cursor).run();
    transaction.commit();
    return some;
}

void Ledger::note_forgotten(InsurerId insurer, const ForgottenReception& reception,
                            const std::vector<std::string>& record_ids, std::size_t key_width) {
    sqlite::Transaction transaction(database_);
    for (const std::string& id : record_ids) {
        drop_forgotten(insurer, id.substr(0, key_width));
        statement("INSERT INTO forgotten_record VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(1, insurer)
            .bind(2, id)
            .bind(3, reception.request_id)
            .bind(4, reception.reception_number)
            .bind(5, reception.processing_status)
            .run();
    }
    transaction.commit();
}

void Ledger::drop_forgotten(InsurerId insurer, const std::string& name) {
    // Ids are base32: nothing in them sorts behind a tilde.
    statement("DELETE FROM forgotten_record WHERE insurer = ?1 AND record_id >= ?2 AND record_id < ?3")
        .bind(1, insurer)
        .bind(2, name)
        .bind(3, name + "~")
        .run();
}

std::map<std::string, ForgottenReception> Ledger::forgotten_records(InsurerId insurer) {
    auto& rows =
        statement(
            "SELECT record_id, request_id, reception_number, processing_status FROM forgotten_record "
            "WHERE insurer = ?1")
            .bind(1, insurer);
    std::map<std::string, ForgottenReception> out;
    while (rows.step())
        out.emplace(rows.text(0), ForgottenReception{std::string(rows.text(1)), std::string(rows.text(2)),
                                                     std::string(rows.text(3))});
    return out;
}

void Ledger::adopt(RunId run, const BatchDraft& draft, const std::string& digest_key,
                   const ForgottenReception& reception, Instant now) {
    // Each step leaves what the next start goes on from: nothing to take over any more, a batch in flight,
    // one with a reception. First of all the request must not be taken over twice.
    statement("DELETE FROM forgotten_record WHERE insurer = ?1 AND request_id = ?2")
        .bind(1, draft.insurer)
        .bind(2, reception.request_id)
        .run();
    const BatchId id = commit_intent(run, draft, digest_key, BatchState::sending, now);
    batch_accepted(id, BatchState::sending, reception.reception_number, now);
    receptions_completed(draft.insurer, {{id, reception.processing_status}}, "", now);
}

std::string Ledger::cursor(InsurerId insurer) {
    auto& row = statement("SELECT value FROM cursor WHERE insurer = ?1").bind(1, insurer);
    std::string out;
    if (row.step()) out = row.text(0);
    row.reset();
    return out;
}

std::vector<std::optional<Entry>> Ledger::flying(const Batch& batch) {
    static const std::string kSql = fmt::format(
        "SELECT {} FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 ORDER BY key", kEntryColumns);
    // Members mostly stand in key order and close together: the next rows are looked at before a new search.
    constexpr int kStepsBeforeSearch = 3;
    std::vector<std::optional<Entry>> out(batch.members.size());
    Statement& rows = statement(kSql.c_str());
    std::string_view at;
    bool has_row = false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::string& key = batch.members[i].key;
        for (int steps = 0; has_row && at < key && steps < kStepsBeforeSearch; ++steps) {
            has_row = rows.step();
            if (has_row) at = rows.blob(0);
        }
        if (!has_row || at != key) {
            rows.reset();
            rows.bind(1, batch.insurer).bind(2, batch.kind).bind_blob_view(3, key);
            has_row = rows.step();
            if (has_row) at = rows.blob(0);
        }
        if (!has_row || at != key) continue;
        Entry entry;
        read_entry(rows, entry);
        if (entry.batch == batch.id && entry.standing.state == RecordState::sending)
            out[i] = std::move(entry);
    }
    rows.reset();
    return out;
}

void Ledger::land(const Batch& batch, const std::vector<Landing>& landings,
                  std::optional<BatchState> batch_to, const std::string& detail, Instant now) {
    // What comes of results can be fetched once more; a refusal, or a case that somebody may look at now,
    // cannot.
    const bool told_again =
        (!batch_to || *batch_to == BatchState::settled) &&
        std::ranges::none_of(landings, [](const Landing& each) { return each.case_step != nullptr; });
    sqlite::Transaction transaction(database_,
                                    told_again ? sqlite::Synced::with_the_next : sqlite::Synced::at_once);
    const RecordState from = batch.state == BatchState::submitted || batch.state == BatchState::completed
                                 ? RecordState::submitted
                             : batch.state == BatchState::unknown ? RecordState::unknown
                                                                  : RecordState::sending;
    for (const Landing& landing : landings) {
        const auto& [event, next, alarmed] = landing.consequence;
        require_edge(from, event, next.state);
        const auto& [key, standing, my_number, consent, digest_key, batch_id, seq, comparison] =
            landing.entry;
        write_record(from, {batch.insurer, batch.kind, key, next, std::nullopt, std::nullopt, digest_key,
                            next.needs_body ? std::nullopt : std::optional(batch.id), seq, comparison});
        if (next.state == RecordState::absent && comparison) count_deleted(*comparison);
        if (!is_normal_path(event))
            write_history(batch.insurer, batch.kind, key, from, next.state, event,
                          landing.error_id.empty() ? next.reason : landing.error_id, batch.id, "", now);
        if (landing.case_step) write_case(*landing.case_step, now);
    }
    if (batch_to) {
        statement(
            "UPDATE batch SET state = ?2, reason = ?3, due_at = NULL, settled_at = ?4 WHERE "
            "id = ?1")
            .bind(1, batch.id)
            .bind(2, static_cast<std::int64_t>(*batch_to))
            .bind(3, detail)
            .bind(4, to_milliseconds(now))
            .run();
        forget_members(batch.id);
        write_batch_history(batch.id, batch.state, *batch_to, detail, now);
    }
    transaction.commit();
    failpoint("result-committed");
}

void Ledger::forget_members(BatchId batch) {
    statement("DELETE FROM batch_members WHERE batch = ?1").bind(1, batch).run();
}

std::vector<BatchId> Ledger::split(RunId run, const Batch& batch, const std::vector<BatchDraft>& parts,
                                   Instant now) {
    sqlite::Transaction transaction(database_);
    std::vector<BatchId> out;
    for (const BatchDraft& part : parts) {
        const BatchId id = insert_batch(run, part, BatchState::owed, now);
        std::int64_t seq = 0;
        for (const Sending& each : part.sendings)
            statement(
                "UPDATE record SET batch = ?4, seq = ?5 WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND "
                "batch = ?6")
                .bind(1, batch.insurer)
                .bind(2, batch.kind)
                .bind_blob(3, each.member.key)
                .bind(4, id)
                .bind(5, seq++)
                .bind(6, batch.id)
                .run();
        out.push_back(id);
    }
    statement("UPDATE batch SET state = 8, due_at = NULL, settled_at = ?2 WHERE id = ?1")
        .bind(1, batch.id)
        .bind(2, to_milliseconds(now))
        .run();
    forget_members(batch.id);
    write_batch_history(batch.id, batch.state, BatchState::dissolved, "split", now);
    transaction.commit();
    return out;
}

bool Ledger::body_needed(BatchId batch) {
    auto& row =
        statement("SELECT EXISTS (SELECT 1 FROM record WHERE batch = ?1 AND state = 1)").bind(1, batch);
    row.step();
    const bool needed = row.integer(0) != 0;
    row.reset();
    return needed;
}

std::vector<std::string> Ledger::open_request_ids() {
    std::vector<std::string> out;
    auto& rows = statement(
        "SELECT request_id FROM batch WHERE state < 6 OR id IN (SELECT batch FROM record WHERE state = 1 AND "
        "batch IS "
        "NOT NULL)");
    while (rows.step()) out.emplace_back(rows.text(0));
    return out;
}

std::vector<Ledger::Owed> Ledger::owed(InsurerId insurer, Instant now, std::size_t limit) {
    static const std::string kSql = fmt::format(
        "SELECT {}, kind, (SELECT request_id FROM batch WHERE id = record.batch) FROM record "
        "WHERE insurer = ?1 AND state = 1 AND (flags & 8) = 0 AND (due_at IS NULL OR due_at <= ?2) "
        "ORDER BY kind, owed = 3, batch, seq LIMIT ?3",
        kEntryColumns);
    auto& rows = statement(kSql.c_str())
                     .bind(1, insurer)
                     .bind(2, to_milliseconds(now))
                     .bind(3, static_cast<std::int64_t>(limit));
    std::vector<Owed> out;
    while (rows.step()) {
        Owed& each = out.emplace_back();
        read_entry(rows, each.entry);
        each.kind = rows.integer(17);
        each.request_id = rows.text(18);
    }
    return out;
}

std::int64_t Ledger::release_deletions(InsurerId insurer, KindId person_kind,
                                       const std::vector<KindId>& dependants, Instant now) {
    std::vector<std::string> keys;
    auto& rows =
        statement("SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND state = 8 AND owed = 3")
            .bind(1, insurer)
            .bind(2, person_kind);
    while (rows.step()) keys.emplace_back(rows.blob(0));
    std::int64_t released = 0;
    sqlite::Transaction transaction(database_);
    for (const std::string& key : keys) {
        bool waits = false;
        for (const KindId kind : dependants) {
            // On the platform, or on its way there.
            auto& row =
                statement(
                    "SELECT EXISTS (SELECT 1 FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND "
                    "key < ?4 AND ((flags & 4) != 0 OR state IN (1, 2)))")
                    .bind(1, insurer)
                    .bind(2, kind)
                    .bind_blob(3, key)
                    .bind_blob(4, key + "\xFF");
            row.step();
            waits = waits || row.integer(0) != 0;
            row.reset();
        }
        if (waits) continue;
        statement(
            "UPDATE record SET state = 1, reason = NULL, due_at = ?4 WHERE insurer = ?1 AND kind = ?2 AND "
            "key = ?3 AND "
            "state = 8")
            .bind(1, insurer)
            .bind(2, person_kind)
            .bind_blob(3, key)
            .bind(4, to_milliseconds(now))
            .run();
        write_history(insurer, person_kind, key, RecordState::blocked, RecordState::pending, Event::released,
                      "", std::nullopt, "", now);
        ++released;
    }
    transaction.commit();
    return released;
}

std::vector<std::string> Ledger::keys_to_read(InsurerId insurer, KindId kind,
                                              std::optional<KindId> prerequisite, Instant now) {
    std::vector<std::string> out;
    auto& bodies =
        statement(
            "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND state = 1 AND (flags & 8) != 0 AND "
            "(due_at IS NULL OR due_at <= ?3) ORDER BY key")
            .bind(1, insurer)
            .bind(2, kind)
            .bind(3, to_milliseconds(now));
    while (bodies.step()) out.emplace_back(bodies.blob(0));
    if (!prerequisite) return out;
    auto& blocked =
        statement(
            "SELECT key FROM record AS r WHERE insurer = ?1 AND kind = ?2 AND state = 8 AND reason = ?5 AND "
            "(due_at IS NULL OR due_at <= ?3) AND EXISTS (SELECT 1 FROM record AS p WHERE p.insurer = ?1 AND "
            "p.kind = ?4 AND p.key = substr(r.key, 1, 10) AND (p.flags & 4) != 0 AND p.owed IS NOT 3) ORDER "
            "BY key")
            .bind(1, insurer)
            .bind(2, kind)
            .bind(3, to_milliseconds(now))
            .bind(4, *prerequisite)
            .bind(5, registration::reason::kPrerequisite);
    while (blocked.step()) out.emplace_back(blocked.blob(0));
    return out;
}

void Ledger::mark_body_lost(InsurerId insurer, KindId kind, const std::string& key, Instant now) {
    statement(
        "UPDATE record SET flags = CASE WHEN owed = 3 THEN flags ELSE flags | 8 END, batch = NULL, reason = "
        "?5, due_at = ?4 WHERE insurer = ?1 AND "
        "kind = ?2 AND "
        "key = ?3 AND state = 1")
        .bind(1, insurer)
        .bind(2, kind)
        .bind_blob(3, key)
        .bind(4, to_milliseconds(now))
        .bind(5, registration::reason::kBodyLost)
        .run();
}

std::int64_t Ledger::resend_held(InsurerId insurer, std::optional<KindId> kind, const std::string& insured,
                                 const std::string& reason, const std::string& actor, Instant now) {
    sqlite::Transaction transaction(database_);
    std::vector<std::tuple<KindId, std::string, UpdateKind>> held;
    auto& rows =
        statement(
            "SELECT kind, key, CASE WHEN owed = 3 THEN 3 WHEN (flags & 4) != 0 THEN 2 ELSE 1 END "
            "FROM record WHERE insurer = ?1 AND state = 6 AND "
            "(?2 IS NULL OR kind = ?2) AND (?3 = '' OR substr(key, 1, 10) = CAST(?3 AS BLOB)) AND "
            "(?4 = '' OR reason = ?4) AND (coalesce(reason, '') <> 'withdrawn-before' OR (?4 <> '' AND "
            "?3 <> ''))")
            .bind(1, insurer);
    put(rows, 2, kind);
    rows.bind(3, insured).bind(4, reason);
    while (rows.step())
        held.emplace_back(rows.integer(0), std::string(rows.blob(1)),
                          static_cast<UpdateKind>(rows.integer(2)));
    const std::string_view why = reason == registration::reason::kWithdrawnBefore
                                     ? registration::reason::kWithdrawalReleased
                                     : registration::reason::kResend;
    for (const auto& [record_kind, key, owed] : held) {
        statement(
            "UPDATE record SET state = 1, owed = ?4, flags = CASE WHEN ?4 = 3 THEN flags ELSE flags | 8 END, "
            "reason = ?5, sent = NULL, attempts = "
            "0, "
            "due_at = ?6, batch = NULL, comparison = NULL WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND "
            "state = 6")
            .bind(1, insurer)
            .bind(2, record_kind)
            .bind_blob(3, key)
            .bind(4, static_cast<std::int64_t>(owed))
            .bind(5, why)
            .bind(6, to_milliseconds(now))
            .run();
        write_history(insurer, record_kind, key, RecordState::rejected, RecordState::pending,
                      Event::resend_by_operator, std::string(why), std::nullopt, actor, now);
    }
    // Whoever names the person knows of this withdrawal. What a record itself told stays known with it.
    if (why == registration::reason::kWithdrawalReleased && !held.empty())
        statement("DELETE FROM withdrawal WHERE insurer = ?1 AND person = CAST(?2 AS BLOB)")
            .bind(1, insurer)
            .bind(2, insured)
            .run();
    transaction.commit();
    return static_cast<std::int64_t>(held.size());
}

std::int64_t Ledger::rekey(InsurerId insurer, KindId kind, const std::string& former, const std::string& next,
                           const std::vector<Rekeyed>& records) {
    std::int64_t changed = 0;
    sqlite::Transaction transaction(database_);
    for (const Rekeyed& each : records) {
        auto& write = statement(
            "UPDATE record SET acknowledged = ?5, sent = ?6, my_number = ?7, digest_key = ?8 WHERE insurer = "
            "?1 "
            "AND kind = ?2 AND key = ?3 AND digest_key = ?4");
        write.bind(1, insurer).bind(2, kind).bind_blob(3, each.key).bind(4, former);
        put(write, 5, each.acknowledged);
        put(write, 6, each.sent);
        put(write, 7, each.my_number);
        write.bind(8, next).run();
        changed += database_.changes();
    }
    transaction.commit();
    return changed;
}

Ledger::Erased Ledger::erase_past(Instant history_before, Instant polls_before) {
    sqlite::Transaction transaction(database_);
    Erased out;
    const auto gone = [&](const char* sql, Instant before) {
        statement(sql).bind(1, to_milliseconds(before)).run();
        return static_cast<std::int64_t>(database_.changes());
    };
    for (const char* sql :
         {"DELETE FROM record_history WHERE at < ?1",
          "DELETE FROM batch_history WHERE at < ?1 AND batch IN (SELECT id FROM batch WHERE state >= 6)",
          "DELETE FROM pmh_case_history WHERE pmh_case IN (SELECT id FROM pmh_case WHERE closed_at < ?1)",
          "DELETE FROM pmh_case WHERE closed_at < ?1", "DELETE FROM alarm WHERE at < ?1"})
        out.history += gone(sql, history_before);
    // An account in which records stand goes with them, not before.
    for (const char* sql :
         {"DELETE FROM run_count WHERE run IN (SELECT id FROM run WHERE ended_at < ?1)",
          "DELETE FROM comparison WHERE closed = 1 AND created + changed + gone = 0 AND run "
          "IN (SELECT id FROM run WHERE ended_at < ?1)"})
        out.history += gone(sql, history_before);
    out.runs += gone(
        "DELETE FROM run WHERE ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM comparison c WHERE c.run = "
        "run.id) "
        "AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.run = run.id)",
        history_before);
    out.runs += gone(
        "DELETE FROM run WHERE ended_at < ?1 AND job IN ('collect-results', 'retry-due') AND exit_status = 0 "
        "AND NOT EXISTS (SELECT 1 FROM comparison c WHERE c.run = run.id) AND id NOT IN (SELECT max(id) FROM "
        "run GROUP BY job, insurer)",
        polls_before);
    transaction.commit();
    return out;
}

void Ledger::alarm(std::optional<InsurerId> insurer, const std::string& code, const std::string& detail,
                   Instant now) {
    auto& write = statement("INSERT INTO alarm (at, insurer, code, detail) VALUES (?1, ?2, ?3, ?4)");
    write.bind(1, to_milliseconds(now));
    put(write, 2, insurer);
    write.bind(3, code).bind(4, detail).run();
}

LedgerReader::LedgerReader(const std::filesystem::path& path, InsurerId insurer, KindId kind)
    : database_(path, sqlite::Open::read_only),
      statement_(database_.prepare(fmt::format(
          "SELECT {} FROM record WHERE insurer = ?1 AND kind = ?2 ORDER BY key", kEntryColumns))) {
    statement_.bind(1, insurer).bind(2, kind);
}

const Entry* LedgerReader::next() {
    if (!statement_.step()) return nullptr;
    read_entry(statement_, entry_);
    return &entry_;
}

PrerequisiteReader::PrerequisiteReader(const std::filesystem::path& path, InsurerId insurer, KindId kind)
    : database_(path, sqlite::Open::read_only),
      statement_(database_.prepare(
          "SELECT key, (flags & 4) != 0 AND owed IS NOT 3 FROM record WHERE insurer = ?1 AND "
          "kind = ?2 AND key >= ?3 ORDER BY key LIMIT 1000")) {
    statement_.bind(1, insurer).bind(2, kind);
}

void PrerequisiteReader::read_stretch(std::string_view from) {
    stretch_.clear();
    at_ = 0;
    statement_.bind_blob(3, from);
    while (statement_.step()) stretch_.emplace_back(statement_.blob(0), statement_.integer(1) != 0);
    statement_.rewind();
    ended_ = stretch_.empty();
}

bool PrerequisiteReader::carries_dependants(std::string_view key) {
    while (at_ < stretch_.size() && stretch_[at_].first < key) ++at_;
    if (at_ == stretch_.size() && !ended_) read_stretch(key);
    return at_ < stretch_.size() && stretch_[at_].first == key && stretch_[at_].second;
}

}  // namespace kaigo::ledger
