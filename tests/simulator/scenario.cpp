#include "simulator/scenario.h"

#include "domain/vocabulary.h"

namespace kaigo::simulator {
namespace {

constexpr Names<Fault::On, 3> kOn = {{
    {Fault::On::submit, "submit"},
    {Fault::On::query, "query"},
    {Fault::On::record, "record"},
}};

constexpr Names<Fault::Do, 10> kDo = {{
    {Fault::Do::drop_before, "drop-before"},
    {Fault::Do::drop_after, "drop-after"},
    {Fault::Do::delay, "delay"},
    {Fault::Do::too_many, "429"},
    {Fault::Do::closed, "503"},
    {Fault::Do::error_before, "500-before"},
    {Fault::Do::error_after, "500-after"},
    {Fault::Do::refuse_as_200, "refuse-as-200"},
    {Fault::Do::abort, "abort"},
    {Fault::Do::record_error, "record-error"},
}};

constexpr std::int64_t kMost = 1'000'000'000;

Fault read_fault(YamlMap& map) {
    Fault fault;
    const auto on = map.parsed(
        "on", [](const std::string& t) { return value_of(kOn, t); }, "on: submit, query or record");
    fault.on = on.value_or(Fault::On::submit);
    const auto what = map.parsed(
        "do", [](const std::string& t) { return value_of(kDo, t); }, "unknown fault");
    if (!what) map.fault(map.self(), "\"do\" says what the fault is");
    fault.what = what.value_or(Fault::Do::delay);
    fault.every = map.integer("every", 1, kMost).value_or(0);
    fault.offset = map.integer("offset", 0, kMost).value_or(0);
    for (const std::string& n : map.texts("at")) fault.at.insert(std::stoll(n));
    fault.times = map.integer("times", 1, kMost).value_or(0);
    fault.milliseconds = map.integer("milliseconds", 0, 60'000).value_or(0);
    fault.retry_after = map.integer("retry_after", 0, 86'400).value_or(1);
    fault.error_id = map.text("error_id").value_or("");
    map.finish();
    return fault;
}

}  // namespace

std::optional<Scenario> load_scenario(const std::filesystem::path& file, Faults& faults) {
    const auto node = load_yaml(file, faults);
    if (!node) return std::nullopt;
    YamlMap root(*node, file.string(), faults);
    Scenario out;
    for (const YAML::Node& each : root.sequence("faults")) {
        YamlMap map(each, file.string(), faults);
        out.faults.push_back(read_fault(map));
    }
    if (auto middle = root.map("middle_server")) {
        out.unknown_share = middle->integer("unknown_share", 0, 10'000).value_or(0);
        out.slow_share = middle->integer("slow_share", 0, 10'000).value_or(0);
        out.several_share = middle->integer("several_share", 0, 10'000).value_or(0);
        out.slow_attempts = middle->integer("slow_attempts", 1, 100).value_or(2);
        const auto read = [&](const char* key, std::set<std::string>& persons) {
            for (std::string& insured : middle->texts(key)) persons.insert(std::move(insured));
        };
        read("unknown", out.unknown);
        read("known", out.known);
        read("several", out.several);
        read("slow", out.slow);
        read("wrong_number", out.wrong_number);
        middle->finish();
    }
    out.polls = root.integer("polls", 0, 1'000).value_or(1);
    out.shuffle_results = root.boolean("shuffle_results").value_or(false);
    out.result_page = root.integer("result_page", 1, 1'000).value_or(1'000);
    out.omit_every = root.integer("omit_every", 2, 1'000).value_or(0);
    out.unlisted = root.boolean("unlisted").value_or(false);
    out.maintenance = root.boolean("maintenance").value_or(false);
    root.finish();
    if (!faults.empty()) return std::nullopt;
    return out;
}

}  // namespace kaigo::simulator
