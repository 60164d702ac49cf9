#pragma once
// How far a run is: a line that is written over for a person at a terminal, else one line a minute.

#include <optional>
#include <string>

#include "jobs/gateway.h"

namespace kaigo::jobs {

struct Tally;

class Progress {
  public:
    /// @param quiet  nothing is shown
    Progress(World& world, const Tally& tally, bool quiet) : world_(world), tally_(tally), quiet_(quiet) {}

    /// A kind begins.
    /// @param expected  rows to come; 0: not known
    void begin(const std::string& title, std::int64_t expected);
    /// Rows read of the kind so far. Cheap enough to be called for every row.
    void read(std::int64_t rows) {
        rows_ = rows;
        if (rows % kEvery == 0) tell();
    }
    /// Something may have moved.
    void tell();
    /// The kind's last line.
    void end();

  private:
    static constexpr std::int64_t kEvery = 1'000;
    void write(Instant now);

    World& world_;
    const Tally& tally_;
    bool quiet_;
    std::string title_;  ///< empty: nothing has begun
    std::int64_t expected_ = 0, rows_ = 0;
    std::int64_t sent_before_ = 0, registered_before_ = 0, in_error_before_ = 0;
    Instant begun_{}, told_{};
    std::size_t width_ = 0;  ///< of the line that is written over
};

}  // namespace kaigo::jobs
