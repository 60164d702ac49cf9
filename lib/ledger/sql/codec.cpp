#include "ledger/sql/codec.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace kaigo::ledger::sql {

namespace {

std::optional<Digest> digest_of(const Statement& row, int column) {
    const std::string_view bytes = row.blob(column);
    Digest digest;
    if (bytes.size() != digest.size()) return std::nullopt;
    std::memcpy(digest.data(), bytes.data(), digest.size());
    return digest;
}

}  // namespace

std::optional<std::int64_t> integer_or_null(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return row.integer(column);
}

std::string text_of(const Statement& row, int column) { return std::string(row.text(column)); }

std::string state_name(std::int64_t state) {
    return std::string(
        name_of(registration::kRecordStateNames, static_cast<registration::RecordState>(state)));
}

/// A record in flight is in the state of its batch.
std::string flight_name(std::int64_t state, std::int64_t batch_state) {
    if (static_cast<registration::RecordState>(state) != registration::RecordState::sending)
        return state_name(state);
    switch (static_cast<BatchState>(batch_state)) {
        case BatchState::unknown:
            return state_name(static_cast<std::int64_t>(registration::RecordState::unknown));
        case BatchState::submitted:
        case BatchState::completed:
            return state_name(static_cast<std::int64_t>(registration::RecordState::submitted));
        default:
            return state_name(state);
    }
}

std::vector<StateCount> state_counts(Statement& rows) {
    std::vector<StateCount> out;
    while (rows.step())
        out.push_back({text_of(rows, 0), text_of(rows, 1), text_of(rows, 2), rows.integer(3)});
    return out;
}

void bind(Statement& statement, int first, const StoredRecord& row) {
    const registration::Standing& s = row.standing;
    const auto at = [first](int column) { return first + column; };
    const auto flag = [](bool set, Flag flag) { return set ? static_cast<std::int64_t>(flag) : 0; };
    statement.bind(at(0), row.insurer).bind(at(1), row.kind).bind_blob_view(at(2), row.key);
    put(statement, at(3), s.state);
    put(statement, at(4), s.owed);
    statement.bind(at(5), flag(s.then_create, Flag::then_create) |
                              flag(s.platform_owned, Flag::platform_owned) |
                              flag(s.on_platform, Flag::on_platform) | flag(s.needs_body, Flag::needs_body) |
                              flag(s.in_case, Flag::in_case) | flag(s.recreating, Flag::recreating) |
                              flag(s.unlinked, Flag::unlinked));
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

void read_entry(const Statement& row, Entry& entry) {
    entry.key = row.blob(0);
    registration::Standing& s = entry.standing;
    s.state = static_cast<registration::RecordState>(row.integer(1));
    s.owed.reset();
    if (const auto owed = integer_or_null(row, 2)) s.owed = static_cast<UpdateKind>(*owed);
    const std::int64_t flags = row.integer(3);
    s.then_create = has(flags, Flag::then_create);
    s.platform_owned = has(flags, Flag::platform_owned);
    s.on_platform = has(flags, Flag::on_platform);
    s.needs_body = has(flags, Flag::needs_body);
    s.in_case = has(flags, Flag::in_case);
    s.recreating = has(flags, Flag::recreating);
    s.unlinked = has(flags, Flag::unlinked);
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

KnownCase read_case(const Statement& row) {
    KnownCase out;
    out.id = row.integer(0);
    out.insurer = row.integer(1);
    out.kind = row.integer(2);
    out.key = row.blob(3);
    registration::PmhCase& c = out.pmh_case;
    const auto state = value_of(registration::kCaseStateNames, row.text(4));
    if (!state) throw StoreFailure("a case is in a state that this program does not know");
    c.state = *state;
    c.error_id = row.text(5);
    c.left = value_of(registration::kLeftReasonNames, row.text(6)).value_or(registration::LeftReason::none);
    c.seen.exemption = registration::unpack_fact(row.text(7));
    c.exemption_used = registration::unpack_fact(row.text(8));
    c.seen.enrolment = registration::unpack_fact(row.text(9));
    c.enrolment_used = registration::unpack_fact(row.text(10));
    c.seen.residence = row.text(11);
    out.version = row.integer(12);
    out.to_be_looked_at = row.integer(13) != static_cast<std::int64_t>(Look::no);
    c.hindrance = row.text(14);
    return out;
}

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

std::vector<Member> unpack_members(std::string_view bytes) {
    std::vector<Member> out;
    const auto take = [&](std::size_t n) {
        if (bytes.size() < n) throw StoreFailure("batch members are damaged");
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

std::string pack(const std::map<std::string, std::int64_t>& counts) {
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

}  // namespace kaigo::ledger::sql
