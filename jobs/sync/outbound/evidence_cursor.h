#pragma once
// What the source says of single persons with a case, asked in key order beside their rows.

#include <memory>
#include <optional>
#include <string>

#include "base/date.h"
#include "mapping/evidence.h"

namespace kaigo::jobs {

/// Opened when it is first asked. Evidence that cannot be read moves
/// no case and stops nothing else.
class EvidenceCursor {
  public:
    EvidenceCursor(const mapping::KindPlan* plan, source::Snapshot& snapshot, const InsurerNumber& insurer,
                   const Date& today)
        : plan_(plan), snapshot_(snapshot), insurer_(insurer), today_(today) {}

    /// Nothing when no evidence is mapped, or this person's cannot be read: then what was known stays.
    std::optional<registration::Evidence> of(std::string_view insured) {
        if (plan_ == nullptr || failure_) return std::nullopt;
        if (!reader_) {
            auto opened = mapping::EvidenceReader::open(*plan_, snapshot_, insurer_, today_);
            if (!opened) return failed(opened.error());
            reader_ = std::move(*opened);
        }
        auto evidence = reader_->of(insured);
        if (!evidence) return failed(evidence.error());
        return std::move(*evidence);
    }

    /// Why evidence, or some of it, could not be read; empty: it could.
    std::string trouble() const {
        if (failure_) return failure_->text();
        return reader_ ? reader_->unreadable() : unreadable_;
    }

    /// It cannot be asked any more.
    /// @param whole  whether to read on to its end
    /// @return rows in all, where it was asked and read to its end
    std::optional<std::int64_t> close(bool whole) {
        std::optional<std::int64_t> rows;
        if (reader_ && !failure_ && whole) {
            if (const auto count = reader_->count_to_the_end())
                rows = *count;
            else
                failed(count.error());
        }
        if (reader_) unreadable_ = reader_->unreadable();
        reader_.reset();
        return rows;
    }

  private:
    std::optional<registration::Evidence> failed(const Error& error) {
        failure_ = error;
        return std::nullopt;
    }

    const mapping::KindPlan* plan_;
    source::Snapshot& snapshot_;
    const InsurerNumber& insurer_;
    Date today_;
    std::unique_ptr<mapping::EvidenceReader> reader_;
    std::string unreadable_;
    std::optional<Error> failure_;
};

}  // namespace kaigo::jobs
