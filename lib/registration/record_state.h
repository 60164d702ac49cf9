#pragma once
// Life of one record, as a table. Pure: no I/O, no clock.
// clang-format off
//
//            ┌──────── source row appears / changes ────────┐
// absent ──► pending ──► sending ──► submitted ──► registered ──(row gone)──► pending(削除) ──► … ──► absent
//              ▲            │ no answer   │  │
//              │            ▼             │  ├─► stored_in_error ── a PMHキー case decides (pmh_case.h)
//              │         unknown ─ask─────┘  ├─► rejected  (held until the row changes or a person resends)
//              │                             └─► blocked   (released by itself)
//              └── passing error: due again at a known time
//
// clang-format on

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "domain/vocabulary.h"

namespace kaigo::registration {

/// Numbers are stored in the ledger: never reuse one.
enum class RecordState : std::uint8_t {
    absent = 0,
    pending = 1,          ///< owed, due now or at a known time
    sending = 2,          ///< intent committed
    unknown = 3,          ///< no answer, being asked
    stored_in_error = 4,  ///< on the platform without PMHキー link: a case owns it
    registered = 5,
    rejected = 6,   ///< cannot be sent or was refused; the reason says which
    submitted = 7,  ///< accepted, no result yet
    blocked = 8,    ///< waits for something that comes by itself
};

inline constexpr Names<RecordState, 9> kRecordStateNames = {{
    {RecordState::absent, "absent"},
    {RecordState::pending, "pending"},
    {RecordState::sending, "sending"},
    {RecordState::unknown, "unknown"},
    {RecordState::submitted, "submitted"},
    {RecordState::registered, "registered"},
    {RecordState::stored_in_error, "stored_in_error"},
    {RecordState::rejected, "rejected"},
    {RecordState::blocked, "blocked"},
}};

enum class Event : std::uint8_t {
    source_new,         ///< a row that the ledger does not know
    source_changed,     ///< the row's content is another than the acknowledged one
    source_restored,    ///< the row is again what the platform acknowledged
    source_unusable,    ///< the row cannot be used
    source_incomplete,  ///< the row lacks what comes by itself (マイナンバー, the prerequisite record)
    source_gone,        ///< no such row any more
    dependants_remain,  ///< gone, but dependants are still on the platform
    platform_owned,     ///< the platform itself is the origin (consent taken by offices)
    batched,            ///< intent committed
    no_answer,
    asked_not_found,  ///< the platform does not know the request
    accepted,
    not_accepted,  ///< the request came back with nothing accepted, and is owed again
    refused,       ///< the request is held: a person must look
    succeeded,
    deleted,
    stored_without_link,  ///< stored, PMHキー not linked
    result_data_error,
    result_dependency,
    result_mismatch,
    result_already_there,  ///< 登録済 with the very content that was acknowledged
    result_stale,
    result_transient,
    result_unknown,
    released,  ///< what a blocked record waited for has come
    resend_by_operator,
    case_sends,  ///< an open PMHキー case sends the record: 更新, or 削除 and 新規
    probed,      ///< the person was registered anew: is this dependant still there?
};

struct Edge {
    RecordState from;
    Event event;
    RecordState to;
    constexpr bool operator==(const Edge&) const = default;
};

inline constexpr auto kEdges = [] {
    using enum RecordState;
    return std::array{
        Edge{absent, Event::source_new, pending},
        Edge{absent, Event::source_unusable, rejected},
        Edge{absent, Event::source_incomplete, blocked},
        Edge{absent, Event::platform_owned, registered},

        Edge{pending, Event::source_changed, pending},
        Edge{pending, Event::source_restored, registered},
        Edge{pending, Event::source_restored, stored_in_error},
        Edge{pending, Event::source_unusable, rejected},
        Edge{pending, Event::source_incomplete, blocked},
        Edge{pending, Event::source_gone, pending},
        Edge{pending, Event::source_gone, absent},
        Edge{pending, Event::dependants_remain, blocked},
        Edge{pending, Event::case_sends, pending},
        Edge{pending, Event::batched, sending},

        Edge{sending, Event::accepted, submitted},
        Edge{sending, Event::no_answer, unknown},
        Edge{sending, Event::not_accepted, sending},
        Edge{sending, Event::not_accepted, pending},
        Edge{sending, Event::refused, rejected},
        Edge{unknown, Event::accepted, submitted},
        Edge{unknown, Event::asked_not_found, sending},
        Edge{submitted, Event::no_answer, unknown},

        Edge{submitted, Event::succeeded, registered},
        Edge{submitted, Event::deleted, absent},
        Edge{submitted, Event::deleted, pending},
        Edge{submitted, Event::stored_without_link, stored_in_error},
        Edge{submitted, Event::result_data_error, rejected},
        Edge{submitted, Event::result_dependency, blocked},
        Edge{submitted, Event::result_mismatch, pending},
        Edge{submitted, Event::result_already_there, registered},
        Edge{submitted, Event::result_stale, rejected},
        Edge{submitted, Event::result_transient, pending},
        Edge{submitted, Event::result_unknown, rejected},
        Edge{submitted, Event::not_accepted, pending},
        Edge{submitted, Event::refused, rejected},

        Edge{registered, Event::source_changed, pending},
        Edge{registered, Event::source_unusable, rejected},
        Edge{registered, Event::source_incomplete, blocked},
        Edge{registered, Event::source_gone, pending},
        Edge{registered, Event::source_gone, absent},
        Edge{registered, Event::dependants_remain, blocked},
        Edge{registered, Event::resend_by_operator, pending},
        Edge{registered, Event::probed, pending},

        Edge{stored_in_error, Event::source_changed, pending},
        Edge{stored_in_error, Event::case_sends, pending},
        Edge{stored_in_error, Event::source_gone, pending},
        Edge{stored_in_error, Event::dependants_remain, blocked},

        Edge{rejected, Event::source_changed, pending},
        Edge{rejected, Event::source_restored, registered},
        Edge{rejected, Event::source_restored, stored_in_error},
        Edge{rejected, Event::case_sends, pending},
        Edge{rejected, Event::source_unusable, rejected},
        Edge{rejected, Event::source_incomplete, blocked},
        Edge{rejected, Event::source_gone, pending},
        Edge{rejected, Event::source_gone, absent},
        Edge{rejected, Event::dependants_remain, blocked},
        Edge{rejected, Event::resend_by_operator, pending},

        Edge{blocked, Event::source_changed, pending},
        Edge{blocked, Event::source_restored, registered},
        Edge{blocked, Event::source_restored, stored_in_error},
        Edge{blocked, Event::case_sends, pending},
        Edge{blocked, Event::source_unusable, rejected},
        Edge{blocked, Event::source_incomplete, blocked},
        Edge{blocked, Event::source_gone, pending},
        Edge{blocked, Event::source_gone, absent},
        Edge{blocked, Event::dependants_remain, blocked},
        Edge{blocked, Event::released, pending},
    };
}();

constexpr bool is_edge(RecordState from, Event event, RecordState to) {
    for (const Edge& edge : kEdges)
        if (edge == Edge{from, event, to}) return true;
    return false;
}

std::string_view name_of_event(Event event);

/// Why a record is where it is, as stored: a word of this list, or the platform's errorId.
namespace reason {
inline constexpr std::string_view kMyNumberMissing = "my-number-missing";  // then ":" and whom to ask
inline constexpr std::string_view kPrerequisite = "prerequisite-not-on-platform";
inline constexpr std::string_view kDependants = "dependants-on-platform";
inline constexpr std::string_view kDuplicateKey = "duplicate-key";
inline constexpr std::string_view kTooLarge = "record-too-large";
inline constexpr std::string_view kAborted = "batch-aborted";
inline constexpr std::string_view kRecreate = "history-renumbered";
inline constexpr std::string_view kResend = "resend-by-operator";
inline constexpr std::string_view kBodyLost = "body-to-be-read-again";
inline constexpr std::string_view kNewNumber = "my-number-corrected";
inline constexpr std::string_view kRenewal = "renewal";
inline constexpr std::string_view kProbe = "person-registered-anew";
inline constexpr std::string_view kRewritten = "request-rewritten";
inline constexpr std::string_view kWithdrawnBefore = "withdrawn-before";
inline constexpr std::string_view kWithdrawalReleased = "withdrawal-released";
inline constexpr std::string_view kValidation = "validation:";  // then item path and rule
}  // namespace reason

/// Why a record without マイナンバー is blocked.
/// @param residence  保険者番号 of the municipality of residence (住所地特例); empty: none
inline std::string my_number_missing(std::string_view residence) {
    std::string out(reason::kMyNumberMissing);
    return residence.empty() ? out : out.append(":").append(residence);
}

/// What the ledger knows of one record. Whether the platform holds a version is a fact of its own, apart from
/// state.
struct Standing {
    RecordState state = RecordState::absent;
    std::optional<UpdateKind> owed;  ///< what is owed or in flight
    bool then_create = false;        ///< a 削除 that is followed by 新規
    bool platform_owned = false;     ///< never sent, changed or deleted by comparison
    std::string reason;

    bool on_platform = false;            ///< a version was acknowledged (stored counts)
    std::optional<Digest> acknowledged;  ///< its content, where known
    std::int64_t acknowledged_history = 0;
    std::optional<Digest> sent;  ///< content last sent or refused
    std::int64_t sent_history = 0;
    std::uint32_t attempts = 0;          ///< failures in a row
    std::optional<std::int64_t> due_at;  ///< milliseconds since the epoch
    bool needs_body = false;             ///< owed, but the content must be read from the source again
    bool unlinked = false;               ///< what was acknowledged is stored without PMHキー link
    bool in_case = false;                ///< an open PMHキー case owns its sends
    bool recreating = false;             ///< deleted to be registered anew: its dependants are to be probed

    /// Whether records that require this one may be sent: not while its deletion is owed or under way.
    bool carries_dependants() const { return on_platform && owed != UpdateKind::remove; }
    bool in_flight() const {
        return state == RecordState::sending || state == RecordState::unknown ||
               state == RecordState::submitted;
    }
};

}  // namespace kaigo::registration
