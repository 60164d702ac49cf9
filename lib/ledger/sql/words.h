#pragma once
// What the ledger's rows hold, by name. Statements say `{record:pending}` and get the number, `{run:dry-run}`
// and get the text (text.h).

#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/job_name.h"
#include "ledger/types.h"
#include "registration/consent.h"
#include "registration/record_state.h"

namespace kaigo::ledger::sql {

/// Bits of record.flags, each a fact of registration::Standing. Numbers are stored: never reuse one.
enum class Flag : std::uint8_t {
    then_create = 1,
    platform_owned = 2,
    on_platform = 4,
    needs_body = 8,
    in_case = 16,
    recreating = 32,
    unlinked = 64,
};

inline constexpr Names<Flag, 7> kFlagNames = {{
    {Flag::then_create, "then_create"},
    {Flag::platform_owned, "platform_owned"},
    {Flag::on_platform, "on_platform"},
    {Flag::needs_body, "needs_body"},
    {Flag::in_case, "in_case"},
    {Flag::recreating, "recreating"},
    {Flag::unlinked, "unlinked"},
}};

/// pmh_case.look: why the case's row is to be read.
enum class Look : std::uint8_t { no = 0, decided = 1, opened = 2 };

inline constexpr Names<Look, 3> kLookNames = {{
    {Look::no, "no"},
    {Look::decided, "decided"},
    {Look::opened, "opened"},
}};

/// record.owed
inline constexpr Names<UpdateKind, 3> kOwedNames = {{
    {UpdateKind::create, "create"},
    {UpdateKind::update, "update"},
    {UpdateKind::remove, "remove"},
}};

enum class Layout : std::uint8_t {
    person_width = 10,      ///< 被保険者番号: every key begins with it
    consent_day_shift = 8,  ///< record.consent: the day stands above its reason
    consent_reason_mask = 255,
};

inline constexpr Names<Layout, 3> kLayoutNames = {{
    {Layout::person_width, "person_width"},
    {Layout::consent_day_shift, "consent_day_shift"},
    {Layout::consent_reason_mask, "consent_reason_mask"},
}};

namespace detail {
template <class Enum, std::size_t N>
constexpr std::optional<std::int64_t> number_in(const Names<Enum, N>& names, std::string_view name) {
    if (const auto value = value_of(names, name)) return static_cast<std::int64_t>(*value);
    return std::nullopt;
}
}  // namespace detail

namespace detail {
template <class Enum, std::size_t N>
constexpr std::optional<std::string_view> name_in(const Names<Enum, N>& names, std::string_view name) {
    return value_of(names, name) ? std::optional(name) : std::nullopt;
}
}  // namespace detail

/// What is stored by its name.
/// @param word  "group:name"
constexpr std::optional<std::string_view> stored_name(std::string_view word) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view group = word.substr(0, colon);
    const std::string_view name = word.substr(colon + 1);
    if (group == "run") return detail::name_in(kRunEndNames, name);
    if (group == "comparison") return detail::name_in(kComparisonEndNames, name);
    if (group == "job") return detail::name_in(kJobNames, name);
    if (group == "case_event") return detail::name_in(registration::kCaseEventNames, name);
    return std::nullopt;
}

/// What is stored as a number.
/// @param word  "group:name"
constexpr std::optional<std::int64_t> number_of(std::string_view word) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view group = word.substr(0, colon);
    const std::string_view name = word.substr(colon + 1);
    if (group == "record") return detail::number_in(registration::kRecordStateNames, name);
    if (group == "batch") return detail::number_in(kBatchStateNames, name);
    if (group == "flag") return detail::number_in(kFlagNames, name);
    if (group == "owed") return detail::number_in(kOwedNames, name);
    if (group == "look") return detail::number_in(kLookNames, name);
    if (group == "consent") return detail::number_in(registration::kConsentReasonNames, name);
    if (group == "layout") return detail::number_in(kLayoutNames, name);
    return std::nullopt;
}

