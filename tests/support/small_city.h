#pragma once
// An insurer with a handful of persons: a source in memory, a scripted platform, a clock set by hand, and a
// real ledger, spool and audit log. Jobs and commands run over it as over a host.

#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "jobs/sync/run.h"
#include "support/manual_clock.h"
#include "support/memory_source.h"
#include "support/scripted_platform.h"
#include "unit/support.h"

namespace kaigo::test {

inline constexpr const char* kPersons = "SELECT * FROM persons WHERE insurer = :insurer ORDER BY number";
inline constexpr const char* kConsents = "SELECT * FROM consents WHERE insurer = :insurer ORDER BY number";

/// Its last digit makes it one that no person has.
inline std::string my_number(int n) {
    const std::string eleven = fmt::format("{:011}", n);
    for (char last = '0'; last <= '9'; ++last)
        if (my_number_check_digit_ok(eleven + last, MyNumberCheck::test)) return eleven + last;
    return {};
}

inline std::string insured(int n) { return fmt::format("{:010}", n); }

/// Keeps what runs tell their person.
class Listener : public jobs::Observer {
  public:
    void note(Kind, const std::string& text) override { heard += text + "\n"; }
    std::string heard;
};

class SmallCity {
  public:
    explicit SmallCity(int persons, bool set_up = true) {
        tables_[kPersons] = {{"insurer", "number", "history", "my_number", "address"}, {}, {}};
        tables_[kConsents] = {{"insurer", "number", "sequence", "day", "act"}, {}, {}};
        for (int i = 1; i <= persons; ++i) add_person(i);
        folder.write("spool.key", std::string(32, 'k'));
        ::chmod((folder / "spool.key").c_str(), 0600);
        config.language = "en";
        config.interface_spec = project("interface-spec/2.02");
        config.my_number_check = MyNumberCheck::test;
        config.spool_key = (folder / "spool.key").string();
        config.ledger = folder / "ledger.db";
        config.spool = folder / "spool";
        config.audit = folder / "audit.log";
        config.safety.floor = 3;
        config.platform.url = "https://platform.invalid";
        config.sources["core"] = {"sqlite", "in memory", folder.write("mapping.yaml", mapping())};
        config::Insurer insurer{.number = *InsurerNumber::parse("122192")};
        insurer.source = "core";
        insurer.record_kinds = {"insured-persons", "comprehensive-consents"};
        config.insurers = {insurer};
        environment.connect.source = [this](const std::string&, const std::string&) {
            return Result<std::unique_ptr<source::Source>>(std::make_unique<MemorySource>(tables_));
        };
        environment.connect.platform = [this](const jobs::Installation&, const config::Insurer&) {
            return Result<std::unique_ptr<platform::PlatformClient>>(
                std::make_unique<BorrowedPlatform>(platform));
        };
        installation = *jobs::Installation::load(config);
        if (set_up) finish_setup();
    }

    void add_person(int n, const std::string& address = "somewhere") {
        persons().push_back({"122192", insured(n), "1", my_number(n), address});
    }
    /// As a clerk of the core system sees it.
    std::vector<std::string>& person(int n) {
        for (auto& row : persons())
            if (row[1] == insured(n)) return row;
        throw std::logic_error("no such person");
    }
    void move(int n, const std::string& address) { person(n)[4] = address; }
    void remove(int n) {
        std::erase_if(persons(), [&](const auto& row) { return row[1] == insured(n); });
    }
    std::vector<std::vector<std::string>>& persons() { return tables_[kPersons].rows; }
    /// @param act  1 granted, 2 refused, 3 withdrawn
    void add_consent(int n, const std::string& sequence, const std::string& day, const std::string& act) {
        tables_[kConsents].rows.push_back({"122192", insured(n), sequence, day, act});
    }
    MemoryTable& table(const std::string& select) { return tables_[select]; }

    /// One job, to its end.
    jobs::RunSummary run(JobName job, jobs::RunOptions options = {}) {
        options.job = job;
        jobs::JobContext context(installation, environment);
        auto done = jobs::run_job(context, options, observer);
        if (!done) FAIL(done.error().text());
        clock.advance(std::chrono::hours(24));
        return *std::move(done);
    }
    jobs::RunSummary daily(jobs::RunOptions options = {}) { return run(JobName::daily_sync, options); }

    ledger::LedgerView view() { return *jobs::ledger_store(config).view(); }
    /// Records by state.
    std::map<std::string, int> states() {
        std::map<std::string, int> out;
        for (const auto& each : view().counts()) out[each.state] += static_cast<int>(each.count);
        return out;
    }
    ledger::RecordRow record(int n) { return view().records_of("122192", insured(n)).at(0); }
    /// Records that the platform was sent since the last call.
    std::size_t sent() {
        std::size_t out = 0;
        for (; seen_ < platform.requests.size(); ++seen_) out += platform.requests[seen_].record_ids.size();
        return out;
    }

    Folder folder;
    config::Config config;
    ManualClock clock;
    CountingRandom random;
    jobs::Environment environment{clock, random, "test", {}};
    ScriptedPlatform platform{specification().wire()};
    Listener observer;
    std::shared_ptr<const jobs::Installation> installation;

  private:
    void finish_setup() {
        const auto ledger = *jobs::ledger_store(config).open(clock.now());
        const auto insurer = ledger->ensure_insurer("122192");
        ledger->start_setup(insurer, "2026-11-01", clock.now());
        ledger->setup_compared(insurer, clock.now());
        ledger->complete_setup(insurer, clock.now());
    }
    static std::string mapping() {
        return fmt::format(R"(mapping: small-city
interface_spec: "2.02"
records:
  insured-persons:
    select: {}
    items:
      insurerNumber: {{column: insurer}}
      insuredNumber: {{column: number}}
      historyNumber: {{column: history}}
      myNumber: {{column: my_number}}
      insuredCategory: {{constant: "1"}}
      name: {{constant: 架空太郎}}
      nameKana: {{constant: カクウタロウ}}
      birthDate: {{constant: "1940-01-01"}}
      sex: {{constant: "1"}}
      address: {{column: address}}
      acquiredOn: {{constant: "2005-01-01"}}
      residenceException: {{constant: "1"}}
      nonDisclosure: {{constant: "false"}}
  comprehensive-consents:
    select: {}
    items:
      insurerNumber: {{column: insurer}}
      insuredNumber: {{column: number}}
      historyNumber: {{constant: "1"}}
      consentSequence: {{column: sequence}}
      consentDate: {{column: day, date: iso}}
      consent:
        derive: consent-outside-application
        codes: {{granted: "1", refused: "2", withdrawn: "3"}}
        from:
          act: {{column: act, codes: {{"1": granted, "2": refused, "3": withdrawn}}}}
          actedOn: {{column: day, date: iso}}
)",
                           kPersons, kConsents);
    }

    MemoryTables tables_;
    std::size_t seen_ = 0;
};

}  // namespace kaigo::test
