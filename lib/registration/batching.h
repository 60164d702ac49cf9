#pragma once
// How many records go into one request. Pure.

#include <cstddef>

namespace kaigo::registration {

struct BatchLimits {
    std::size_t max_records = 1000;
    std::size_t max_bytes = 8U << 20;
};

/// Fill of a request that is being built, in records and in bytes of its body.
class BatchFill {
  public:
    /// Bytes around the records: names, request id, brackets.
    static constexpr std::size_t kEnvelope = 256;

    explicit BatchFill(const BatchLimits& limits) : limits_(limits) {}
    /// Whether a record of so many bytes still goes in. A record that is larger than a request goes alone,
    /// and is refused.
    bool has_room(std::size_t bytes) const {
        return records_ < limits_.max_records && kEnvelope + bytes_ + bytes + 1 <= limits_.max_bytes;
    }
    void add(std::size_t bytes) {
        ++records_;
        bytes_ += bytes + 1;
    }
    bool empty() const { return records_ == 0; }

  private:
    BatchLimits limits_;
    std::size_t records_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace kaigo::registration
