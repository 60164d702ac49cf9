#include "spec/spec.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/i18n.h"
#include "base/text.h"
#include "crypto/crypto.h"

namespace kaigo::spec {
namespace {

constexpr Names<ItemType, 11> kTypes = {{
    {ItemType::alphanumeric, "alphanumeric"},
    {ItemType::digits, "digits"},
    {ItemType::text, "text"},
    {ItemType::date, "date"},
    {ItemType::code, "code"},
    {ItemType::boolean, "boolean"},
    {ItemType::integer, "integer"},
    {ItemType::decimal, "decimal"},
    {ItemType::my_number, "my-number"},
    {ItemType::object, "object"},
    {ItemType::array, "array"},
}};

constexpr std::array kPathRoles = {"service_status", "submit", "list", "progress", "results"};
constexpr std::array kKeyRoles = {
    "spec_version",     "request_id",      "mode",          "base_date",       "records",
    "reception_number", "record_count",    "accepted_at",   "duplicate",       "errors",
    "error_code",       "error_text",      "receptions",    "record_kind",     "processing_status",
    "completed_at",     "counts",          "count_total",   "count_succeeded", "count_failed",
    "cursor",           "total",           "results",       "record_id",       "record_status",
    "stored",           "error_id",        "error_message", "person_key",      "service_status",
    "reopens_at",       "completed_after", "limit",         "offset"};
constexpr std::array kValueRoles = {"mode_initial",       "mode_daily",      "processing_accepted",
                                    "processing_running", "processing_done", "processing_done_with_errors",
                                    "processing_aborted", "record_ok",       "record_error",
                                    "service_open"};
constexpr std::array kLimitRoles = {"max_records", "max_bytes", "list_page", "result_page"};
constexpr std::array kValidationFamilies = {"required", "length", "charset", "code", "correlation"};

bool has_exact_width(const Item& item) {
    switch (item.type) {
        case ItemType::alphanumeric:
        case ItemType::digits:
            return item.length > 0;
        case ItemType::date:
        case ItemType::integer:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::optional<std::size_t> RecordKind::item_index(std::string_view key_name) const {
    for (std::size_t i = 0; i < items.size(); ++i)
        if (items[i].key == key_name) return i;
    return std::nullopt;
}

const RecordKind* Specification::kind(std::string_view id) const {
    for (const auto& each : kinds_)
        if (each->id == id) return each.get();
    return nullptr;
}

RecordError Specification::record_error(std::string_view id) const {
    const auto found = errors_.find(id);
    return found != errors_.end() ? found->second : RecordError{std::string(id), "", ErrorClass::unknown};
}

/// Reads one folder into a Specification.
class Loader {
  public:
    Loader(const std::filesystem::path& folder, Faults& faults)
        : folder_(folder), faults_(faults), result_(std::make_unique<Specification>()) {}

    std::unique_ptr<Specification> run() {
        const std::size_t before = faults_.list().size();
        read_root();
        if (faults_.list().size() > before) return nullptr;
        read_codes();
        read_header();
        for (const std::string& id : record_ids_) read_kind(id);
        check_prerequisites();
        read_errors();
        read_endpoints();
        if (faults_.list().size() > before) return nullptr;
        result_->fingerprint_ = sha256_hex(everything_read_).substr(0, 16);
        return std::move(result_);
    }

  private:
    std::optional<YamlMap> open(const std::string& name) {
        const std::filesystem::path path = folder_ / name;
        auto node = load_yaml(path, faults_);
        if (!node) return std::nullopt;
        if (const auto text = read_file(path, 8U << 20)) everything_read_ += name + '\0' + *text;
        return YamlMap(*node, path.string(), faults_);
    }

    /// Checks the notes on where an item, list or entry comes from, and so how far to rely on it. Only people
    /// read them.
    void check_provenance(YamlMap& map) {
        const std::string confidence = map.required_text("confidence");
        if (!confidence.empty() && confidence != "A" && confidence != "B" && confidence != "C")
            map.fault("confidence", tr("confidence is A, B or C"));
        const std::string source = map.required_text("source");
        if (!source.empty() && !sources_.contains(source))
            map.fault("source", tr("source \"{}\" is not listed in specification.yaml", source));
    }

    void read_root() {
        auto root = open("specification.yaml");
        if (!root) return;
        result_->wire_.spec_version = root->required_text("version");
        result_->profile_ = root->required_text("profile");
        if (auto map = root->map("sources"))
            for (const std::string& key : map->keys()) sources_.insert(key);
        if (auto map = root->map("confidence")) map->keys();
        if (auto kinds = root->map("update_kinds")) {
            auto& codes = result_->wire_.update_codes;
            codes[UpdateKind::create] = kinds->required_text("new");
            codes[UpdateKind::update] = kinds->required_text("update");
            codes[UpdateKind::remove] = kinds->required_text("delete");
            kinds->finish();
        } else {
            root->fault(root->self(), tr("\"{}\" is missing", "update_kinds"));
        }
        record_ids_ = root->texts("records");
        if (record_ids_.empty()) root->fault(root->self(), tr("\"{}\" is missing", "records"));
        root->finish();
    }

    void read_codes() {
        auto root = open("codes.yaml");
        if (!root) return;
        for (const std::string& id : root->keys()) {
            auto map = root->map(id);
            if (!map) continue;
            check_provenance(*map);
            auto list = std::make_unique<CodeList>();
            list->id = id;
            list->name = map->required_text("name");
            if (auto values = map->map("values"))
                for (const std::string& code : values->keys())
                    list->values[code] = values->required_text(code);
            if (list->values.empty()) map->fault(map->self(), tr("code list \"{}\" has no values", id));
            map->finish();
            result_->codes_[id] = std::move(list);
        }
    }

    void read_header() {
        auto root = open("records/common.yaml");
        if (!root) return;
        header_nodes_ = root->sequence("header");
        header_file_ = root->file();
        root->finish();
    }

    void read_kind(const std::string& id) {
        auto root = open("records/" + id + ".yaml");
        if (!root) return;
        auto kind = std::make_unique<RecordKind>();
        kind->id = root->required_text("kind");
        if (kind->id != id) root->fault("kind", tr("the file is named {}, the kind {}", id, kind->id));
        kind->name = root->required_text("name");
        check_provenance(*root);
        if (const auto required = root->text("requires")) kind->requires_kind = *required;
        for (const YAML::Node& node : root->sequence("context")) {
            YamlMap map(node, root->file(), faults_);
            kind->context.push_back(map.required_text("key"));
            map.text("name");
            check_provenance(map);
            map.finish();
        }
        read_header_items(*kind);
        read_items(root->sequence("items"), root->file(), kind->items, kind->context, true);
        for (std::size_t i = 0; i < kind->items.size(); ++i)
            if (kind->items[i].type == ItemType::my_number) kind->my_number = i;
        read_key(*root, *kind);
        root->finish();
        result_->kinds_.push_back(std::move(kind));
    }

    /// Header items that are part of the content; recordId and updateKind belong to the sending, not to the
    /// record.
    void read_header_items(RecordKind& kind) {
        std::set<std::string> roles;
        for (const YAML::Node& node : header_nodes_) {
            YamlMap map(node, header_file_, faults_);
            const std::string role = map.required_text("role");
            if (!roles.insert(role).second) map.fault("role", tr("role \"{}\" is given twice", role));
            Item item = read_item(map, {}, true);
            read_rules(map, item, kind.items, {});
            map.finish();
            if (role == "record-id") {
                result_->wire_.record_id_key = item.key;
                continue;
            }
            if (role == "update-kind") {
                result_->wire_.update_kind_key = item.key;
                continue;
            }
            if (role == "insurer")
                kind.insurer = kind.items.size();
            else if (role == "history")
                kind.history = kind.items.size();
            else if (role != "insured")
                map.fault("role", tr("unknown role \"{}\"", role));
            kind.items.push_back(std::move(item));
        }
        for (const char* role : {"record-id", "update-kind", "insurer", "insured", "history"})
            if (!roles.contains(role) && !header_nodes_.empty())
                faults_.add(Fault{header_file_, 0, 0, tr("the header has no item of role \"{}\"", role)});
    }

    void read_key(YamlMap& root, RecordKind& kind) {
        for (const std::string& name : root.texts("key")) {
            const auto index = kind.item_index(name);
            if (!index)
                root.fault("key", tr("key member \"{}\" is not an item", name));
            else if (!has_exact_width(kind.items[*index]))
                root.fault("key", tr("key member \"{}\" has no fixed width", name));
            else
                kind.key.push_back(*index);
        }
        // The ledger groups a person's records by their first bytes.
        if (kind.key.size() < 2 || kind.key[0] != kind.insurer || kind.items[kind.key[1]].length != 10)
            root.fault("key", tr("a key begins with insurerNumber, insuredNumber"));
    }

    void read_items(const std::vector<YAML::Node>& nodes, const std::string& file, std::vector<Item>& out,
                    const std::vector<std::string>& context, bool provenance) {
        struct Pending {
            YamlMap map;
            std::size_t index;
        };
        std::vector<Pending> pending;
        for (const YAML::Node& node : nodes) {
            YamlMap map(node, file, faults_);
            Item item = read_item(map, context, provenance);
            for (const Item& other : out)
                if (other.key == item.key) map.fault("key", tr("item \"{}\" is given twice", item.key));
            out.push_back(std::move(item));
            pending.push_back({std::move(map), out.size() - 1});
        }
        // Rules name siblings, which may stand behind: a second pass.
        for (Pending& each : pending) {
            read_rules(each.map, out[each.index], out, context);
            each.map.finish();
        }
    }

    Item read_item(YamlMap& map, const std::vector<std::string>& context, bool provenance) {
        Item item;
        map.node("role");
        item.key = provenance ? map.required_text("key") : "";
        append_json_string(item.member, item.key);
        item.member += ':';
        item.name = provenance ? map.required_text("name") : "";
        if (provenance) check_provenance(map);
        const auto type = map.parsed(
            "type", [](const std::string& t) { return value_of(kTypes, t); }, tr("unknown item type"));
        if (!map.has("type")) map.fault(map.self(), tr("\"{}\" is missing", "type"));
        item.type = type.value_or(ItemType::text);
        item.length = static_cast<std::size_t>(map.integer("length", 1, 100'000).value_or(0));
        item.max_length = static_cast<std::size_t>(map.integer("max", 1, 100'000).value_or(0));
        item.minimum = map.integer("minimum", 0, 1'000'000'000).value_or(0);
        item.maximum = map.integer("maximum", 0, 1'000'000'000).value_or(0);
        item.decimals = static_cast<int>(map.integer("decimals", 0, 6).value_or(0));
        item.unique = map.boolean("unique").value_or(false);
        if (const auto charset = map.text("charset")) {
            if (*charset == "full-width-kana")
                item.charset = Charset::full_width_kana;
            else
                map.fault("charset", tr("unknown character set"));
        }
        if (const auto check = map.text("check_digit")) {
            if (*check == "insurer-number")
                item.check_digit = CheckDigit::insurer_number;
            else
                map.fault("check_digit", tr("unknown check digit rule"));
        }
        if (const auto severity = map.text("check_digit_severity")) {
            if (*severity == "warning")
                item.check_digit_severity = Severity::warning;
            else if (*severity != "error")
                map.fault("check_digit_severity", tr("severity is warning or error"));
        }
        if (const auto codes = map.text("codes")) {
            const auto found = result_->codes_.find(*codes);
            if (found == result_->codes_.end())
                map.fault("codes", tr("there is no code list \"{}\"", *codes));
            else
                item.codes = found->second.get();
        }
        for (const std::string& code : map.texts("except")) {
            if (item.codes != nullptr && !item.codes->values.contains(code))
                map.fault("except", tr("code \"{}\" is not in its list", code));
            item.except.insert(code);
        }
        if (item.codes != nullptr)
            for (const auto& [code, name] : item.codes->values)
                if (!item.except.contains(code)) item.allowed.add(code, name);
        read_shape(map, item, context);
        return item;
    }

    /// What a type needs, and members of what is nested.
    void read_shape(YamlMap& map, Item& item, const std::vector<std::string>& context) {
        switch (item.type) {
            case ItemType::alphanumeric:
            case ItemType::digits:
            case ItemType::text:
                if ((item.length == 0) == (item.max_length == 0))
                    map.fault(map.self(), tr("this type needs one of \"length\" and \"max\""));
                break;
            case ItemType::code:
                if (!map.has("codes")) map.fault(map.self(), tr("\"{}\" is missing", "codes"));
                break;
            case ItemType::integer:
            case ItemType::decimal:
                if (!map.has("maximum")) map.fault(map.self(), tr("\"{}\" is missing", "maximum"));
                break;
            case ItemType::object:
                read_items(map.sequence("items"), map.file(), item.items, context, true);
                if (item.items.empty()) map.fault(map.self(), tr("\"{}\" is missing", "items"));
                break;
            case ItemType::array:
                if (auto element = map.map("element")) {
                    item.items.push_back(read_item(*element, context, false));
                    element->finish();
                } else {
                    map.fault(map.self(), tr("\"{}\" is missing", "element"));
                }
                break;
            default:
                break;
        }
    }

    void read_rules(YamlMap& map, Item& item, const std::vector<Item>& siblings,
                    const std::vector<std::string>& context) {
        read_requirement(map, item, siblings, context);
        item.not_before = read_bound(map, "not_before", item, siblings);
        item.not_after = read_bound(map, "not_after", item, siblings);
    }

    static std::optional<std::size_t> sibling(const std::vector<Item>& siblings, const std::string& key) {
        for (std::size_t i = 0; i < siblings.size(); ++i)
            if (siblings[i].key == key) return i;
        return std::nullopt;
    }

    void read_requirement(YamlMap& map, Item& item, const std::vector<Item>& siblings,
                          const std::vector<std::string>& context) {
        const auto node = map.node("required");
        if (!node) {
            map.fault(map.self(), tr("\"{}\" is missing", "required"));
            return;
        }
        Requirement& out = item.requirement;
        if (node->IsScalar()) {
            if (node->Scalar() == "always")
                out.when = Requirement::When::always;
            else if (node->Scalar() != "optional")
                map.fault(*node, tr("\"required\" is always, optional or a condition"));
            return;
        }
        YamlMap condition(*node, map.file(), faults_);
        if (const auto name = condition.text("item")) {
            const auto index = sibling(siblings, *name);
            if (!index) condition.fault("item", tr("there is no item \"{}\" beside this one", *name));
            out.index = index.value_or(0);
            out.when =
                condition.has("present") ? Requirement::When::item_present : Requirement::When::item_in;
            if (condition.has("present") && condition.boolean("present") != true)
                condition.fault("present", tr("only \"present: true\" is known"));
            check_condition_codes(condition, index ? &siblings[*index] : nullptr, out);
        } else if (const auto context_name = condition.text("context")) {
            const auto found = std::find(context.begin(), context.end(), *context_name);
            if (found == context.end())
                condition.fault("context", tr("there is no context item \"{}\"", *context_name));
            out.index = static_cast<std::size_t>(found - context.begin());
            out.when = Requirement::When::context_in;
            check_condition_codes(condition, nullptr, out);
        } else {
            condition.fault(condition.self(), tr("a condition names an item or a context item"));
        }
        condition.finish();
    }

    static void check_condition_codes(YamlMap& condition, const Item* named, Requirement& out) {
        for (const std::string& value : condition.texts("in")) {
            if (named != nullptr && named->codes != nullptr && !named->codes->values.contains(value))
                condition.fault("in", tr("code \"{}\" is not in its list", value));
            out.values.insert(value);
        }
        if (out.when != Requirement::When::item_present && out.values.empty())
            condition.fault(condition.self(), tr("\"{}\" is missing", "in"));
    }

    std::optional<DateBound> read_bound(YamlMap& map, const std::string& key, const Item& item,
                                        const std::vector<Item>& siblings) {
        const auto name = map.text(key);
        if (!name) return std::nullopt;
        if (item.type != ItemType::date) map.fault(key, tr("only a date can have this rule"));
        if (*name == "today") return DateBound{true, 0};
        const auto index = sibling(siblings, *name);
        if (!index || siblings[*index].type != ItemType::date) {
            map.fault(key, tr("there is no date \"{}\" beside this one", *name));
            return std::nullopt;
        }
        return DateBound{false, *index};
    }

    void check_prerequisites() {
        for (std::size_t i = 0; i < result_->kinds_.size(); ++i) {
            const RecordKind& kind = *result_->kinds_[i];
            if (!kind.requires_kind) continue;
            const bool before =
                std::any_of(result_->kinds_.begin(), result_->kinds_.begin() + static_cast<long>(i),
                            [&](const auto& other) { return other->id == *kind.requires_kind; });
            if (!before)
                faults_.add(
                    Fault{(folder_ / "specification.yaml").string(), 0, 0,
                          tr("{} must stand behind {}, which it requires", kind.id, *kind.requires_kind)});
        }
    }

    void read_errors() {
        auto root = open("errors.yaml");
        if (!root) return;
        for (const YAML::Node& node : root->sequence("records")) {
            YamlMap map(node, root->file(), faults_);
            RecordError entry;
            entry.id = map.required_text("id");
            entry.meaning = map.required_text("meaning");
            const auto error_class = map.parsed(
                "class", [](const std::string& t) { return value_of(kErrorClassNames, t); },
                tr("unknown class"));
            entry.error_class = error_class.value_or(ErrorClass::unknown);
            map.boolean("stored");
            check_provenance(map);
            map.finish();
            if (!result_->errors_.emplace(entry.id, entry).second)
                map.fault("id", tr("error \"{}\" is given twice", entry.id));
        }
        for (const YAML::Node& node : root->sequence("requests")) {
            YamlMap map(node, root->file(), faults_);
            const std::string id = map.required_text("id");
            map.required_text("meaning");
            const auto error_class = map.parsed(
                "class", [](const std::string& t) { return value_of(kRequestErrorClassNames, t); },
                tr("unknown class"));
            check_provenance(map);
            map.finish();
            if (!result_->wire_.request_errors.emplace(id, error_class.value_or(RequestErrorClass::unknown))
                     .second)
                map.fault("id", tr("error \"{}\" is given twice", id));
        }
        if (auto validation = root->map("validation")) {
            for (const char* family : kValidationFamilies) {
                const std::string id = validation->required_text(family);
                if (!id.empty() && !result_->errors_.contains(id))
                    validation->fault(family, tr("error \"{}\" is not in the catalogue", id));
                result_->validation_[family] = id;
            }
            validation->finish();
        } else {
            root->fault(root->self(), tr("\"{}\" is missing", "validation"));
        }
        root->finish();
    }

    template <class Roles>
    void read_roles(YamlMap& root, const std::string& section, const Roles& roles,
                    std::map<std::string, std::string>& out) {
        auto map = root.map(section);
        if (!map) {
            root.fault(root.self(), tr("\"{}\" is missing", section));
            return;
        }
        for (const char* role : roles) out[role] = map->required_text(role);
        map->finish();
    }

    void read_endpoints() {
        auto root = open("endpoints.yaml");
        if (!root) return;
        check_provenance(*root);
        WireNames& wire = result_->wire_;
        read_roles(*root, "paths", kPathRoles, wire.paths);
        read_roles(*root, "keys", kKeyRoles, wire.keys);
        read_roles(*root, "values", kValueRoles, wire.values);
        if (auto limits = root->map("limits")) {
            for (const char* role : kLimitRoles) {
                if (!limits->has(role)) limits->fault(limits->self(), tr("\"{}\" is missing", role));
                wire.limits[role] = limits->integer(role, 1, 1LL << 40).value_or(1);
            }
            limits->finish();
        } else {
            root->fault(root->self(), tr("\"{}\" is missing", "limits"));
        }
        root->finish();
    }

    std::filesystem::path folder_;
    Faults& faults_;
    std::unique_ptr<Specification> result_;
    std::set<std::string> sources_;
    std::vector<std::string> record_ids_;
    std::vector<YAML::Node> header_nodes_;
    std::string header_file_;
    std::string everything_read_;
};

std::unique_ptr<Specification> Specification::load(const std::filesystem::path& folder, Faults& faults) {
    return Loader(folder, faults).run();
}

}  // namespace kaigo::spec
