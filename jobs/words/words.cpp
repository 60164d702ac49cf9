#include "jobs/words/words.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/i18n.h"
#include "registration/record_state.h"

namespace kaigo::jobs {

namespace reason = registration::reason;

namespace {

// Translated when they are looked up.
using Table = std::map<std::string, const char*>;

/// "address" is 住所(address): clerks know the name, vendors the key.
std::string item_in_words(const spec::Specification& specification, const std::string& path) {
    for (const auto& kind : specification.kinds())
        if (const auto index = kind->item_index(path)) return kind->items[*index].name + "(" + path + ")";
    return path;
}

std::string look_up(const Table& table, const std::string& name) {
    const auto found = table.find(name);
    return found == table.end() ? name : tr(found->second);
}

}  // namespace

std::string state_in_words(const std::string& state) {
    static const Table kTable = {
        {"absent", N_("not known")},
        {"pending", N_("owed, not sent yet")},
        {"sending", N_("being sent")},
        {"unknown", N_("sent, the answer was lost; being asked")},
        {"submitted", N_("accepted, no result yet")},
        {"registered", N_("registered")},
        {"stored_in_error", N_("stored, but the PMH key is not linked")},
        {"rejected", N_("held")},
        {"blocked", N_("waiting")},
    };
    return look_up(kTable, state);
}

std::string kind_in_words(const spec::Specification& specification, const std::string& id) {
    const spec::RecordKind* kind = specification.kind(id);
    return kind == nullptr ? id : kind->name;
}

std::string update_kind_in_words(UpdateKind kind) {
    switch (kind) {
        case UpdateKind::create:
            return tr("new");
        case UpdateKind::update:
            return tr("update");
        case UpdateKind::remove:
            return tr("deletion");
    }
    return {};
}

std::string outcome_in_words(const std::string& outcome) {
    static const Table kTable = {
        {"done", N_("done")},
        {"needs-person", N_("done, a person must act")},
        {"held", N_("held, a person must act")},
        {"later", N_("not finished, to be continued")},
        {"failed", N_("failed")},
        {"dry-run", N_("dry run")},
        {"interrupted", N_("interrupted")},
    };
    return look_up(kTable, outcome);
}

std::string rule_in_words(const std::string& rule) {
    static const Table kTable = {
        {"required", N_("is required but missing")},
        {"unreadable", N_("could not be read from the source's value")},
        {"binary", N_("is binary data in the source")},
        {"bad-bytes", N_("has bytes that are no text (the database's encoding is another one)")},
        {"code-not-in-table", N_("has a value that the mapping's code table does not name")},
        {"not-a-date", N_("is no date in a form that the mapping names")},
        {"not-an-integer", N_("is no whole number")},
        {"not-a-number", N_("is no number")},
        {"too-many-decimals", N_("is no number of so few decimals")},
        {"not-a-boolean", N_("is neither yes nor no (true, false, 1, 0)")},
        {"neither-set-nor-unset", N_("has a flag whose value is neither \"set\" nor \"unset\"")},
        {"consent-evidence", N_("has no readable evidence of the consent")},
        {"type", N_("is of the wrong kind")},
        {"empty", N_("is empty")},
        {"length", N_("has a wrong number of characters")},
        {"charset", N_("has characters that are not allowed")},
        {"encoding", N_("has damaged or decomposed characters")},
        {"control", N_("has line ends or other control characters")},
        {"suspicious",
         N_("has characters that are surely wrong (U+FFFD, zero width, writing direction, none)")},
        {"code", N_("has a code that is not in the code list")},
        {"range", N_("is outside its range")},
        {"order", N_("contradicts another date")},
        {"check-digit", N_("has a wrong check digit")},
        {"unique", N_("has the same value twice")},
        {"my-number-missing", N_("is missing")},
    };
    return look_up(kTable, rule);
}

std::string event_in_words(const std::string& event) {
    static const Table kTable = {
        {"source-new", N_("appeared in the source")},
        {"source-changed", N_("changed in the source")},
        {"source-restored", N_("is again what the platform acknowledged")},
        {"source-unusable", N_("cannot be used as it stands in the source")},
        {"source-incomplete", N_("lacks something that comes by itself")},
        {"source-gone", N_("left the source")},
        {"dependants-remain", N_("left the source; its dependants go first")},
        {"not-accepted", N_("the request came back; nothing was accepted")},
        {"refused", N_("the request was refused")},
        {"deleted", N_("deleted on the platform")},
        {"stored-without-link", N_("stored, PMH key not linked")},
        {"result-data-error", N_("result: data error")},
        {"result-dependency", N_("result: the person's record is not on the platform")},
        {"result-mismatch", N_("result: the platform holds something else than was thought")},
        {"result-already-there", N_("result: already registered with this content")},
        {"result-stale", N_("result: a newer version is registered")},
        {"result-transient", N_("result: passing fault")},
        {"result-unknown", N_("result: an errorId that is not in the catalogue")},
        {"released", N_("what it waited for has come")},
        {"resend-by-operator", N_("sent again by an operator")},
        {"case-sends", N_("sent by its PMH key case")},
        {"probed", N_("its person was registered anew; is it still there?")},
    };
    return look_up(kTable, event);
}

std::string reason_in_words(const spec::Specification& specification, const std::string& why) {
    static const Table kTable = {
        {std::string(reason::kMyNumberMissing), N_("the source has no マイナンバー for this person")},
        {std::string(reason::kPrerequisite), N_("the person's own record is not on the platform yet")},
        {std::string(reason::kDependants), N_("records that depend on it are still on the platform")},
        {std::string(reason::kDuplicateKey),
         N_("the source has several rows with this key and different contents")},
        {std::string(reason::kTooLarge), N_("the record is larger than the platform accepts")},
        {std::string(reason::kAborted), N_("the platform aborted the request five times")},
        {std::string(reason::kRecreate), N_("the history was renumbered: deleted, then registered anew")},
        {std::string(reason::kNewNumber),
         N_("the マイナンバー was corrected: deleted, then registered anew")},
        {std::string(reason::kRenewal), N_("its PMH key case sends it as 更新")},
        {std::string(reason::kProbe),
         N_("its person was registered anew; whether it is still there is asked")},
        {std::string(reason::kResend), N_("an operator asked to send it again")},
        {std::string(reason::kWithdrawnBefore),
         N_("the platform was told that this consent is withdrawn, and the source has no later consent")},
        {std::string(reason::kWithdrawalReleased),
         N_("an operator confirmed that the withdrawal was a mistake")},
        {std::string(reason::kRewritten), N_("the interface's names changed; it goes under another request")},
        {std::string(reason::kBodyLost), N_("its content is read from the source again")},
    };
    if (why.starts_with(reason::kValidation)) {
        const std::string rest = why.substr(reason::kValidation.size());
        const std::size_t colon = rest.rfind(':');
        return tr("item {} {}", item_in_words(specification, rest.substr(0, colon)),
                  rule_in_words(rest.substr(colon + 1)));
    }
    if (kTable.contains(why)) return look_up(kTable, why);
    if (why.starts_with(reason::kMyNumberMissing))
        return tr("the source has no マイナンバー for this person, who lives in municipality {} (住所地特例)",
                  why.substr(reason::kMyNumberMissing.size() + 1));
    const spec::RecordError error = specification.record_error(why);
    return error.meaning.empty() ? why : why + " " + error.meaning;
}

std::string next_in_words(const spec::Specification& specification, const ledger::RecordRow& record) {
    if (record.platform_owned)
        return tr("nothing: the platform itself is the origin of this record; the gateway leaves it alone");
    if (record.withheld)
        return tr(
            "its row is gone from the source, but other rows of this kind have no readable key: nothing is "
            "deleted "
            "before these are corrected in the core system");
    if (record.state == "registered") return tr("nothing: it is sent again when the source changes");
    if (record.state == "stored_in_error")
        return tr(
            "its PMH key case decides; until then the record stays viewable on the platform, and the "
            "person's "
            "other records go on");
    if (record.state == "rejected") {
        const auto error_class = specification.record_error(record.reason).error_class;
        if (record.reason == reason::kWithdrawnBefore)
            return tr(
                "find out whether the withdrawal is missing in the core system, or was a mistake; only if it "
                "was a "
                "mistake: kaigo-gateway held resend --reason withdrawn-before --insured {}",
                spec::insured_number_of(record.key));
        if (record.reason.ends_with(":control"))
            return tr(
                "where many rows are so, the mapping makes one line of them (text: [one-line]); a single row "
                "is "
                "corrected in the core system; the next daily-sync sends it by itself");
        if (record.reason.starts_with(reason::kValidation) || record.reason == reason::kDuplicateKey ||
            error_class == ErrorClass::data_error)
            return tr("correct the row in the core system; the next daily-sync sends it by itself");
        if (error_class == ErrorClass::stale)
            return tr("compare the source with what the platform holds; then: kaigo-gateway held resend");
        return tr("ask the platform's operator what the error means; then: kaigo-gateway held resend");
    }
    if (record.state == "blocked") {
        if (record.reason.starts_with(reason::kMyNumberMissing))
            return tr(
                "look in the person's application; for 住所地特例 ask the municipality of residence; enter "
                "the "
                "number in the core system, the next daily-sync sends the record by itself");
        if (record.dependants_in_source > 0)
            return tr(
                "a person must act: the person left the source, but {} records that depend on it are still "
                "there; "
                "correct that in the core system",
                record.dependants_in_source);
        return tr("nothing: it goes by itself");
    }
    if (record.due_at && record.state == "pending")
        return tr("it is sent at {}", format_instant(from_milliseconds(*record.due_at)));
    return tr("nothing: it goes by itself");
}

std::string orphans_in_words(const mapping::ChildCount& child) {
    constexpr std::size_t kShown = 5;
    std::string keys;
    for (std::size_t i = 0; i < std::min(kShown, child.examples.size()); ++i)
        keys += (keys.empty() ? "" : ", ") + child.examples[i];
    if (static_cast<std::int64_t>(kShown) < child.orphans) keys += ", …";
    return tr("{} of {} rows of the child query \"{}\" belong to no row of the main query ({})",
              child.orphans, child.rows, child.name, keys);
}

}  // namespace kaigo::jobs
