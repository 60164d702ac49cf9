#pragma once
// Hash-chained log of runs and of every use of マイナンバー: who, when, what, how many; never a number.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"

namespace kaigo::audit {

/// One JSON object a line: seq, at, event, actor, details, previous, hash. `hash` is SHA-256 over the line
/// without it, so that a changed, removed or inserted line breaks the chain. The caller keeps head()
/// elsewhere, so that a cut tail is seen as well.
class AuditLog {
  public:
    /// Reads the last line to go on from it. One writer at a time: a lock is held as long as the object
    /// lives.
    /// @param patience  how long to wait for another writer
    static Result<AuditLog> open(const std::filesystem::path& path, Duration patience = Duration(0));

    /// @param details  names and counts; never personal data
    Status append(Instant at, const std::string& event, const std::string& actor,
                  const std::map<std::string, std::string>& details);
    /// Hash of the last line; empty when there is none.
    const std::string& head() const { return head_; }

  private:
    AuditLog(FileLock lock, std::filesystem::path path, std::string head, std::int64_t sequence)
        : lock_(std::move(lock)), path_(std::move(path)), head_(std::move(head)), sequence_(sequence) {}
    FileLock lock_;
    std::filesystem::path path_;
    std::string head_;
    std::int64_t sequence_;
};

struct Verification {
    std::int64_t lines = 0;
    std::string head;
    bool anchor_seen = false;
    std::vector<std::string> events_after;  ///< names of the events behind the anchor
};

/// Walks the whole chain. The error names the first line that does not fit.
/// @param anchor  a hash that was kept elsewhere. A log whose tail was cut off before this hash still has an
/// unbroken chain, but not the hash
Result<Verification> verify(const std::filesystem::path& path, const std::string& anchor = "");

}  // namespace kaigo::audit
