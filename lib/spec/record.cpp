#include "spec/record.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/i18n.h"
#include "base/text.h"
#include "crypto/crypto.h"

namespace kaigo::spec {
namespace {

constexpr std::size_t kBlock = 64U << 10;
constexpr std::size_t kIntegerWidth = 4;
constexpr std::size_t kDateWidth = 10;

void append_value(std::string& out, const Item& item, const Value& value);

void append_members(std::string& out, const std::vector<Item>& items, const Value* values) {
    out.push_back('{');
    bool first = true;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!values[i].present()) continue;
        if (!first) out.push_back(',');
        first = false;
        out += items[i].member;
        append_value(out, items[i], values[i]);
    }
    out.push_back('}');
}

void append_decimal(std::string& out, std::int64_t scaled, int decimals) {
    std::int64_t unit = 1;
    for (int i = 0; i < decimals; ++i) unit *= 10;
    char digits[24];
    const auto append = [&](std::int64_t number, std::size_t width) {
        const char* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        const auto size = static_cast<std::size_t>(end - digits);
        out.append(width > size ? width - size : 0, '0').append(digits, size);
    };
    append(scaled / unit, 0);
    if (decimals == 0) return;
    out.push_back('.');
    append(scaled % unit, static_cast<std::size_t>(decimals));
}

void append_value(std::string& out, const Item& item, const Value& value) {
    switch (value.kind) {
        case Value::Kind::text:
            append_json_string(out, value.text);
            break;
        case Value::Kind::number:
            append_decimal(out, value.number, item.type == ItemType::decimal ? item.decimals : 0);
            break;
        case Value::Kind::boolean:
            out += value.number != 0 ? "true" : "false";
            break;
        case Value::Kind::object:
            append_members(out, item.items, value.children);
            break;
        case Value::Kind::array:
            out.push_back('[');
            for (std::uint32_t i = 0; i < value.count; ++i) {
                if (i > 0) out.push_back(',');
                append_value(out, item.items.front(), value.children[i]);
            }
            out.push_back(']');
            break;
        case Value::Kind::absent:
        case Value::Kind::malformed:
            out += "null";
            break;
    }
}

std::size_t key_width(const Item& item) {
    if (item.type == ItemType::integer) return kIntegerWidth;
    return item.type == ItemType::date ? kDateWidth : item.length;
}

std::int64_t big_endian(std::string_view bytes) {
    std::int64_t value = 0;
    for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
    return value;
}

/// Calls `visit(item, bytes)` for each member of a key behind the insurer's number.
template <class Visit>
void for_each_key_member(const RecordKind& kind, std::string_view key, Visit visit) {
    for (std::size_t i = 1; i < kind.key.size(); ++i) {
        const Item& item = kind.items[kind.key[i]];
        visit(item, key.substr(0, key_width(item)));
        key.remove_prefix(std::min(key.size(), key_width(item)));
    }
}

}  // namespace

void* Arena::allocate(std::size_t size) {
    size = (size + 15) & ~std::size_t{15};
    while (current_ < blocks_.size() && blocks_[current_].used + size > blocks_[current_].size) ++current_;
    if (current_ == blocks_.size()) {
        const std::size_t block = std::max(size, kBlock);
        blocks_.push_back({std::make_unique<std::byte[]>(block), block, 0});
    }
    Block& block = blocks_[current_];
    void* out = block.bytes.get() + block.used;
    block.used += size;
    return out;
}

std::string_view Arena::copy(std::string_view text) {
    if (text.empty()) return "";
    auto* out = static_cast<char*>(allocate(text.size()));
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
}

void Arena::reset() {
    for (Block& block : blocks_) {
        SecretBytes::wipe(block.bytes.get(), block.used);
        block.used = 0;
    }
    current_ = 0;
}

Value* make_values(std::size_t count, Arena& arena) {
    auto* values = static_cast<Value*>(arena.allocate(count * sizeof(Value)));
    std::uninitialized_value_construct_n(values, count);
    return values;
}

Record make_record(const RecordKind& kind, Arena& arena) {
    return {&kind, make_values(kind.items.size(), arena), make_values(kind.context.size(), arena)};
}

void append_canonical(std::string& out, const Record& record) {
    append_members(out, record.kind->items, record.items);
}

bool append_key(std::string& out, const Record& record) {
    for (std::size_t i = 1; i < record.kind->key.size(); ++i) {
        const std::size_t index = record.kind->key[i];
        const Item& item = record.kind->items[index];
        const Value& value = record.items[index];
        if (item.type == ItemType::integer) {
            if (value.kind != Value::Kind::number || value.number < 0 || value.number > 0xFFFFFFFFLL)
                return false;
            for (int shift = 24; shift >= 0; shift -= 8)
                out.push_back(static_cast<char>((value.number >> shift) & 0xFF));
        } else {
            if (value.kind != Value::Kind::text || value.text.size() != key_width(item)) return false;
            out += value.text;
        }
    }
    return true;
}

void append_deletion(std::string& out, const RecordKind& kind, std::string_view insurer, std::string_view key,
                     std::int64_t history) {
    Arena arena;
    const Record record = make_record(kind, arena);
    record.items[kind.insurer] = {.kind = Value::Kind::text, .text = insurer};
    record.items[kind.history] = {.kind = Value::Kind::number, .number = history};
    for_each_key_member(kind, key, [&](const Item& item, std::string_view bytes) {
        Value& value = record.items[static_cast<std::size_t>(&item - kind.items.data())];
        if (item.type == ItemType::integer)
            value = {.kind = Value::Kind::number, .number = big_endian(bytes)};
        else
            value = {.kind = Value::Kind::text, .text = bytes};
    });
    append_canonical(out, record);
}

std::string describe_key(const RecordKind& kind, std::string_view key) {
    std::string out;
    for_each_key_member(kind, key, [&](const Item& item, std::string_view bytes) {
        if (!out.empty()) out += ' ';
        out += item.type == ItemType::integer ? std::to_string(big_endian(bytes)) : std::string(bytes);
    });
    return out;
}

}  // namespace kaigo::spec
