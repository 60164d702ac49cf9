#include "mapping/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/files.h"
#include "base/i18n.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "mapping/evidence.h"
#include "spec/validate.h"

namespace kaigo::mapping {

using spec::Item;
using spec::ItemType;

namespace {

constexpr Names<DateForm, 3> kDateForms = {{
    {DateForm::iso, "iso"},
    {DateForm::compact, "compact"},
    {DateForm::wareki, "wareki"},
}};

const Item& any_text() {
    static const Item item = [] {
        Item out;
        out.max_length = std::numeric_limits<std::size_t>::max();
        return out;
    }();
    return item;
}

const Item& any_date() {
    static const Item item = [] {
        Item out;
        out.type = ItemType::date;
        return out;
    }();
    return item;
}

/// The lines of a file, for what YAML does not tell of a value's place.
std::string_view line_of(std::string_view text, int number) {
    for (; number > 0; --number) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find('\n'));
}

/// Inputs of the consent rules, in the order in which the reader takes them.
constexpr std::array kApplicationInputs = {"appliedOn", "consented", "form", "withdrawnOn", "validTo"};
constexpr std::size_t kFormInput = 2;
constexpr std::array kOutsideInputs = {"act", "actedOn"};

}  // namespace

class PlanLoader {
  public:
    PlanLoader(const std::filesystem::path& file, const spec::Specification& specification, Faults& faults)
        : specification_(specification), faults_(faults), plan_(std::make_unique<Plan>()) {
        plan_->file_ = file.string();
    }

    std::unique_ptr<Plan> run(const std::string& text) {
        const std::size_t before = faults_.list().size();
        text_ = text;
        const auto node = parse_yaml(text, plan_->file_, faults_);
        if (!node) return nullptr;
        YamlMap root(*node, plan_->file_, faults_);
        root.required_text("mapping");
        const std::string version = root.required_text("interface_spec");
        if (!version.empty() && version != specification_.wire().spec_version)
            root.fault("interface_spec", tr("this mapping is for {}, the specification is {}", version,
                                            specification_.wire().spec_version));
        if (auto tables = root.map("codes"))
            for (const std::string& name : tables->keys())
                if (auto table = tables->map(name)) tables_[name] = read_codes(*table);
        if (auto records = root.map("records")) {
            for (const std::string& id : records->keys())
                if (auto map = records->map(id)) read_kind(id, *map);
        } else {
            root.fault(root.self(), tr("\"{}\" is missing", "records"));
        }
        if (auto evidence = root.map("evidence")) {
            plan_->evidence_ = std::make_unique<KindPlan>();
            plan_->evidence_->kind = &evidence_kind();
            plan_->evidence_->query.title = "evidence";
            read_rows_of(*evidence, *plan_->evidence_);
            check_evidence(*evidence, *plan_->evidence_);
        }
        root.finish();
        if (faults_.list().size() > before) return nullptr;
        plan_->fingerprint_ = sha256_hex(text).substr(0, 16);
        return std::move(plan_);
    }

  private:
    static CodeTable read_codes(YamlMap& map) {
        CodeTable codes;
        for (const std::string& from : map.keys())
            if (const auto to = map.text(from)) codes.add(from, *to);
        return codes;
    }

    void read_kind(const std::string& id, YamlMap& map) {
        auto kind = std::make_unique<KindPlan>();
        kind->kind = specification_.kind(id);
        if (kind->kind == nullptr) {
            map.fault(map.self(), tr("the specification has no record kind \"{}\"", id));
            return;
        }
        kind->query.title = id;
        read_rows_of(map, *kind);
        plan_->kinds_.push_back(std::move(kind));
    }

