#pragma once
// How far a run is: a line that is written over for a person at a terminal, else one line a minute. And what
// the run says and asks meanwhile.

#include <string>

#include "base/clock.h"
#include "jobs/present/terminal.h"
#include "jobs/sync/observer.h"

namespace kaigo::jobs {

class Progress : public Observer {
  public:
    /// @param quiet  only sentences are shown
    Progress(const Clock& clock, Terminal& terminal, bool quiet)
        : clock_(clock), terminal_(terminal), quiet_(quiet) {}

    void begin(const std::string& insurer, const std::string& kind, std::int64_t expected,
               const Tally& tally) override;
    void read(std::int64_t rows) override;
    void moved() override { tell(); }
    void end() override;
    void note(Kind kind, const std::string& text) override;
    void examined(const std::vector<Check>& checks, const std::vector<KindValidation>& rows) override;
    std::optional<bool> ask(const std::string& question) override;

  private:
    void tell();
    void write(Instant now);

    const Clock& clock_;
    Terminal& terminal_;
    bool quiet_;
    std::string title_;             ///< empty: nothing has begun
    const Tally* tally_ = nullptr;  ///< valid while something is under way
    Tally before_;                  ///< the tally when that began
    std::int64_t expected_ = 0, rows_ = 0;
    Instant begun_{}, told_{};
    std::size_t width_ = 0;  ///< of the line that is written over
};

}  // namespace kaigo::jobs
