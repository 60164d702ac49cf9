#include "jobs/present/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/i18n.h"
#include "jobs/present/checks.h"
#include "jobs/present/validation.h"

namespace kaigo::jobs {
namespace {

constexpr Duration kOnTerminal{500};
constexpr Duration kInLogs{60'000};

std::int64_t in_error(const Tally& tally) { return tally.stored_in_error + tally.rejected; }

std::string duration_text(std::int64_t seconds) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace

void Progress::begin(const std::string& insurer, const std::string& kind, std::int64_t expected,
                     const Tally& tally) {
    title_ = insurer + " " + kind;
    tally_ = &tally;
    before_ = tally;
    expected_ = expected;
    rows_ = 0;
    begun_ = told_ = clock_.now();
}

void Progress::read(std::int64_t rows) {
    rows_ = rows;
    tell();
}

void Progress::tell() {
    if (quiet_ || title_.empty()) return;
    const Instant now = clock_.now();
    if (now - told_ < (terminal_.interactive ? kOnTerminal : kInLogs)) return;
    told_ = now;
    write(now);
}

void Progress::end() {
    if (title_.empty()) return;
    if (!quiet_ && terminal_.interactive) {
        write(clock_.now());
        terminal_.err << '\n';
    }
    title_.clear();
    width_ = 0;
}

void Progress::write(Instant now) {
    const std::int64_t elapsed = std::max<std::int64_t>(1, (now - begun_).count());
    const std::int64_t rate = rows_ * 1000 / elapsed;
    std::string line =
        title_ + "  " +
        tr("read {}{}, sent {}, registered {}, in error {}, {} rows/s", rows_,
           expected_ > 0 ? fmt::format("/{}", expected_) : std::string(), tally_->sent - before_.sent,
           tally_->registered - before_.registered, in_error(*tally_) - in_error(before_), rate);
    if (rows_ < expected_ && rate > 0) line += tr(", {} left", duration_text((expected_ - rows_) / rate));
    if (!terminal_.interactive) {
        terminal_.err << format_instant(now) << ' ' << line << std::endl;
        return;
    }
    // Overwrite the previous line to its end.
    const std::size_t padding = line.size() < width_ ? width_ - line.size() : 0;
    width_ = line.size();
    terminal_.err << '\r' << line << std::string(padding, ' ') << std::flush;
}

void Progress::note(Kind kind, const std::string& text) {
    switch (kind) {
        case Kind::plain:
            terminal_.err << text << std::endl;
            break;
        case Kind::note:
            terminal_.err << tr("note: {}", text) << '\n';
            break;
        case Kind::warning:
            terminal_.err << tr("warning: {}", text) << '\n';
            break;
        case Kind::alarm:
            terminal_.err << tr("alarm: {}", text) << '\n';
            break;
        case Kind::error:
            terminal_.err << tr("error: {}", text) << '\n';
            break;
    }
}

void Progress::examined(const std::vector<Check>& checks, const std::vector<KindValidation>& rows) {
    write_checks(terminal_.err, checks);
    write_validation(terminal_.err, rows);
}

std::optional<bool> Progress::ask(const std::string& question) {
    if (!terminal_.interactive) return std::nullopt;
    terminal_.err << question << ' ' << std::flush;
    return terminal_.ask() == "yes";
}

}  // namespace kaigo::jobs