    /// The query, and how its columns become items.
    void read_rows_of(YamlMap& map, KindPlan& kind) {
        read_query(map, kind.query);
        if (const auto order = map.text("order")) {
            if (*order == "sort")
                kind.sort = true;
            else if (*order != "ascending")
                map.fault("order", tr("order is ascending or sort"));
        }
        used_children_.clear();
        auto children = map.map("children");
        if (children) {
            const auto names = children->keys();
            kind.children.reserve(names.size());  // uses_ holds pointers into it
            for (const std::string& name : names)
                if (auto child = children->map(name)) read_child(name, *child, kind);
        }
        if (auto owned = map.map("platform_owned")) kind.platform_owned = read_condition(*owned, kind.query);
        if (kind.platform_owned) use_condition(map, "platform_owned", kind.query, *kind.platform_owned);
        read_items(map, kind);
        read_context(map, kind);
        if (children)
            for (const Child& child : kind.children)
                if (!used_children_.contains(child.name))
                    children->fault(child.name, tr("no \"rows\" uses this query: none of it would be sent"));
        map.finish();
    }

    /// Enrolment is one of the three words that the cases know; the source's own codes need a table.
    void check_evidence(YamlMap& map, const KindPlan& plan) {
        const auto& items = plan.items;
        if (items.size() <= kEnrolment) return;  // its items are at fault already
        const auto* enrolment = items[kEnrolment].get();
        if (enrolment == nullptr) return;
        if (!enrolment->conversion.codes) {
            map.fault("items",
                      tr("\"enrolment\" needs \"codes\": to enrolled, not-enrolled or unconfirmable"));
            return;
        }
        enrolment->conversion.codes->for_each_meaning([&](const std::string& to) {
            if (to != registration::fact::kEnrolled && to != registration::fact::kNotEnrolled &&
                to != registration::fact::kUnconfirmable)
                map.fault("items",
                          tr("\"enrolment\" needs \"codes\": to enrolled, not-enrolled or unconfirmable"));
        });
    }

    /// A text behind "|" keeps its lines, so that a place in the text can be traced to a place in the file.
    Place place_of_text(const YAML::Node& node) const {
        const YAML::Mark mark = node.Mark();
        const std::string_view head = line_of(text_, mark.line);
        const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
        if (column >= head.size() || head[column] != '|') return {mark, std::nullopt};
        for (int line = mark.line + 1;; ++line) {
            const std::string_view content = line_of(text_, line);
            const std::size_t begin = content.find_first_not_of(" \r");
            if (begin != std::string_view::npos) return {mark, static_cast<int>(begin)};
            if (content.data() == nullptr) return {mark, std::nullopt};
        }
    }

    void read_query(YamlMap& map, Query& query) {
        query.place = {map.self().Mark(), std::nullopt};
        if (map.has("select") == map.has("table")) {
            map.fault(map.self(), tr("give one of \"select\" and \"table\""));
            map.node("select");
            map.node("table");
            return;
        }
        if (auto select = map.text("select")) {
            query.sql = *select;
            query.place = place_of_text(*map.node("select"));
            return;
        }
        const auto quoted = [](const std::string& name) {
            std::string out = "\"";
            for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
            return out + "\"";
        };
        const auto join = [&](const std::vector<std::string>& names) {
            std::string out;
            for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted(name);
            return out;
        };
        query.sql = fmt::format("SELECT {} FROM {} WHERE {} = :insurer ORDER BY {}",
                                join(map.texts("columns")), quoted(map.required_text("table")),
                                quoted(map.required_text("insurer_column")), join(map.texts("order_by")));
    }

