#include "jobs/sync/outbound/judge.h"

#include <algorithm>
#include <cstring>

#include "base/i18n.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {
namespace {

bool exceeds(std::int64_t part, std::int64_t whole, int percent) { return part * 100 > whole * percent; }

}  // namespace

bool exceeds(const config::Safety& safety, std::int64_t part, std::int64_t whole, int percent) {
    return part > 0 && part >= safety.floor && exceeds(part, whole, percent);
}

std::vector<Objection> Judge::objections(const Reading& now, const std::string& changed_inputs) {
    if (!accepted_.drop) rows(now);
    if (!changed_inputs.empty() && !accepted_.resend) resend(now, changed_inputs);
    // Whoever accepted that everything is sent again accepted the changes too.
    const bool resent = !changed_inputs.empty() && accepted_.resend;
    if (!accepted_.change && !resent) {
        // After a setup that was broken off the platform has records, but there is no last time to compare
        // with.
        if (before_ || now.known > 0) changes(now);
        if (before_) losses(now);
    }
    if (!accepted_.change) orphans(now);
    return std::move(found_);
}

std::int64_t Judge::counted_before(const std::string& name) const {
    if (!before_) return 0;
    const auto found = before_->contents.find(name);
    return found == before_->contents.end() ? 0 : found->second;
}

/// Fewer rows than last time, no row at all, or rows of others than the platform has.
void Judge::rows(const Reading& now) {
    const auto hold = [&](std::int64_t records, const std::string& text) {
        found_.push_back({ledger::attention::kHeldDrop, "--accept-drop", records, text});
    };
    const std::int64_t fewer = before_ ? before_->rows_read - now.seen : 0;
    if (before_ && exceeds(safety_, fewer, before_->rows_read, safety_.drop_percent))
        hold(fewer, tr("the source has {} rows, at the last run it had {}", now.seen, before_->rows_read));
    else if (exceeds(safety_, now.gone, now.known, safety_.drop_percent))
        hold(now.gone,
             tr("{} of {} records on the platform have no row in the source any more", now.gone, now.known));
    else if (!before_ && now.required && now.seen == 0)
        hold(0, tr("the source has no row"));
}

void Judge::resend(const Reading& now, const std::string& changed_inputs) {
    if (exceeds(now.changed, now.records, safety_.resend_percent))
        found_.push_back({ledger::attention::kHeldResend, "--accept-resend", now.changed,
                          tr("{} changed since the last run, and {} of {} records would be sent again",
                             changed_inputs, now.changed, now.records)});
}

void Judge::changes(const Reading& now) {
    if (exceeds(safety_, now.changed, now.records, safety_.change_percent))
        found_.push_back({ledger::attention::kHeldChange, "--accept-change", now.changed,
                          tr("{} of {} records would change", now.changed, now.records)});
}

/// Records that lose an item or list they had; queries that gave next to nothing.
void Judge::losses(const Reading& now) {
    constexpr std::int64_t kTenth = 10;
    const std::int64_t fewer_rows = std::max<std::int64_t>(0, before_->rows_read - now.seen);
    for (const auto& [name, had] : before_->contents) {
        const auto found = now.contents.find(name);
        if (found == now.contents.end()) continue;
        const std::int64_t has = found->second;
        if (name.starts_with(contents::kItem)) {
            if (const std::int64_t lost = had - has - fewer_rows;
                exceeds(safety_, lost, before_->rows_read, safety_.change_percent))
                found_.push_back({ledger::attention::kHeldChange, "--accept-change", lost,
                                  tr("{} records had \"{}\", {} have it now", had,
                                     name.substr(std::strlen(contents::kItem)), has)});
        } else if (name.starts_with(contents::kQuery) && had - has >= safety_.floor && has * kTenth < had) {
            found_.push_back({ledger::attention::kHeldChange, "--accept-change", had - has,
                              tr("the query \"{}\" gives {} rows, at the last run it gave {}",
                                 name.substr(std::strlen(contents::kQuery)), has, had)});
        }
    }
}

/// More of them than a person accepted last time.
void Judge::orphans(const Reading& now) {
    for (const mapping::ChildCount& child : now.children) {
        const std::int64_t more = child.orphans - counted_before(contents::kOrphans + child.name);
        if (exceeds(safety_, more, child.rows, safety_.orphan_percent))
            found_.push_back(
                {ledger::attention::kHeldChange, "--accept-change", child.orphans, orphans_in_words(child)});
    }
}

bool drops(const config::Safety& safety, std::int64_t seen, std::int64_t before) {
    return exceeds(safety, before - seen, before, safety.drop_percent);
}

std::vector<ledger::Attention> attention_of(const std::vector<Objection>& objections) {
    std::vector<ledger::Attention> out;
    for (const Objection& each : objections) {
        const auto same = std::ranges::find(out, each.code, &ledger::Attention::code);
        if (same == out.end())
            out.push_back({each.code, each.records, each.text});
        else
            same->detail += "; " + each.text;
    }
    return out;
}

Error waits_for_person(const InsurerNumber& insurer, const std::string& kind,
                       const std::vector<Objection>& objections) {
    std::string why;
    std::string words;
    for (const Objection& each : objections) {
        why += (why.empty() ? "" : "; ") + each.text;
        if (words.find(each.option) == std::string::npos)
            words += std::string(words.empty() ? "" : " ") + each.option;
    }
    return {
        ErrorCode::needs_person, tr("insurer {}, {}: {}: nothing of it was sent", insurer.value(), kind, why),
        "",
        tr("find out why, with validate-mapping and in the core system; if that is right, run again with {}",
           words)};
}

}  // namespace kaigo::jobs
