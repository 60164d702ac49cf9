#include "jobs/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/i18n.h"
#include "jobs/exchange.h"

namespace kaigo::jobs {
namespace {

constexpr Duration kOnTerminal{500};
constexpr Duration kInLogs{60'000};

std::int64_t in_error(const Tally& tally) { return tally.stored_in_error + tally.rejected; }

std::string duration_text(std::int64_t seconds) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace

void Progress::begin(const std::string& title, std::int64_t expected) {
    title_ = title;
    expected_ = expected;
    rows_ = 0;
    sent_before_ = tally_.sent;
    registered_before_ = tally_.registered;
    in_error_before_ = in_error(tally_);
    begun_ = told_ = world_.clock.now();
}

void Progress::tell() {
    // Asked for the time even when nothing is told: that is the job's sign of life.
    const Instant now = world_.clock.now();
    if (quiet_ || title_.empty()) return;
    if (now - told_ < (world_.terminal ? kOnTerminal : kInLogs)) return;
    told_ = now;
    write(now);
}

void Progress::end() {
    if (title_.empty()) return;
    if (!quiet_ && world_.terminal) {
        write(world_.clock.now());
        world_.err << '\n';
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
           expected_ > 0 ? fmt::format("/{}", expected_) : std::string(), tally_.sent - sent_before_,
           tally_.registered - registered_before_, in_error(tally_) - in_error_before_, rate);
    if (rows_ < expected_ && rate > 0) line += tr(", {} left", duration_text((expected_ - rows_) / rate));
    if (!world_.terminal) {
        world_.err << format_instant(now) << ' ' << line << std::endl;
        return;
    }
    // Over the line before, whose end must not remain.
    const std::size_t padding = line.size() < width_ ? width_ - line.size() : 0;
    width_ = line.size();
    world_.err << '\r' << line << std::string(padding, ' ') << std::flush;
}

}  // namespace kaigo::jobs
