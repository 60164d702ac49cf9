#pragma once
// Hash-chained log of runs and of every use of マイナンバー: who, when, what, how many; never a number.

#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace kaigo::audit {

/// One JSON object a line: seq, at, event, actor, details, previous, hash. `hash` is SHA-256 over the line
/// without it, so that a changed, removed or inserted line breaks the chain. The caller keeps head()
/// elsewhere, so that a cut tail is seen as well.
class AuditLog {
  public:
    /// Reads the last line to go on from it. One writer at a time (the ledger's lock).
    static Result<AuditLog> open(const std::filesystem::path& path);

    /// @param details  names and counts; never personal data
    Status append(Instant at, const std::string& event, const std::string& actor,
                  const std::map<std::string, std::string>& details);
    /// Hash of the last line; empty when there is none.
    const std::string& head() const { return head_; }

  private:
    AuditLog(std::filesystem::path path, std::string head, std::int64_t sequence)
        : path_(std::move(path)), head_(std::move(head)), sequence_(sequence) {}
    std::filesystem::path path_;
    std::string head_;
    std::int64_t sequence_;
};

struct Verification {
    std::int64_t lines = 0;
    std::string head;
};

/// Walks the whole chain. The error names the first line that does not fit.
Result<Verification> verify(const std::filesystem::path& path);

}  // namespace kaigo::audit
