#include "spec/presence.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using spec::Value;

TEST_CASE(
    "items that a record may lack are counted by their path, empty lists and absent objects as not there") {
    const auto& kind = *test::specification().kind("care-certifications");
    spec::Presence presence(kind);
    spec::Arena arena;
    const auto survey_at = *kind.item_index("survey");
    const auto& members = kind.items[survey_at].items;
    const auto remarks_at = static_cast<std::size_t>(
        std::find_if(members.begin(), members.end(), [](const auto& item) { return item.key == "remarks"; }) -
        members.begin());
    const auto take = [&](bool survey, std::uint32_t remarks) {
        spec::Record record = spec::make_record(kind, arena);
        if (survey) {
            Value& object = record.items[survey_at];
            object = {.kind = Value::Kind::object, .count = static_cast<std::uint32_t>(members.size())};
            object.children = spec::make_values(members.size(), arena);
            object.children[remarks_at] = {.kind = Value::Kind::array, .count = remarks};
        }
        presence.take(record);
    };
    take(true, 2);
    take(true, 0);
    take(false, 0);
    const auto counts = presence.by_path();
    CHECK(counts.at("survey") == 2);
    CHECK(counts.at("survey.remarks") == 1);
    CHECK(counts.at("doctorOpinion.outlook") == 0);
    CHECK_FALSE(counts.contains("applicationDate"));
}