    void read_child(const std::string& name, YamlMap& map, KindPlan& kind) {
        Child& child = kind.children.emplace_back();
        child.name = name;
        child.query.title = kind.query.title + "/" + name;
        read_query(map, child.query);
        const auto key = map.texts("key");
        const auto parent = map.has("parent") ? map.texts("parent") : key;
        if (key.empty() || key.size() != parent.size())
            map.fault(map.self(), tr("\"key\" and \"parent\" name the same number of columns"));
        child.key.resize(key.size());
        child.parent.resize(parent.size());
        for (std::size_t i = 0; i < key.size(); ++i) {
            use(child.query, key[i], child.key[i], map.self());
            if (i < parent.size()) use(kind.query, parent[i], child.parent[i], map.self());
        }
        const auto order = map.texts("order_by");
        child.order.resize(order.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            use(child.query, order[i], child.order[i], *map.node("order_by"));
        map.finish();
    }

    void read_items(YamlMap& map, KindPlan& kind) {
        auto items = map.map("items");
        if (!items) {
            map.fault(map.self(), tr("\"{}\" is missing", "items"));
            return;
        }
        kind.items = read_members(*items, kind.kind->items, kind, kind.query);
    }

    void read_context(YamlMap& map, KindPlan& kind) {
        kind.context.resize(kind.kind->context.size());
        auto context = map.map("context");
        for (std::size_t i = 0; i < kind.context.size(); ++i) {
            const std::string& key = kind.kind->context[i];
            const auto node = context ? context->node(key) : std::nullopt;
            if (!node) {
                map.fault(map.self(), tr("context item \"{}\" is not mapped", key));
                continue;
            }
            kind.context[i] = read_expression(*node, any_text(), kind, kind.query);
        }
        if (context) context->finish();
    }

    std::vector<std::unique_ptr<Expression>> read_members(YamlMap& map, const std::vector<Item>& items,
                                                          KindPlan& kind, Query& query) {
        std::vector<std::unique_ptr<Expression>> out(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (const auto node = map.node(items[i].key))
                out[i] = read_expression(*node, items[i], kind, query);
            else if (items[i].requirement.when == spec::Requirement::When::always)
                map.fault(map.self(),
                          tr("required item \"{}\" ({}) is not mapped", items[i].key, items[i].name));
        }
        map.finish();
        return out;
    }

    std::unique_ptr<Expression> read_expression(const YAML::Node& node, const Item& item, KindPlan& kind,
                                                Query& query) {
        YamlMap map(node, plan_->file_, faults_);
        auto out = std::make_unique<Expression>();
        if (map.has("when")) {
            if (auto when = map.map("when")) {
                out->when = read_condition(*when, query);
                use_condition(map, "when", query, *out->when);
            }
        }
        if (const auto otherwise = map.node("otherwise")) {
            if (!out->when) map.fault("otherwise", tr("\"otherwise\" needs \"when\""));
            out->otherwise = read_expression(*otherwise, item, kind, query);
        }
        read_source(map, *out, item, kind, query);
        read_conversions(map, *out, item);
        map.finish();
        return out;
    }

    void read_source(YamlMap& map, Expression& out, const Item& item, KindPlan& kind, Query& query) {
        int sources = 0;
        const auto chosen = [&](const char* key) {
            if (!map.has(key)) return false;
            ++sources;
            return true;
        };
        if (chosen("column")) {
            out.source = Expression::Source::column;
            if (const auto name = map.text("column")) use(query, *name, out.column, *map.node("column"));
        }
        if (chosen("constant")) {
            out.source = Expression::Source::constant;
            out.constant = map.required_text("constant");
        }
        if (chosen("object")) {
            out.source = Expression::Source::object;
            if (auto members = map.map("object"); members && expect(map, item, ItemType::object))
                out.members = read_members(*members, item.items, kind, query);
        }
        if (chosen("list")) {
            out.source = Expression::Source::list;
            const auto elements = map.sequence("list");
            if (expect(map, item, ItemType::array))
                for (const YAML::Node& element : elements)
                    out.members.push_back(read_expression(element, item.items.front(), kind, query));
        }
        if (chosen("flags")) read_flags(map, out, item, query);
        if (chosen("split")) {
            out.source = Expression::Source::split;
            expect(map, item, ItemType::array);
            if (const auto name = map.text("split")) use(query, *name, out.column, *map.node("split"));
            out.separator = map.text("separator").value_or("");
        }
        if (chosen("rows")) read_rows(map, out, item, kind);
        if (chosen("derive")) read_derived(map, out, item, kind, query);
        if (sources != 1)
            map.fault(map.self(),
                      tr("give one of column, constant, object, list, flags, split, rows, derive"));
    }

    void read_flags(YamlMap& map, Expression& out, const Item& item, Query& query) {
        out.source = Expression::Source::flags;
        out.flag_set = map.text("set").value_or("1");
        out.flag_unset = map.has("unset") ? map.texts("unset") : std::vector<std::string>{"0"};
        if (std::ranges::find(out.flag_unset, out.flag_set) != out.flag_unset.end())
            map.fault("unset", tr("\"{}\" cannot be both set and unset", out.flag_set));
        auto flags = map.map("flags");
        if (!flags || !expect(map, item, ItemType::array)) return;
        const Item& element = item.items.front();
        const auto codes = flags->keys();
        out.flags.reserve(codes.size());
        for (const std::string& code : codes) {
            if (element.codes != nullptr && !element.codes->values.contains(code))
                flags->fault(code, tr("code \"{}\" is not in its list", code));
            out.flags.emplace_back(code, 0);
            use(query, flags->required_text(code), out.flags.back().second, *flags->node(code));
        }
    }

    void read_rows(YamlMap& map, Expression& out, const Item& item, KindPlan& kind) {
        out.source = Expression::Source::rows;
        const std::string name = map.required_text("rows");
        const auto each = map.node("each");
        bool found = false;
        for (std::size_t i = 0; i < kind.children.size(); ++i) {
            if (kind.children[i].name != name) continue;
            found = true;
            out.child = i;
            used_children_.insert(name);
            if (each && expect(map, item, ItemType::array))
                out.members.push_back(
                    read_expression(*each, item.items.front(), kind, kind.children[i].query));
        }
        if (!found) map.fault("rows", tr("there is no child query \"{}\"", name));
        if (!each) map.fault(map.self(), tr("\"{}\" is missing", "each"));
    }

    template <class Inputs>
    void read_inputs(YamlMap& map, Expression& out, const Inputs& inputs, KindPlan& kind, Query& query) {
        auto from = map.map("from");
        if (!from) {
            map.fault(map.self(), tr("\"{}\" is missing", "from"));
            return;
        }
        for (const char* name : inputs) {
            const std::string input = name;
            const bool date = input.ends_with("On") || input.ends_with("To");
            const auto node = from->node(input);
            out.members.push_back(node ? read_expression(*node, date ? any_date() : any_text(), kind, query)
                                       : nullptr);
        }
        from->finish();
    }

    void read_derived(YamlMap& map, Expression& out, const Item& item, KindPlan& kind, Query& query) {
        const std::string rule = map.required_text("derive");
        if (rule == "consent-on-application") {
            out.source = Expression::Source::consent_on_application;
            if (expect(map, item, ItemType::boolean)) {
                read_inputs(map, out, kApplicationInputs, kind, query);
                const bool form = out.members.size() > kFormInput && out.members[kFormInput] != nullptr;
                kind.consent_on_application = true;
                kind.knows_form = kind.knows_form && form;
            }
        } else if (rule == "consent-outside-application") {
            out.source = Expression::Source::consent_outside_application;
            if (expect(map, item, ItemType::code)) read_inputs(map, out, kOutsideInputs, kind, query);
            if (!map.has("codes")) map.fault(map.self(), tr("\"{}\" is missing", "codes"));
        } else {
            map.fault("derive", tr("unknown rule \"{}\"", rule));
        }
    }

    /// A conversion without effect is a fault: whoever wrote it believes that it has one.
    void read_conversions(YamlMap& map, Expression& out, const Item& item) {
        using From = Expression::Source;
        const bool value = out.source == From::column || out.source == From::constant;
        const bool split = out.source == From::split && !item.items.empty();
        const Item& target = split ? item.items.front() : item;
        const bool text = target.type == ItemType::text || target.type == ItemType::digits ||
                          target.type == ItemType::alphanumeric || target.type == ItemType::code ||
                          target.type == ItemType::my_number;
        const auto takes = [&](const char* key, bool effect) {
            if (!map.has(key)) return false;
            map.node(key);
            if (!effect) map.fault(key, tr("\"{}\" has no effect here", key));
            return effect;
        };
        if (takes("codes", value || split || out.source == From::consent_outside_application))
            read_codes_of(map, out, item, target);
        if (takes("date", (value || split) && target.type == ItemType::date))
            read_dates(map, out);
        else if (target.type == ItemType::date && (out.source == From::column || split) && !map.has("date"))
            map.fault(map.self(), tr("a date says its form: iso, compact or wareki"));
        if (takes("text", value || split || out.source == From::flags)) read_text(map, out, target);
        if (takes("pad_left", (value || split) && text))
            out.conversion.pad_left = static_cast<std::size_t>(map.integer("pad_left", 1, 100).value_or(0));
        if (out.conversion.codes && out.conversion.trim) check_trimmed(map, out);
        if (out.source == From::constant) check_constant(map, out, item);
    }

    void read_codes_of(YamlMap& map, Expression& out, const Item& item, const Item& target) {
        const auto node = map.node("codes");
        if (node->IsScalar()) {
            const auto found = tables_.find(node->Scalar());
            if (found == tables_.end())
                map.fault(*node, tr("there is no code table \"{}\"", node->Scalar()));
            else
                out.conversion.codes = found->second;
        } else if (auto table = map.map("codes")) {
            out.conversion.codes = read_codes(*table);
        }
        const Item& coded = target.codes != nullptr ? target : item;
        if (out.conversion.codes && coded.codes != nullptr)
            out.conversion.codes->for_each_meaning([&](const std::string& to) {
                if (!coded.codes->values.contains(to))
                    map.fault(*node, tr("code \"{}\" is not in its list", to));
            });
    }

    void read_dates(YamlMap& map, Expression& out) {
        const auto node = map.node("date");
        std::vector<std::string> forms;
        if (node->IsScalar())
            forms.push_back(node->Scalar());
        else
            forms = map.texts("date");
        for (const std::string& form : forms) {
            const auto known = value_of(kDateForms, form);
            if (known)
                out.conversion.dates.push_back(*known);
            else
                map.fault(*node, tr("a date form is iso, compact or wareki"));
        }
    }

    static void read_text(YamlMap& map, Expression& out, const Item& target) {
        const bool free_text = target.type == ItemType::text;
        for (const std::string& conversion : map.texts("text")) {
            if (conversion == "trim")
                out.conversion.trim = true;
            else if (conversion == "one-line")
                out.conversion.one_line = true;
            else if (conversion != "full-width-kana")
                map.fault("text", tr("unknown text conversion \"{}\"", conversion));
            else if (!free_text)
                map.fault("text", tr("\"{}\" has no effect here", conversion));
            else
                out.conversion.full_width_kana = true;
        }
    }

    /// A trimmed value never equals a code with a space at either end.
    static void check_trimmed(YamlMap& map, const Expression& out) {
        out.conversion.codes->for_each_code([&](const std::string& code) {
            if (trim(code) != code)
                map.fault("codes", tr("code \"{}\" can never match: the value is trimmed before", code));
        });
    }

    /// A constant goes into every record: what is wrong with it is known now.
    void check_constant(YamlMap& map, const Expression& out, const Item& item) {
        spec::Arena arena;
        const spec::Value value = convert(source::Cell::of_text(out.constant), out.conversion, item, arena);
        // Whether test numbers are taken is the configuration's to say.
        if (!value.present() || item.type == ItemType::my_number) return;
        std::vector<spec::Finding> findings;
        const Date never = *Date::parse_iso("9999-12-31");
        spec::validate_value(item, value, {never, MyNumberCheck::real, false}, findings);
        for (const spec::Finding& finding : findings) {
            if (finding.severity != spec::Severity::error) continue;
            if (finding.rule == "code")
                map.fault("constant", tr("code \"{}\" is not in its list", out.constant));
            else
                map.fault("constant", tr("item \"{}\" cannot have this value ({})", item.key, finding.rule));
        }
    }

    bool expect(YamlMap& map, const Item& item, ItemType type) {
        if (item.type == type) return true;
        map.fault(map.self(), tr("item \"{}\" is of another type than this gives", item.key));
        return false;
    }

    Condition read_condition(YamlMap& map, Query&) {
        Condition out;
        map.required_text("column");
        if (map.has("present")) {
            out.present = true;
            if (map.boolean("present") != true) map.fault("present", tr("only \"present: true\" is known"));
        } else {
            for (const std::string& value : map.texts("in")) {
                out.values.emplace_back(trim(value));
                if (out.values.back().empty())
                    map.fault(
                        "in",
                        tr("an empty value can never match: write \"present: true\" and \"otherwise:\""));
            }
            if (out.values.empty())
                map.fault(map.self(), tr("a condition has \"present: true\" or \"in: […]\""));
        }
        map.finish();
        return out;
    }

    /// Registers the condition's column. The condition must be in its final place: `uses_` points to it.
    void use_condition(YamlMap& owner, const std::string& key, Query& query, Condition& condition) {
        const auto node = owner.node(key);
        if (!node || !node->IsMap()) return;
        for (const auto& pair : *node)
            if (pair.first.Scalar() == "column" && pair.second.IsScalar())
                use(query, pair.second.Scalar(), condition.column, pair.second);
    }

    void use(Query& query, const std::string& column, std::size_t& target, const YAML::Node& node) {
        plan_->uses_.push_back({&query, column, &target, {node.Mark(), std::nullopt}});
    }

    const spec::Specification& specification_;
    Faults& faults_;
    std::unique_ptr<Plan> plan_;
    std::string_view text_;
    std::set<std::string> used_children_;  ///< of the kind at hand, by name
    std::map<std::string, CodeTable> tables_;
};

std::unique_ptr<Plan> Plan::load(const std::filesystem::path& file, const spec::Specification& specification,
                                 Faults& faults) {
    const auto text = read_file(file, kLargestFile);
    if (!text) {
        faults.add(Fault{file.string(), 0, 0, text.error().message});
        return nullptr;
    }
    return parse(*text, file, specification, faults);
}

std::unique_ptr<Plan> Plan::parse(const std::string& text, const std::filesystem::path& file,
                                  const spec::Specification& specification, Faults& faults) {
    return PlanLoader(file, specification, faults).run(text);
}

namespace {

/// What the database says of a statement, with the statement's name.
tl::unexpected<Error> named(const Query& query, Error error) {
    if (error.code == ErrorCode::bad_mapping)
        error.message = tr("select of {}: {}", query.title, error.message);
    return tl::unexpected(std::move(error));
}

/// The columns of a table that was rebuilt meanwhile, in the order in which the plan knows them.
class ReorderedRows : public source::RowStream {
  public:
    /// @param from  of each column its place in `rows`
    ReorderedRows(std::unique_ptr<source::RowStream> rows, std::vector<std::size_t> from,
                  const std::vector<std::string>& columns)
        : rows_(std::move(rows)), from_(std::move(from)), columns_(columns), row_(from_.size()) {}