/// Parts that several statements share, and what engines spell differently: here as SQLite does.
struct Part {
    std::string_view name, text;
};
inline constexpr Part kParts[] = {
    // In the order in which read_entry takes them.
    {"entry",
     "key, state, owed, flags, reason, acknowledged, acknowledged_history, sent, sent_history, my_number, "
     "digest_key, attempts, due_at, batch, seq, comparison, consent"},
    // In the order in which read_case takes them.
    {"case",
     "id, insurer, kind, key, state, error_id, left_reason, exemption_seen, exemption_used, enrolment_seen, "
     "enrolment_used, residence, version, look, hindrance"},
    // In the order in which read_run takes them.
    {"run", "id, job, outcome, message, actor, insurer, started_at, ended_at, exit_status"},
    // In the order in which read_record takes them.
    {"record row",
     "SELECT i.number, k.name, r.state, coalesce(b.state, 0), r.reason, r.key, r.owed, r.flags, "
     "r.due_at, r.attempts, b.request_id, b.reception_number, c.state, c.error_id, r.insurer, r.kind, "
     "c.id, r.consent FROM record r JOIN insurer i ON i.id = r.insurer JOIN kind k ON k.id = r.kind "
     "LEFT JOIN batch b ON b.id = r.batch LEFT JOIN pmh_case c ON c.insurer = r.insurer "
     "AND c.kind = r.kind AND c.key = r.key AND c.closed_at IS NULL "},
    // In the order in which read_case_row takes them.
    {"case row",
     "SELECT c.id, i.number, k.name, c.key, c.state, c.error_id, c.left_reason, c.exemption_seen, "
     "c.enrolment_seen, c.residence, c.version, c.opened_at, c.changed_at, c.closed_at, r.state, "
     "coalesce(b.state, 0), r.reason, c.hindrance, (SELECT count(*) FROM pmh_case_history h "
     "JOIN pmh_case p ON p.id = h.pmh_case WHERE p.insurer = c.insurer AND p.kind = c.kind "
     "AND p.key = c.key AND p.id <= c.id "
     "AND h.event IN ({case_event:result-not-linked}, {case_event:result-needs-operator})) - 1, (SELECT "
     "h.event "
     "FROM pmh_case_history h JOIN pmh_case p ON p.id = h.pmh_case WHERE p.insurer = c.insurer "
     "AND p.kind = c.kind AND p.key = c.key AND h.actor <> '' ORDER BY h.id DESC "
     "LIMIT 1), (SELECT h.at FROM pmh_case_history h JOIN pmh_case p ON p.id = h.pmh_case "
     "WHERE p.insurer = c.insurer AND p.kind = c.kind AND p.key = c.key AND h.actor <> '' "
     "ORDER BY h.id DESC LIMIT 1) FROM pmh_case c JOIN insurer i ON i.id = c.insurer "
     "JOIN kind k ON k.id = c.kind LEFT JOIN record r ON r.insurer = c.insurer AND r.kind = c.kind "
     "AND r.key = c.key LEFT JOIN batch b ON b.id = r.batch AND r.state = {record:sending} "},
    // Records that depend on the record r and stay in the source: their own deletion is not owed.
    {"dependants in source",
     "(SELECT count(*) FROM kind dk JOIN record d ON d.insurer = r.insurer AND d.kind = dk.id "
     "AND d.key > r.key AND d.key < CAST(r.key || {last byte} AS {bytes}) WHERE dk.id <> r.kind "
     "AND (d.flags & {flag:on_platform}) <> 0 AND coalesce(d.owed, 0) <> {owed:remove})"},
    {"told withdrawn",
     "(consent & {layout:consent_reason_mask}) IN ({consent:withdrawn}, {consent:act-withdrawn})"},
    // Not sent to be deleted for good.
    {"leaves", "(coalesce(owed, 0) = {owed:remove} AND (flags & {flag:then_create}) = 0)"},
    // Without these SQLite would read every record, or every open batch.
    {"by record_withdrawn", "INDEXED BY record_withdrawn"},
    {"open batch", "likely(state < {batch:settled})"},
    {"bytes", "BLOB"},
    {"last byte", "x'FF'"},
};

constexpr std::optional<std::string_view> part_of(std::string_view word) {
    for (const Part& part : kParts)
        if (part.name == word) return part.text;
    return std::nullopt;
}

}  // namespace kaigo::ledger::sql
