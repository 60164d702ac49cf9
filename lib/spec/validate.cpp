#include "spec/validate.h"

#include <algorithm>

#include "base/text.h"

namespace kaigo::spec {
namespace {

bool fulfilled(const Requirement& rule, const Value* siblings, const Record& record, bool has_context) {
    switch (rule.when) {
        case Requirement::When::always:
            return true;
        case Requirement::When::never:
            return false;
        case Requirement::When::item_present:
            return siblings[rule.index].present();
        case Requirement::When::item_in:
            return siblings[rule.index].kind == Value::Kind::text &&
                   rule.values.contains(siblings[rule.index].text);
        case Requirement::When::context_in:
            return has_context && record.context[rule.index].kind == Value::Kind::text &&
                   rule.values.contains(record.context[rule.index].text);
    }
    return false;
}

/// Walks one record; the path is built only when there is something to say.
class Walk {
  public:
    Walk(const Record& record, const ValidationSettings& settings, std::vector<Finding>& findings)
        : record_(record), settings_(settings), findings_(findings), today_(settings.today.iso()) {}

    void members(const std::vector<Item>& items, const Value* values) {
        for (std::size_t i = 0; i < items.size(); ++i) {
            path_.push_back(&items[i]);
            if (values[i].present())
                value(items[i], values[i], values);
            else if (fulfilled(items[i].requirement, values, record_, settings_.has_context))
                report(items[i].type == ItemType::my_number ? kMyNumberMissing : "required", "required");
            path_.pop_back();
        }
    }

    void single(const Item& item, const Value& v) {
        path_.push_back(&item);
        value(item, v, nullptr);
        path_.pop_back();
    }

  private:
    /// Shows the value only if its kind is all that it says about a person: codes, numbers, yes or no.
    void report_value(const Item& item, std::string_view rule, std::string_view family,
                      std::string_view raw) {
        constexpr std::size_t kLongest = 10;  // a マイナンバー has 12
        report(rule, family);
        const bool shown = item.type == ItemType::code || item.type == ItemType::integer ||
                           item.type == ItemType::decimal || item.type == ItemType::boolean;
        const TextScan scan = scan_text(raw);
        if (shown && raw.size() <= kLongest && scan.well_formed && !scan.control)
            findings_.back().value = raw;
    }

    void report(std::string_view rule, std::string_view family, Severity severity = Severity::error) {
        std::string path;
        for (const Item* item : path_) {
            if (item->key.empty()) continue;
            if (!path.empty()) path += '.';
            path += item->key;
        }
        findings_.push_back({std::move(path), rule, family, severity, {}});
    }

    void value(const Item& item, const Value& v, const Value* siblings) {
        if (v.kind == Value::Kind::malformed) {
            // An array's value is that of one of its elements.
            const Item& meant = item.type == ItemType::array ? item.items.front() : item;
            return report_value(meant, v.text, "charset",
                                v.count > 0 ? v.children[0].text : std::string_view());
        }
        switch (item.type) {
            case ItemType::object:
                if (v.kind != Value::Kind::object) return report("type", "charset");
                return members(item.items, v.children);
            case ItemType::array:
                return array(item, v);
            case ItemType::integer:
            case ItemType::decimal:
                return number(item, v);
            case ItemType::boolean:
                if (v.kind != Value::Kind::boolean) report("type", "charset");
                return;
            default:
                break;
        }
        if (v.kind != Value::Kind::text) return report("type", "charset");
        if (v.text.empty()) return report("empty", "required");
        switch (item.type) {
            case ItemType::date:
                return date(item, v, siblings);
            case ItemType::code:
                if (!item.allowed.contains(v.text)) report_value(item, "code", "code", v.text);
                return;
            case ItemType::my_number:
                return my_number(v);
            default:
                return text(item, v);
        }
    }

    void array(const Item& item, const Value& v) {
        if (v.kind != Value::Kind::array) return report("type", "charset");
        const bool too_few = v.count < item.minimum;
        const bool too_many = item.maximum > 0 && v.count > item.maximum;
        if (too_few || too_many) report("range", "length");
        const Item& element = item.items.front();
        for (std::uint32_t i = 0; i < v.count; ++i) {
            if (!v.children[i].present()) {
                report("empty", "required");
                continue;
            }
            value(element, v.children[i], nullptr);
            if (item.unique && v.children[i].kind == Value::Kind::text)
                for (std::uint32_t j = 0; j < i; ++j)
                    if (v.children[j].text == v.children[i].text) report("unique", "correlation");
        }
    }

    void number(const Item& item, const Value& v) {
        if (v.kind != Value::Kind::number) return report("type", "charset");
        std::int64_t unit = 1;
        for (int i = 0; item.type == ItemType::decimal && i < item.decimals; ++i) unit *= 10;
        if (v.number < item.minimum * unit || v.number > item.maximum * unit) report("range", "length");
    }

    void date(const Item& item, const Value& v, const Value* siblings) {
        const auto parsed = Date::parse_iso(v.text);
        if (!parsed) return report("type", "charset");
        // ISO dates compare as text. A sibling that is no date has a finding of its own.
        const auto bound = [&](const DateBound& b) -> std::string_view {
            if (b.today) return today_;
            if (siblings == nullptr || siblings[b.index].kind != Value::Kind::text) return {};
            return siblings[b.index].text;
        };
        if (item.not_before)
            if (const auto limit = bound(*item.not_before); !limit.empty() && v.text < limit)
                report("order", "correlation");
        if (item.not_after)
            if (const auto limit = bound(*item.not_after); !limit.empty() && v.text > limit)
                report("order", "correlation");
    }

    void my_number(const Value& v) {
        if (v.text.size() != 12) return report("length", "length");
        if (!is_digits(v.text)) return report("charset", "charset");
        if (!my_number_check_digit_ok(v.text, settings_.my_number_check))
            report("check-digit", "correlation");
    }

    void text(const Item& item, const Value& v) {
        const TextScan scan = scan_text(v.text);
        if (!scan.well_formed) return report("encoding", "charset");
        if (item.length > 0 ? scan.characters != item.length : scan.characters > item.max_length)
            report("length", "length");
        if (item.type == ItemType::digits) {
            if (!is_digits(v.text)) return report("charset", "charset");
        } else if (item.type == ItemType::alphanumeric) {
            if (!is_alphanumeric(v.text)) return report("charset", "charset");
        } else {
            if (scan.control) report("control", "charset");
            if (!scan.normalized) report("encoding", "charset");
            if (scan.suspicious) report("suspicious", "charset", Severity::warning);
            if (item.charset == Charset::full_width_kana && !is_full_width_kana(v.text))
                report("charset", "charset");
        }
        if (item.check_digit == CheckDigit::insurer_number && !insurer_number_check_digit_ok(v.text))
            report("check-digit", "correlation", item.check_digit_severity);
    }

    const Record& record_;
    const ValidationSettings& settings_;
    std::vector<Finding>& findings_;
    std::string today_;
    std::vector<const Item*> path_;
};

}  // namespace

void validate_value(const Item& item, const Value& value, const ValidationSettings& settings,
                    std::vector<Finding>& findings) {
    const Record none;
    Walk(none, settings, findings).single(item, value);
}

void validate(const Record& record, const ValidationSettings& settings, std::vector<Finding>& findings) {
    Walk(record, settings, findings).members(record.kind->items, record.items);
}

}  // namespace kaigo::spec
