#pragma once
// Tells whoever asked for a run what happens in it, and asks what only a person knows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/checks/check.h"

namespace kaigo::jobs {

struct KindValidation;

/// What one run did, for its summary and its exit status.
struct Tally {
    std::int64_t sent = 0;             ///< records handed to the platform
    std::int64_t my_numbers_sent = 0;  ///< of them with a マイナンバー
    std::int64_t my_numbers_read = 0;
    std::int64_t registered = 0;
    std::int64_t deleted = 0;
    std::int64_t stored_in_error = 0;
    std::int64_t rejected = 0;
    std::int64_t alarms = 0;
    bool needs_person() const { return stored_in_error + rejected + alarms > 0; }
};

/// Who overrides nothing hears nothing.
class Observer {
  public:
    enum class Kind : std::uint8_t { plain, note, warning, alarm, error };

    virtual ~Observer() = default;
    /// The rows of a kind begin.
    /// @param expected  rows to come; 0: not known
    /// @param tally     of the whole run; goes on counting until end()
    virtual void begin(const std::string& /*insurer*/, const std::string& /*kind*/, std::int64_t /*expected*/,
                       const Tally& /*tally*/) {}
    /// Rows of it that were read so far: called once in a while.
    virtual void read(std::int64_t /*rows*/) {}
    /// Something may have moved.
    virtual void moved() {}
    virtual void end() {}
    /// A sentence for the person.
    virtual void note(Kind /*kind*/, const std::string& /*text*/) {}
    /// Before a setup: what the check of the host and of all rows found.
    virtual void examined(const std::vector<Check>& /*checks*/, const std::vector<KindValidation>& /*rows*/) {
    }
    /// A yes is needed.
    /// @return nothing when nobody can be asked
    virtual std::optional<bool> ask(const std::string& /*question*/) { return std::nullopt; }
};

}  // namespace kaigo::jobs