    Result<bool> next() override {
        auto more = rows_->next();
        if (more && *more)
            for (std::size_t i = 0; i < from_.size(); ++i) row_[i] = rows_->row()[from_[i]];
        return more;
    }
    std::span<const source::Cell> row() const override { return row_; }
    const std::vector<std::string>& columns() const override { return columns_; }

  private:
    std::unique_ptr<source::RowStream> rows_;
    std::vector<std::size_t> from_;
    std::vector<std::string> columns_;
    std::vector<source::Cell> row_;
};

/// Traces a place in a statement's text to a place in the file, if the file has the text line by line.
YAML::Mark mark_in(const Query& query, std::optional<std::size_t> offset) {
    YAML::Mark mark = query.place.mark;
    if (!offset || !query.place.block) return mark;
    const std::string_view before = std::string_view(query.sql).substr(0, *offset);
    const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    mark.line += 1 + static_cast<int>(std::ranges::count(before, '\n'));
    mark.column = *query.place.block + static_cast<int>(before.size() - line_start);
    return mark;
}

/// The same name in composed characters, as the core system writes it: a Mac takes 「が」 apart.
std::string composed_elsewhere(const std::vector<std::string>& columns, const std::string& name) {
    const std::string composed = normalize(name);
    return composed != name && std::ranges::find(columns, composed) != columns.end() ? composed : "";
}

}  // namespace

void Plan::resolve(source::Snapshot& snapshot, Faults& faults) {
    std::map<const Query*, bool> usable;
    const auto inspect = [&](Query& query) {
        const auto shape = snapshot.inspect(query.sql);
        usable[&query] = shape.has_value();
        if (!shape) {
            faults.add(file_, mark_in(query, shape.error().offset),
                       tr("select of {}: {}", query.title, shape.error().message));
            return;
        }
        query.columns = shape->columns;
        std::set<std::string> seen;
        for (const std::string& column : query.columns)
            if (!seen.insert(column).second)
                faults.add(file_, query.place.mark, tr("column \"{}\" appears twice", column));
    };
    const auto inspect_all = [&](KindPlan& plan) {
        inspect(plan.query);
        for (Child& child : plan.children) inspect(child.query);
    };
    for (auto& kind : kinds_) inspect_all(*kind);
    if (evidence_) inspect_all(*evidence_);
    for (ColumnUse& use : uses_) {
        if (!usable[use.query]) continue;
        const auto& columns = use.query->columns;
        const auto found = std::ranges::find(columns, use.name);
        if (found != columns.end())
            *use.target = static_cast<std::size_t>(found - columns.begin());
        else if (const std::string composed = composed_elsewhere(columns, use.name); !composed.empty())
            faults.add(file_, use.place.mark,
                       tr("the query has the column \"{}\"; here its name stands in decomposed characters "
                          "(NFD): write it composed (NFC)",
                          composed));
        else
            faults.add(file_, use.place.mark, tr("the query has no column \"{}\"", use.name));
    }
}

Result<std::unique_ptr<source::RowStream>> open_rows(const Query& query, source::Snapshot& snapshot,
                                                     const InsurerNumber& insurer) {
    auto rows = snapshot.rows(query.sql, insurer);
    if (!rows) return named(query, rows.error());
    const auto& columns = (*rows)->columns();
    if (columns == query.columns) return rows;
    // The table was rebuilt since the mapping was checked: columns go by their names.
    std::vector<std::size_t> from;
    for (const std::string& name : query.columns) {
        if (std::ranges::count(columns, name) != 1)
            return fail(ErrorCode::busy, tr("select of {}: the column \"{}\" went while this ran: the "
                                            "database is being rebuilt",
                                            query.title, name))
                .remedy(tr("nothing of it is sent; try again when the core system's own job is over"));
        from.push_back(static_cast<std::size_t>(std::ranges::find(columns, name) - columns.begin()));
    }
    return std::make_unique<ReorderedRows>(std::move(*rows), std::move(from), query.columns);
}

Result<bool> next_row(source::RowStream& rows, const Query& query) {
    auto more = rows.next();
    if (!more) return named(query, more.error());
    return more;
}

const KindPlan* Plan::kind(std::string_view id) const {
    for (const auto& each : kinds_)
        if (each->kind->id == id) return each.get();
    return nullptr;
}

}  // namespace kaigo::mapping
