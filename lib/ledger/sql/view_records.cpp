#include "ledger/sql/codec.h"
#include "ledger/view.h"

namespace kaigo::ledger {

using namespace sql;

namespace {

RecordRow read_record(const Statement& row) {
    RecordRow out;
    out.insurer = text_of(row, 0);
    out.kind = text_of(row, 1);
    out.state = flight_name(row.integer(2), row.integer(3));
    out.batch_state = std::string(name_of(kBatchStateNames, static_cast<BatchState>(row.integer(3))));
    out.reason = text_of(row, 4);
    out.key = row.blob(5);
    if (!row.is_null(6)) out.owed = static_cast<UpdateKind>(row.integer(6));
    out.on_platform = has(row.integer(7), Flag::on_platform);
    out.platform_owned = has(row.integer(7), Flag::platform_owned);
    out.due_at = integer_or_null(row, 8);
    out.attempts = static_cast<std::uint32_t>(row.integer(9));
    out.request_id = text_of(row, 10);
    out.reception_number = text_of(row, 11);
    out.case_state = text_of(row, 12);
    out.case_error = text_of(row, 13);
    out.case_id = integer_or_null(row, 16);
    if (!row.is_null(17)) out.consent = registration::ConsentVerdict::unpack(row.integer(17));
    return out;
}

}  // namespace

std::vector<StateCount> LedgerView::counts() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, r.state, coalesce(b.state, 0), count(*) FROM record r "
        "JOIN insurer i ON i.id = r.insurer JOIN kind k ON k.id = r.kind LEFT "
        "JOIN batch b ON b.id = r.batch AND r.state = {record:sending} "
        "GROUP BY i.number, r.kind, k.name, r.state, coalesce(b.state, 0) "
        "ORDER BY i.number, r.kind, r.state");
    std::vector<StateCount> out;
    while (rows.step()) {
        StateCount count{text_of(rows, 0), text_of(rows, 1), flight_name(rows.integer(2), rows.integer(3)),
                         rows.integer(4)};
        if (!out.empty() && out.back().insurer == count.insurer && out.back().kind == count.kind &&
            out.back().state == count.state)
            out.back().count += count.count;
        else
            out.push_back(std::move(count));
    }
    return out;
}

std::vector<StateCount> LedgerView::reasons() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer "
        "JOIN kind k ON k.id = r.kind "
        "WHERE r.state IN ({record:stored_in_error}, {record:rejected}, {record:blocked}) "
        "GROUP BY i.number, r.kind, k.name, r.reason ORDER BY i.number, r.kind, count(*) DESC");
    return state_counts(rows);
}

std::vector<SameNumber> LedgerView::same_numbers() {
    auto rows = session_->prepare(
        "WITH twice AS (SELECT insurer, my_number FROM record WHERE my_number IS NOT NULL "
        "GROUP BY insurer, my_number HAVING count(*) > 1) SELECT i.number, r.my_number, r.key "
        "FROM record r JOIN twice t ON t.insurer = r.insurer AND t.my_number = r.my_number "
        "JOIN insurer i ON i.id = r.insurer ORDER BY i.number, r.my_number, r.key");
    std::vector<SameNumber> out;
    std::string last;
    while (rows.step()) {
        const std::string number = text_of(rows, 0) + std::string(rows.blob(1));
        if (number != last) out.push_back({text_of(rows, 0), {}});
        last = number;
        out.back().keys.emplace_back(rows.blob(2));
    }
    return out;
}

std::vector<WithoutNumber> LedgerView::without_number() {
    constexpr std::string_view missing = registration::reason::kMyNumberMissing;
    auto rows = session_->prepare(
        "SELECT i.number, substr(r.reason, ?2), r.key FROM record r JOIN insurer i ON i.id = r.insurer "
        "WHERE r.state = {record:blocked} AND (r.reason = ?1 OR substr(r.reason, 1, ?2 - 1) = ?1 || ':') "
        "ORDER BY i.number, substr(r.reason, ?2), r.key",
        missing, missing.size() + 2);
    std::vector<WithoutNumber> out;
    while (rows.step()) {
        const std::string insurer = text_of(rows, 0);
        const std::string ask = text_of(rows, 1);
        if (out.empty() || out.back().insurer != insurer || out.back().ask != ask)
            out.push_back({insurer, ask, {}});
        out.back().keys.emplace_back(rows.blob(2));
    }
    return out;
}

