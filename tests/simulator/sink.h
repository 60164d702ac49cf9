#pragma once
// The platform as a sink, for benchmarks: accepts every batch, answers every question, counts; neither
// validates nor stores. What it costs is taken off what is measured.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "domain/vocabulary.h"

namespace kaigo::simulator {

class Sink {
  public:
    /// @param waits_for  receptions that must have come before any of them is told as completed
    explicit Sink(const WireNames& wire, std::int64_t waits_for = 0) : wire_(wire), waits_for_(waits_for) {}

    /// Takes a batch. @return the answer's JSON
    std::string submit(std::string_view record_kind, std::string_view body);
    /// Receptions behind a cursor: all are completed, once enough have come. @return the answer's JSON
    std::string list(std::int64_t after, std::int64_t limit);
    /// All results of a reception at once, which is forgotten then. @return the answer's JSON
    std::string results(const std::string& reception_number);

    /// One line: what was taken so far.
    std::string summary();

  private:
    struct Reception {
        std::string request_id, record_kind;
        std::string record_ids;  ///< each with its length before it
        std::int64_t total = 0;
    };

    const WireNames& wire_;
    std::int64_t waits_for_;
    std::mutex mutex_;
    std::int64_t receptions_ = 0, records_ = 0, bytes_ = 0, listings_ = 0, told_ = 0;
    std::map<std::int64_t, Reception> waiting_;  ///< results not fetched yet
};

}  // namespace kaigo::simulator
