#include "spec/presence.h"

namespace kaigo::spec {

Presence::Presence(const RecordKind& kind) : kind_(&kind) {
    name_items(kind.items, "");
    counts_.resize(paths_.size());
}

void Presence::name_items(const std::vector<Item>& items, const std::string& path) {
    for (const Item& item : items) {
        paths_.push_back(path + item.key);
        optional_.push_back(item.requirement.when != Requirement::When::always);
        if (item.type == ItemType::object) name_items(item.items, path + item.key + ".");
    }
}

void Presence::take(const Record& record) {
    std::size_t at = 0;
    take(kind_->items, record.items, at);
}

void Presence::take(const std::vector<Item>& items, const Value* values, std::size_t& at) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Value* value = values == nullptr ? nullptr : &values[i];
        const bool empty_list = value != nullptr && value->kind == Value::Kind::array && value->count == 0;
        if (value != nullptr && value->present() && !empty_list) ++counts_[at];
        ++at;
        if (items[i].type != ItemType::object) continue;
        const bool object = value != nullptr && value->kind == Value::Kind::object;
        take(items[i].items, object ? value->children : nullptr, at);
    }
}

std::map<std::string, std::int64_t> Presence::by_path() const {
    std::map<std::string, std::int64_t> out;
    for (std::size_t i = 0; i < paths_.size(); ++i)
        if (optional_[i]) out[paths_[i]] = counts_[i];
    return out;
}

}  // namespace kaigo::spec