std::vector<RecordRow> LedgerView::records_of(const std::string& insurer, const std::string& insured) {
    auto rows = session_->prepare(
        "{record row} WHERE (?1 = '' OR i.number = ?1) AND r.key >= ?2 "
        "AND substr(r.key, 1, {layout:person_width}) = ?2 ORDER BY r.insurer, r.kind, r.key",
        insurer, Bytes{insured});
    auto history = session_->prepare(
        "SELECT h.at, h.from_state, h.to_state, h.event, h.reason, h.actor, b.request_id "
        "FROM record_history h LEFT JOIN batch b ON b.id = h.batch WHERE h.insurer = ?1 AND h.kind = ?2 "
        "AND h.key = ?3 ORDER BY h.id");
    auto about = session_->prepare(
        "SELECT EXISTS (SELECT 1 FROM withheld w WHERE w.insurer = r.insurer AND w.kind = r.kind "
        "AND w.key = r.key), CASE WHEN r.state = {record:blocked} AND r.owed = {owed:remove} "
        "THEN {dependants in source} ELSE 0 END FROM record r WHERE r.insurer = ?1 AND r.kind = ?2 "
        "AND r.key = ?3");
    std::vector<RecordRow> out;
    while (rows.step()) {
        RecordRow record = read_record(rows);
        history.reset();
        history.bind(1, rows.integer(14)).bind(2, rows.integer(15)).bind_blob(3, record.key);
        about.reset();
        about.bind(1, rows.integer(14)).bind(2, rows.integer(15)).bind_blob(3, record.key);
        if (about.step()) {
            record.withheld = about.integer(0) != 0;
            record.dependants_in_source = about.integer(1);
        }
        while (history.step())
            record.history.push_back({history.integer(0), state_name(history.integer(1)),
                                      state_name(history.integer(2)), text_of(history, 3),
                                      text_of(history, 4), text_of(history, 5), text_of(history, 6)});
        out.push_back(std::move(record));
    }
    return out;
}

std::vector<RecordRow> LedgerView::held(const HeldFilter& filter, int limit) {
    auto rows = session_->prepare(
        "{record row} WHERE r.state = {record:rejected} AND (?1 = '' OR i.number = ?1) AND (?2 = '' "
        "OR k.name = ?2) AND (substr(r.key, 1, {layout:person_width}) = ?3 OR ?3 IS NULL) AND (?4 = '' "
        "OR r.reason = ?4) ORDER BY r.insurer, r.kind, r.key LIMIT ?5",
        filter.insurer, filter.kind, bytes_or_all(filter.insured), filter.reason, limit);
    std::vector<RecordRow> out;
    while (rows.step()) out.push_back(read_record(rows));
    return out;
}

std::vector<AttentionRow> LedgerView::attention() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, a.code, a.records, a.detail, a.at FROM attention a "
        "JOIN insurer i ON i.id = a.insurer JOIN kind k ON k.id = a.kind "
        "ORDER BY a.insurer, a.kind, a.code");
    std::vector<AttentionRow> out;
    while (rows.step())
        out.push_back({text_of(rows, 0),
                       text_of(rows, 1),
                       {text_of(rows, 2), rows.integer(3), text_of(rows, 4)},
                       rows.integer(5)});
    return out;
}

std::vector<StateCount> LedgerView::stuck_deletions() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer "
        "JOIN kind k ON k.id = r.kind WHERE r.state = {record:blocked} AND r.owed = {owed:remove} "
        "AND r.reason = ?1 AND {dependants in source} > 0 GROUP BY i.number, k.name, r.reason",
        registration::reason::kDependants);
    return state_counts(rows);
}

std::vector<StateCount> LedgerView::without_person() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer "
        "JOIN kind k ON k.id = r.kind WHERE r.state = {record:blocked} AND r.reason = ?1 "
        "AND NOT EXISTS (SELECT 1 FROM record p WHERE p.insurer = r.insurer AND p.kind IN (SELECT id "
        "FROM kind) AND p.key = substr(r.key, 1, {layout:person_width})) "
        "GROUP BY i.number, k.name, r.reason",
        registration::reason::kPrerequisite);
    return state_counts(rows);
}

}  // namespace kaigo::ledger
