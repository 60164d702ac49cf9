// Whole lives of a small municipality from one seed: the record machine and the case machine together,
// against a platform that loses answers, aborts, and asks a 中間サーバー. KAIGO_SEEDS says how many seeds
// (./dev simulate).

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include "registration/comparison.h"
#include "registration/result.h"

using namespace kaigo;
using namespace kaigo::registration;

namespace {

constexpr int kPersons = 3;
constexpr int kDependants = 2;  // of each person
constexpr std::int64_t kHour = 3'600'000;

/// Persons are 0, 10, 20; the dependants of 10 are 11 and 12.
bool is_person(int key) { return key % 10 == 0; }
int person_of(int key) { return key - key % 10; }

Digest digest_of(std::int64_t content) {
    Digest out{};
    std::memcpy(out.data(), &content, sizeof content);
    return out;
}

void require(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

struct Row {
    std::int64_t content = 1;
    std::int64_t history = 1;
    int number = 0;  ///< of a person; 0: none
    bool usable = true;
    std::int64_t version() const { return content * 100 + number; }
};

/// What is true of a person, whoever knows it.
struct Truth {
    int number = 1;
    bool exempt = false;
    enum { enrolled, not_enrolled, unconfirmable } enrolment = enrolled;
};

struct Held {
    std::int64_t version = 0;
    std::int64_t history = 0;
    bool linked = false;
};

struct Flight {
    int id = 0;
    int key = 0;
    UpdateKind kind = UpdateKind::create;
    Row row;
    std::optional<Answer> answer;  ///< set once the platform has acted
    bool arrived = false;
    bool known_unaccepted = false;
    RecordState state = RecordState::sending;
};

class Life {
  public:
    explicit Life(std::uint64_t seed) : random_(seed), cascade_(chance(2)), evidence_mapped_(!chance(4)) {
        for (int p = 0; p < kPersons; ++p)
            for (int d = 0; d <= kDependants; ++d) source_[p * 10 + d] = {.number = d == 0 ? 1 : 0};
        for (int p = 0; p < kPersons; ++p) {
            Truth& truth = truth_[p * 10];
            truth.number = chance(4) ? 2 : 1;
            truth.exempt = chance(5);
            truth.enrolment = chance(3)   ? Truth::not_enrolled
                              : chance(5) ? Truth::unconfirmable
                                          : Truth::enrolled;
        }
    }

    void run() {
        const int steps = 20 + below(60);
        for (int i = 0; i < steps; ++i) {
            trouble();
            round();
        }
        settle();
    }

  private:
    // ---- Chance and time

    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    bool chance(int one_in) { return below(one_in) == 0; }

    // ---- What happens to a municipality

    void trouble() {
        const int key = below(kPersons) * 10 + below(kDependants + 1);
        auto found = source_.find(key);
        switch (below(12)) {
            case 0:
                if (found != source_.end()) ++found->second.content;
                break;
            case 1:
                if (found != source_.end()) --found->second.content;
                break;
            case 2:
                if (found != source_.end()) found->second.usable = !found->second.usable;
                break;
            case 3:
                if (found != source_.end()) found->second.history = 1 + below(3);
                break;
            case 4:
                if (found == source_.end())
                    source_[key] = {.content = 1 + below(3), .number = is_person(key) ? 1 : 0};
                else if (chance(3))
                    source_.erase(found);
                break;
            case 5:
                if (is_person(key) && found != source_.end()) found->second.number = below(3);
                break;
            case 6:
                if (is_person(key)) truth_[key].exempt = chance(3);
                day_of_[key] = now_ / kHour;
                break;
            case 7:
                if (is_person(key)) truth_[key].enrolment = static_cast<decltype(Truth::enrolment)>(below(3));
                day_of_[key] = now_ / kHour;
                break;
            case 8:
            case 9:
                decide(person_of(key), kFindings[static_cast<std::size_t>(below(kFindings.size()))]);
                break;
            case 10:
                crash();
                break;
            default:
                resend_held();
        }
    }

    void round() {
        now_ += kHour;
        if (chance(2)) compare_all();
        for (int i = 0; i < 4; ++i) network(true);
        resend_due();
    }

    /// No more trouble: rows are mended, a clerk answers by what is true.
    void settle() {
        std::erase_if(source_, [&](const auto& each) { return !source_.contains(person_of(each.first)); });
        for (auto& [key, row] : source_) {
            row.usable = true;
            row.content = std::abs(row.content) * 7 + 1;  // never one that the platform refuses
            if (is_person(key)) row.number = truth_[key].number;
        }
        for (auto& [key, truth] : truth_)
            if (truth.enrolment == Truth::not_enrolled) truth.enrolment = Truth::enrolled;
        for (auto& [key, row] : source_) day_of_[key] = now_ / kHour;
        for (int i = 0; i < 60; ++i) {
            now_ += 24 * kHour;
            compare_all();
            for (int n = 0; n < 30; ++n) network(false);
            resend_due();
            resend_held();
            for (const auto& [key, pmh_case] : std::map(cases_)) answer_truly(key, pmh_case.state);
        }
        check_end();
    }

    void answer_truly(int key, CaseState state) {
        const Truth& truth = truth_[key];
        switch (state) {
            case CaseState::awaiting_mynumber_check:
                decide(key, CaseEvent::mynumber_correct);
                break;
            case CaseState::awaiting_new_mynumber:
                reverse(key);
                break;
            case CaseState::awaiting_exemption_check:
                decide(key, truth.exempt ? CaseEvent::exempt : CaseEvent::not_exempt);
                break;
            case CaseState::awaiting_enrolment_check:
            case CaseState::waiting_for_enrolment:
                decide(key, truth.enrolment == Truth::enrolled ? CaseEvent::enrolled
                                                               : CaseEvent::enrolment_unconfirmable);
                break;
            case CaseState::awaiting_operator:
                decide(key, CaseEvent::renew);
                break;
            case CaseState::left_in_error:
                if (!truth.exempt && truth.enrolment == Truth::enrolled) reverse(key);
                break;
            default:
                break;
        }
    }

    // ---- The gateway

    Standing standing(int key) const {
        const auto found = ledger_.find(key);
        return found == ledger_.end() ? Standing{} : found->second;
    }

    void set(int key, const Standing& known, Event event, const Standing& next) {
        require(is_edge(known.state, event, next.state), "a change that is no edge of the table");
        require(!known.on_platform || next.state != RecordState::absent || event == Event::deleted,
                "an acknowledged record left the ledger without a deletion");
        if (next.state == RecordState::absent)
            ledger_.erase(key);
        else
            ledger_[key] = next;
    }

    Evidence evidence(int key) const {
        if (!evidence_mapped_) return {};
        const Truth& truth = truth_.at(key);
        const auto day = day_of_.find(key);
        const std::string date = std::to_string(day == day_of_.end() ? 0 : day->second);
        const std::string_view enrolment = truth.enrolment == Truth::enrolled       ? fact::kEnrolled
                                           : truth.enrolment == Truth::not_enrolled ? fact::kNotEnrolled
                                                                                    : fact::kUnconfirmable;
        return {{std::string(truth.exempt ? fact::kExempt : fact::kNotExempt), date},
                {std::string(enrolment), date},
                ""};
    }

    void compare_all() {
        probe_recreated();
        for (int p = 0; p < kPersons; ++p) compare(p * 10);
        for (int p = 0; p < kPersons; ++p)
            for (int d = 1; d <= kDependants; ++d) compare(p * 10 + d);
        for (int p = 0; p < kPersons; ++p) release(p * 10);
    }

    void compare(int key) {
        const Standing known = standing(key);
        const auto row = source_.find(key);
        CaseMoves moves;
        Decision decision;
        if (row == source_.end()) {
            if (known.state == RecordState::absent) return;
            decision = compare_gone(known, is_person(key));
            if (decision.changes && decision.next.state == RecordState::absent && known.in_case)
                move_case(cases_.at(key), CaseEvent::source_gone, "", moves);
        } else {
            SourceRow source;
            source.digest = digest_of(row->second.version());
            source.history = row->second.history;
            source.reason = "validation:x:y";
            source.verdict = !row->second.usable                         ? SourceRow::Verdict::unusable
                             : is_person(key) && row->second.number == 0 ? SourceRow::Verdict::no_my_number
                                                                         : SourceRow::Verdict::usable;
            if (source.verdict == SourceRow::Verdict::no_my_number) source.reason = my_number_missing("");
            if (known.in_case && !known.in_flight()) {
                PmhCase& pmh_case = cases_.at(key);
                const bool changed = row->second.number != 0 && row->second.number != sent_number_[key];
                pmh_case.seen = evidence(key);
                follow_evidence(pmh_case, moves);
                decision = compare_in_case(source, known, changed, pmh_case, moves);
            } else {
                const bool prerequisite = is_person(key) || standing(person_of(key)).carries_dependants();
                decision = compare_present(source, known, prerequisite);
            }
        }
        tidy_case(key);
        if (!decision.changes) return;
        set(key, known, decision.event, decision.next);
        if (!decision.send) return;
        send(key, row == source_.end() ? Row{} : row->second);
    }

    void tidy_case(int key) {
        const auto found = cases_.find(key);
        if (found != cases_.end() && !is_open(found->second.state)) cases_.erase(found);
    }

    /// A person's deletion waits for its dependants.
    void release(int key) {
        const Standing known = standing(key);
        if (known.state != RecordState::blocked || known.owed != UpdateKind::remove) return;
        for (int d = 1; d <= kDependants; ++d) {
            const Standing dependant = standing(key + d);
            const bool coming = dependant.in_flight() || dependant.state == RecordState::pending;
            if (dependant.on_platform || coming) return;
        }
        Standing next = known;
        next.state = RecordState::pending;
        next.reason.clear();
        set(key, known, Event::released, next);
    }

    void send(int key, const Row& row) {
        for (const Flight& other : flights_)
            require(other.key != key, "a second flight while the first is open");
        const Standing known = standing(key);
        Standing next = known;
        next.state = RecordState::sending;
        set(key, known, Event::batched, next);
        const UpdateKind kind = known.owed.value();
        if (known.in_case) {
            const CaseState at = cases_.at(key).state;
            require(kind == UpdateKind::remove || !known.on_platform || at == CaseState::renewing ||
                        at == CaseState::registering_anew || at == CaseState::left_in_error,
                    "a 更新 went past an open case");
        }
        if (is_person(key) && kind != UpdateKind::remove) sent_number_[key] = row.number;
        bodies_[key] = row;
        flights_.push_back({.id = ++ids_, .key = key, .kind = kind, .row = row});
    }

    void resend_due() {
        probe_recreated();
        for (const auto& [key, known] : std::map(ledger_)) {
            if (known.state != RecordState::pending || (known.due_at && *known.due_at > now_)) continue;
            if (known.needs_body)
                compare(key);
            else
                send(key, known.owed == UpdateKind::remove ? Row{} : bodies_.at(key));
        }
    }

    void resend_held() {
        for (const auto& [key, known] : std::map(ledger_)) {
            if (known.state != RecordState::rejected || known.reason.starts_with("validation:")) continue;
            Standing next = known;
            next.state = RecordState::pending;
            next.owed = known.owed == UpdateKind::remove ? UpdateKind::remove
                        : known.on_platform              ? UpdateKind::update
                                                         : UpdateKind::create;
            next.needs_body = next.owed != UpdateKind::remove;
            next.reason = reason::kResend;
            last_applied_.erase(key);  // a person's word
            next.sent.reset();
            next.attempts = 0;
            next.due_at = now_;
            set(key, known, Event::resend_by_operator, next);
        }
    }

    void decide(int key, CaseEvent finding) {
        const auto found = cases_.find(key);
        if (found == cases_.end()) return;
        const LeftReason why = finding != CaseEvent::leave_in_error ? LeftReason::none
                               : found->second.state == CaseState::awaiting_exemption_check
                                   ? LeftReason::exempt
                                   : LeftReason::enrolment_unconfirmable;
        const PmhCase before = found->second;
        CaseMoves moves;
        const bool fits = decide_case(found->second, finding, why, moves);
        require(fits || found->second == before, "a refused answer changed the case");
    }

    void reverse(int key) {
        const auto found = cases_.find(key);
        if (found == cases_.end()) return;
        CaseMoves moves;
        reverse_case(found->second, moves);
    }

    /// The process dies: what was being sent may or may not have arrived.
    void crash() {
        for (Flight& flight : flights_)
            if (flight.state == RecordState::sending) move(flight, Event::no_answer, RecordState::unknown);
    }

    void move(Flight& flight, Event event, RecordState to) {
        require(is_edge(flight.state, event, to), "a flight took a way that is no edge");
        flight.state = to;
    }

    // ---- The network and the platform

    void network(bool troubled) {
        if (flights_.empty()) return;
        const auto at = static_cast<std::size_t>(below(static_cast<int>(flights_.size())));
        Flight& flight = flights_[at];
        switch (flight.state) {
            case RecordState::sending:
                if (troubled && chance(6)) return move(flight, Event::no_answer, RecordState::unknown);
                if (troubled && chance(12)) return give_back(at);
                if (!flight.arrived) arrive(flight, troubled);
                if (troubled && chance(5)) return move(flight, Event::no_answer, RecordState::unknown);
                return move(flight, Event::accepted, RecordState::submitted);
            case RecordState::unknown:
                if (troubled && chance(4)) return;
                if (flight.arrived) return move(flight, Event::accepted, RecordState::submitted);
                return move(flight, Event::asked_not_found, RecordState::sending);
            default:
                if (!troubled || !chance(4)) land(at);
        }
    }

    /// The whole request came to nothing: its record is owed again under another id.
    void give_back(std::size_t at) {
        const Flight flight = flights_[at];
        if (flight.arrived) return;
        flights_.erase(flights_.begin() + static_cast<long>(at));
        const Standing known = standing(flight.key);
        const auto got = apply_not_accepted(known, "batch-aborted", true, {}, now_, 0);
        set(flight.key, known, got.event, got.next);
    }

    void land(std::size_t at) {
        const Flight flight = flights_[at];
        flights_.erase(flights_.begin() + static_cast<long>(at));
        const Standing sent = standing(flight.key);
        Standing known = sent;
        known.state = RecordState::submitted;
        RetryPolicy policy;
        policy.unanswered_ceiling = 3;
        auto got = apply_result(known, *flight.answer, policy, now_, 0);
        if (sent.in_case || got.event == Event::stored_without_link) {
            CaseMoves moves;
            apply_to_case(cases_[flight.key], *flight.answer, got, moves);
            tidy_case(flight.key);
            require(got.next.in_case == cases_.contains(flight.key),
                    "record and case disagree on each other");
        }
        set(flight.key, known, got.event, got.next);
    }

    /// Between comparisons: dependants of those that were registered anew.
    void probe_recreated() {
        for (const auto& [key, known] : std::map(ledger_)) {
            if (!known.recreating || !known.on_platform || known.in_flight()) continue;
            ledger_.at(key).recreating = false;
            probe(key);
        }
    }

    void probe(int person) {
        for (int d = 1; d <= kDependants; ++d) {
            const auto found = ledger_.find(person + d);
            if (found == ledger_.end()) continue;
            last_applied_.erase(person + d);  // the re-registration's exception
            if (found->second.state != RecordState::registered) {
                found->second.acknowledged.reset();
                continue;
            }
            Standing next = found->second;
            next.state = RecordState::pending;
            next.owed = UpdateKind::create;
            next.needs_body = true;
            next.reason = reason::kProbe;
            next.attempts = 0;
            next.due_at = now_;
            set(person + d, found->second, Event::probed, next);
        }
    }

    void arrive(Flight& flight, bool troubled) {
        flight.arrived = true;
        flight.answer = apply(flight, troubled);
    }

    Answer apply(const Flight& flight, bool troubled) {
        const auto held = platform_.find(flight.key);
        const bool exists = held != platform_.end();
        if (troubled && chance(10)) return {false, false, "KJR0099", ErrorClass::transient};
        if (flight.kind == UpdateKind::remove) {
            if (troubled && chance(10)) return {false, false, "KJR0004", ErrorClass::data_error};
            if (!exists) return {false, false, "KJR0011", ErrorClass::no_such_record};
            platform_.erase(held);
            last_applied_.erase(flight.key);
            if (is_person(flight.key) && cascade_) cascade(flight.key);
            return {true, false, "", {}};
        }
        if (flight.row.content % 7 == 0) return {false, false, "KJR0003", ErrorClass::data_error};
        if (!is_person(flight.key) &&
            (!platform_.contains(person_of(flight.key)) || (troubled && chance(20))))
            return {false, false, "KJR0010", ErrorClass::dependency};
        if (flight.kind == UpdateKind::create && exists)
            return {false, false, "KJR0012", ErrorClass::already_registered};
        if (flight.kind == UpdateKind::update && !exists)
            return {false, false, "KJR0011", ErrorClass::no_such_record};
        if (exists && flight.row.history < held->second.history)
            return {false, false, "KJR0013", ErrorClass::stale};
        const bool linked = exists && held->second.linked;
        platform_[flight.key] = {flight.row.version(), flight.row.history, linked};
        if (is_person(flight.key) && !linked) {
            const Truth& truth = truth_[flight.key];
            if (troubled && chance(8)) return {false, true, "KJP0002", ErrorClass::pmh_unanswered};
            if (troubled && chance(12)) return {false, true, "KJP0003", ErrorClass::pmh_operator};
            if (flight.row.number != truth.number || truth.exempt || truth.enrolment != Truth::enrolled)
                return {false, true, "KJP0001", ErrorClass::pmh_case};
            platform_[flight.key].linked = true;
        }
        // A version that was applied well is applied again only after another one, or by a case.
        const std::pair version{flight.row.version(), flight.row.history};
        const auto last = last_applied_.find(flight.key);
        require(last == last_applied_.end() || last->second != version || standing(flight.key).in_case,
                "the same version was applied twice");
        last_applied_[flight.key] = version;
        return {true, true, "", {}};
    }

    void cascade(int person) {
        for (int d = 1; d <= kDependants; ++d) {
            bool flying = false;
            for (const Flight& other : flights_) flying = flying || other.key == person + d;
            if (flying) continue;
            platform_.erase(person + d);
            last_applied_.erase(person + d);
        }
    }

    // ---- At quiescence

    void check_end() {
        require(flights_.empty(), "something is still in flight");
        for (const auto& [key, known] : ledger_) {
            require(known.in_case == cases_.contains(key), "record and case disagree on each other");
            require((known.state == RecordState::stored_in_error) == known.in_case,
                    "an open case, or an error without one, at rest");
            require(known.on_platform == platform_.contains(key), "ledger and platform disagree");
            require(source_.contains(key), "gone from the source, still in the ledger");
        }
        for (const auto& [key, held] : platform_) require(ledger_.contains(key), "the ledger lost a record");
        for (const auto& [key, row] : source_) {
            const Standing known = standing(key);
            require(known.state != RecordState::absent, "a row has no record");
            if (!is_person(key) && !platform_.contains(person_of(key))) {
                require(known.state == RecordState::blocked, "a dependant without its person is not blocked");
                continue;
            }
            if (known.in_case) {
                const PmhCase& pmh_case = cases_.at(key);
                const Truth& truth = truth_[key];
                require(pmh_case.state == CaseState::left_in_error, "a case did not come to its end");
                require(pmh_case.left != LeftReason::none, "left in error without a reason");
                require(truth.exempt || truth.enrolment != Truth::enrolled, "left in error without cause");
            } else {
                require(known.state == RecordState::registered, "neither registered nor in a case");
                require(!is_person(key) || platform_.at(key).linked, "registered, but not linked");
            }
            require(platform_.at(key).version == row.version(), "the platform holds another version");
        }
    }

    std::mt19937_64 random_;
    bool cascade_;          ///< whether this platform deletes dependants with their person
    bool evidence_mapped_;  ///< whether this municipality's mapping names evidence
    std::int64_t now_ = 1'000 * kHour;
    int ids_ = 0;
    std::map<int, Row> source_;
    std::map<int, Truth> truth_;
    std::map<int, std::int64_t> day_of_;  ///< when a person's facts changed last
    std::map<int, Standing> ledger_;
    std::map<int, PmhCase> cases_;
    std::map<int, int> sent_number_;
    std::map<int, Row> bodies_;
    std::vector<Flight> flights_;
    std::map<int, Held> platform_;
    std::map<int, std::pair<std::int64_t, std::int64_t>> last_applied_;
};

}  // namespace

TEST_CASE("whole lives of records and cases hold the invariants, whatever happens", "[lives]") {
    const char* wanted = std::getenv("KAIGO_SEEDS");
    const std::uint64_t seeds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 2'000;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        INFO("seed " << seed);
        try {
            Life(seed).run();
        } catch (const std::exception& error) {
            FAIL(error.what());
        }
    }
    SUCCEED();
}
