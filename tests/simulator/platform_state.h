#pragma once
// What the simulated platform holds: receptions, records, results, and a journal of every effect.

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "domain/identifiers.h"
#include "simulator/scenario.h"
#include "spec/spec.h"
#include "sqlite/sqlite.h"

namespace kaigo::simulator {

struct ReceptionRow {
    std::int64_t id = 0;
    std::string number, request_id, kind, status;
    std::int64_t total = 0, succeeded = 0, failed = 0;
};

struct ResultRow {
    std::string record_id, error_id;
    bool ok = false, stored = false;
};

/// マイナンバー are kept as keyed hashes only.
class PlatformState {
  public:
    PlatformState(const std::filesystem::path& file, const spec::Specification& specification,
                  std::uint64_t seed, MyNumberCheck check);

    void set_scenario(const Scenario& scenario) { scenario_ = scenario; }
    const Scenario& scenario() const { return scenario_; }

    struct Accepted {
        enum class How { accepted, duplicate, conflict } how;
        ReceptionRow reception;
    };
    /// Takes a batch and applies it at once; its completion shows after the scenario's number of questions.
    /// @param abort  異常終了: nothing is applied
    Accepted accept(const std::string& insurer, const spec::RecordKind& kind, const std::string& request_id,
                    const std::string& mode, std::string_view body,
                    const std::vector<boost::json::object>& records, bool abort);

    /// A question: receptions under way come nearer to their completion.
    void tick(const std::string& insurer);
    std::optional<ReceptionRow> find(const std::string& insurer, const std::string& request_id);
    std::optional<ReceptionRow> reception(const std::string& insurer, const std::string& number);
    std::vector<std::pair<std::int64_t, ReceptionRow>> completed(const std::string& insurer,
                                                                 std::int64_t after, std::int64_t limit);
    std::vector<ResultRow> results(std::int64_t reception);

  private:
    struct Outcome {
        std::string error_id;  ///< empty: ok
        bool stored = false;
    };
    Outcome apply(const std::string& insurer, const spec::RecordKind& kind, const boost::json::object& record,
                  std::string& key, std::string& content);
    bool is_first_number(const std::string& insurer, const std::string& insured,
                         const std::string& number_hash);
    Outcome ask_middle_server(const std::string& insurer, const std::string& insured,
                              const std::string& number_hash);
    std::string masked_content(const boost::json::object& record, const spec::RecordKind& kind) const;
    std::string hash(std::string_view text) const;
    ReceptionRow read_reception(sqlite::Statement& row);

    sqlite::Database database_;
    const spec::Specification& specification_;
    std::uint64_t seed_;
    MyNumberCheck check_;
    Scenario scenario_;
    std::string salt_;
    std::int64_t records_seen_ = 0;
};

}  // namespace kaigo::simulator
