#pragma once
// A platform in this process that answers as a test says.

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/client.h"
#include "spec/spec.h"

namespace kaigo::test {

class ScriptedPlatform : public platform::PlatformClient {
  public:
    /// A request as it came.
    struct Request {
        std::string id;
        std::vector<std::string> record_ids;
    };
    /// What becomes of one submission. `taken`: the platform takes it in, whatever the outcome says.
    struct Script {
        platform::SubmitResult::Outcome outcome = platform::SubmitResult::Outcome::accepted;
        bool taken = true;
        std::optional<Duration> retry_after = std::nullopt;
        std::string error_code = "";
    };

    explicit ScriptedPlatform(const WireNames& wire) : wire_(wire) {}

    std::vector<Script> scripts;    ///< of the submissions to come, in order; behind them all is accepted
    std::vector<Request> requests;  ///< that came
    std::map<std::string, std::string> errors;  ///< errorId by recordId; the others are registered
    std::string error_for_all;                  ///< errorId of every record; empty: none
    std::set<std::string> stored_errors = {"KJP0001", "KJP0002",
                                           "KJP0003"};  ///< the record is kept with them

    void submit(platform::Submission submission) override {
        Request request{submission.request_id, {}};
        const boost::json::value body = boost::json::parse(submission.body);
        for (const auto& record : body.at(wire_.key("records")).as_array())
            request.record_ids.emplace_back(record.at(wire_.record_id_key).as_string());
        Script script;
        if (requests.size() < scripts.size()) script = scripts[requests.size()];
        platform::SubmitResult result;
        result.outcome = script.outcome;
        result.retry_after = script.retry_after;
        result.error_code = script.error_code;
        result.detail = "scripted";
        if (script.taken) result.reception_number = take_in(request);
        requests.push_back(std::move(request));
        outcomes_.emplace_back(submission.ticket, std::move(result));
    }
    std::vector<std::pair<std::int64_t, platform::SubmitResult>> wait(Duration) override {
        return std::exchange(outcomes_, {});
    }
    std::size_t in_flight() const override { return outcomes_.size(); }

    Result<platform::ServiceStatus> service_status() override { return platform::ServiceStatus{true, ""}; }
    Result<platform::ReceptionPage> completed(const std::string& cursor) override {
        platform::ReceptionPage page;
        for (std::size_t i = cursor.empty() ? 0 : std::stoul(cursor); i < taken_.size(); ++i)
            page.receptions.push_back(reception(i));
        page.cursor = std::to_string(taken_.size());
        return page;
    }
    Result<std::optional<platform::Reception>> find(const std::string& request_id) override {
        for (std::size_t i = 0; i < taken_.size(); ++i)
            if (taken_[i].id == request_id) return std::optional(reception(i));
        return std::optional<platform::Reception>();
    }
    Result<std::optional<platform::Reception>> progress(const std::string& number) override {
        return std::optional(reception(std::stoul(number)));
    }
    std::future<Result<platform::ResultPage>> results(const std::string& number, std::int64_t) override {
        platform::ResultPage page;
        for (const std::string& id : taken_.at(std::stoul(number)).record_ids) {
            const auto found = errors.find(id);
            const std::string error = found == errors.end() ? error_for_all : found->second;
            page.results.push_back(
                {id, error.empty(), error.empty() || stored_errors.contains(error), error});
        }
        page.total = static_cast<std::int64_t>(page.results.size());
        std::promise<Result<platform::ResultPage>> promise;
        promise.set_value(std::move(page));
        return promise.get_future();
    }

  private:
    /// The same request again is the same reception.
    std::string take_in(const Request& request) {
        for (std::size_t i = 0; i < taken_.size(); ++i)
            if (taken_[i].id == request.id) return std::to_string(i);
        taken_.push_back(request);
        return std::to_string(taken_.size() - 1);
    }
    platform::Reception reception(std::size_t i) const {
        return {std::to_string(i), taken_[i].id, wire_.value("processing_done"),
                static_cast<std::int64_t>(taken_[i].record_ids.size())};
    }

    const WireNames& wire_;
    std::vector<Request> taken_;
    std::vector<std::pair<std::int64_t, platform::SubmitResult>> outcomes_;
};

/// Lends the test's platform to code that wants to own one.
class BorrowedPlatform : public platform::PlatformClient {
  public:
    explicit BorrowedPlatform(ScriptedPlatform& platform) : platform_(platform) {}
    void submit(platform::Submission submission) override { platform_.submit(std::move(submission)); }
    std::vector<std::pair<std::int64_t, platform::SubmitResult>> wait(Duration limit) override {
        return platform_.wait(limit);
    }
    std::size_t in_flight() const override { return platform_.in_flight(); }
    Result<platform::ServiceStatus> service_status() override { return platform_.service_status(); }
    Result<platform::ReceptionPage> completed(const std::string& cursor) override {
        return platform_.completed(cursor);
    }
    Result<std::optional<platform::Reception>> find(const std::string& id) override {
        return platform_.find(id);
    }
    Result<std::optional<platform::Reception>> progress(const std::string& number) override {
        return platform_.progress(number);
    }
    std::future<Result<platform::ResultPage>> results(const std::string& number,
                                                      std::int64_t offset) override {
        return platform_.results(number, offset);
    }

  private:
    ScriptedPlatform& platform_;
};

}  // namespace kaigo::test
