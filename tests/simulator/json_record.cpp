#include "simulator/json_record.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>

namespace kaigo::simulator {

namespace json = boost::json;
using spec::Item;
using spec::ItemType;
using spec::Value;

namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

bool read_members(const json::object& object, const std::vector<Item>& items, spec::Arena& arena,
                  Value* values);

bool read_value(const json::value& value, const Item& item, spec::Arena& arena, Value& out) {
    const Value malformed{.kind = Value::Kind::malformed, .text = "type"};
    switch (item.type) {
        case ItemType::object:
            if (!value.is_object()) break;
            out = {.kind = Value::Kind::object, .count = static_cast<std::uint32_t>(item.items.size())};
            out.children = spec::make_values(item.items.size(), arena);
            return read_members(value.as_object(), item.items, arena, out.children);
        case ItemType::array: {
            if (!value.is_array()) break;
            const json::array& elements = value.as_array();
            out = {.kind = Value::Kind::array, .count = static_cast<std::uint32_t>(elements.size())};
            out.children = spec::make_values(elements.size(), arena);
            bool known = true;
            for (std::size_t i = 0; i < elements.size(); ++i)
                known = read_value(elements[i], item.items.front(), arena, out.children[i]) && known;
            return known;
        }
        case ItemType::boolean:
            if (!value.is_bool()) break;
            out = {.kind = Value::Kind::boolean, .number = value.as_bool() ? 1 : 0};
            return true;
        case ItemType::integer:
            if (!value.is_int64()) break;
            out = {.kind = Value::Kind::number, .number = value.as_int64()};
            return true;
        case ItemType::decimal: {
            if (!value.is_number()) break;
            const double scaled = value.to_number<double>() * std::pow(10.0, item.decimals);
            if (std::abs(scaled - std::round(scaled)) > 1e-6) break;
            out = {.kind = Value::Kind::number, .number = std::llround(scaled)};
            return true;
        }
        default:
            if (!value.is_string()) break;
            out = {.kind = Value::Kind::text, .text = arena.copy(view(value.as_string()))};
            return true;
    }
    out = malformed;
    return true;
}

bool read_members(const json::object& object, const std::vector<Item>& items, spec::Arena& arena,
                  Value* values) {
    std::size_t found = 0;
    bool known = true;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const json::value* value = object.if_contains(items[i].key);
        if (value == nullptr) continue;
        ++found;
        known = read_value(*value, items[i], arena, values[i]) && known;
    }
    return known && found == object.size();
}

}  // namespace

bool read_record(const json::object& object, const spec::RecordKind& kind, const WireNames& wire,
                 spec::Arena& arena, spec::Record& out) {
    json::object content = object;
    content.erase(wire.record_id_key);
    content.erase(wire.update_kind_key);
    out = spec::make_record(kind, arena);
    return read_members(content, kind.items, arena, out.items);
}

}  // namespace kaigo::simulator
