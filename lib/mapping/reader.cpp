#include "mapping/reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <memory>

#include "base/date.h"
#include "base/i18n.h"
#include "base/text.h"

namespace kaigo::mapping {

using source::Cell;
using spec::Item;
using spec::ItemType;
using spec::Value;

namespace {

/// What is read for a rule, not for an item of the specification.
const Item kText;
const Item kDate = [] {
    Item item;
    item.type = ItemType::date;
    return item;
}();

constexpr std::string_view kOpenStart = "0000-01-01";
constexpr std::string_view kOpenStartCompact = "00000101";
constexpr std::string_view kOpenEnd = "9999-12-31";

Value malformed(std::string_view why) { return {.kind = Value::Kind::malformed, .text = why}; }
Value text_value(std::string_view text) { return {.kind = Value::Kind::text, .text = text}; }

/// A cell as text: numbers in their shortest form, so that keys compare alike whatever the column's type is.
std::string_view as_text(const Cell& cell, spec::Arena& arena) {
    switch (cell.type) {
        case Cell::Type::text:
            return cell.text;
        case Cell::Type::integer: {
            char buffer[24];
            const auto end = std::to_chars(buffer, buffer + sizeof buffer, cell.integer).ptr;
            return arena.copy({buffer, static_cast<std::size_t>(end - buffer)});
        }
        case Cell::Type::real:
            return arena.copy(fmt::format("{}", cell.real));
        default:
            return {};
    }
}

}  // namespace

/// Bytes that order as the database orders the columns, and compare at once: numbers as numbers, text as
/// bytes.
struct JoinKey {
    std::string bytes;
    std::string types;  ///< one letter a column

    void clear() {
        bytes.clear();
        types.clear();
    }
    void add(std::int64_t number) {
        types.push_back('i');
        const std::uint64_t ordered = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63U);
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<char>((ordered >> static_cast<unsigned>(shift)) & 0xFFU));
    }
    void add(std::string_view text) {
        types.push_back('t');
        // A NUL inside stands before everything but the end of the text.
        for (std::size_t nul = text.find('\0'); nul != std::string_view::npos; nul = text.find('\0')) {
            bytes.append(text.substr(0, nul)).append("\0\1", 2);
            text.remove_prefix(nul + 1);
        }
        bytes.append(text).append("\0\0", 2);
    }
};

/// A child stream that follows the main one. Rows of the current parent are copied: the stream moves on under
/// them.
struct RecordReader::ChildRows {
    const Child* child = nullptr;
    std::unique_ptr<source::RowStream> stream;
    bool has_row = false;
    JoinKey row_key, last_key, found;
    std::vector<std::span<const Cell>> group;  ///< rows of the current parent, in the reader's arena

    /// @return false when a part is NULL: that joins with nothing
    Result<bool> read_key(std::span<const Cell> row, const std::vector<std::size_t>& columns,
                          JoinKey& key) const {
        key.clear();
        for (const std::size_t column : columns) {
            const Cell& cell = row[column];
            if (cell.type == Cell::Type::null) return false;
            if (cell.type == Cell::Type::integer)
                key.add(cell.integer);
            else if (cell.type == Cell::Type::text)
                key.add(cell.text);
            else
                return fail(ErrorCode::bad_mapping,
                            tr("the child query \"{}\" has a key that is neither text nor a whole number",
                               child->name));
        }
        return true;
    }

    Status advance() {
        bool joins = false;
        while (!joins) {
            KAIGO_TRY(has_row, stream->next());
            if (!has_row) return {};
            KAIGO_TRY(joins, read_key(stream->row(), child->key, found));
        }
        if (found.bytes < row_key.bytes)
            return fail(ErrorCode::bad_mapping,
                        tr("the child query \"{}\" is not in the order of its key", child->name))
                .remedy(tr("add ORDER BY with the key's columns"));
        std::swap(row_key, found);
        return {};
    }

    Status collect(std::span<const Cell> parent, spec::Arena& arena) {
        group.clear();
        KAIGO_TRY(const bool joins, read_key(parent, child->parent, found));
        if (!joins) return {};
        // Text and numbers never are equal: a child would lose its rows without a word.
        if (has_row && found.types != row_key.types)
            return fail(ErrorCode::bad_mapping,
                        tr("the key of the child query \"{}\" is of another type than the main query's",
                           child->name))
                .remedy(tr("CAST one of them in its SELECT"));
        if (found.bytes < last_key.bytes)
            return fail(ErrorCode::bad_mapping,
                        tr("the main query is not in the order that its child query \"{}\" follows",
                           child->name))
                .remedy(tr("add ORDER BY with the parent's columns"));
        std::swap(last_key, found);
        while (has_row && row_key.bytes < last_key.bytes) KAIGO_CHECK(advance());
        while (has_row && row_key.bytes == last_key.bytes) {
            group.push_back(copy_row(stream->row(), arena));
            KAIGO_CHECK(advance());
        }
        return {};
    }

    static std::span<const Cell> copy_row(std::span<const Cell> row, spec::Arena& arena) {
        auto* cells = static_cast<Cell*>(arena.allocate(row.size() * sizeof(Cell)));
        std::uninitialized_copy(row.begin(), row.end(), cells);
        for (std::size_t i = 0; i < row.size(); ++i) cells[i].text = arena.copy(cells[i].text);
        return {cells, row.size()};
    }
};

/// Evaluates expressions over one row.
class RecordReader::Evaluation {
  public:
    Evaluation(RecordReader& reader, std::span<const Cell> row) : reader_(reader), row_(row) {}

    Value evaluate(const Expression* expression, const Item& item) {
        if (expression == nullptr) return {};
        if (expression->when && !holds(*expression->when)) return evaluate(expression->otherwise.get(), item);
        switch (expression->source) {
            case Expression::Source::column:
                return convert(cell(expression->column), *expression, item);
            case Expression::Source::constant:
                return convert(Cell::of_text(expression->constant), *expression, item);
            case Expression::Source::object:
                return object(*expression, item);
            case Expression::Source::list:
                return list(*expression, item);
            case Expression::Source::flags:
                return flags(*expression);
            case Expression::Source::split:
                return split(*expression);
            case Expression::Source::rows:
                return rows(*expression, item);
            case Expression::Source::consent_on_application:
                return consent_on_application(*expression);
            case Expression::Source::consent_outside_application:
                return consent_outside_application(*expression);
        }
        return {};
    }

    bool holds(const Condition& condition) {
        const std::string_view text = trim(as_text(cell(condition.column), arena()));
        if (condition.present) return !text.empty();
        for (const std::string& value : condition.values)
            if (value == text) return true;
        return false;
    }

  private:
    spec::Arena& arena() { return reader_.arena_; }

    const Cell& cell(std::size_t column) const { return row_[column]; }

    Value object(const Expression& expression, const Item& item) {
        Value out{.kind = Value::Kind::object, .count = static_cast<std::uint32_t>(item.items.size())};
        out.children = spec::make_values(item.items.size(), arena());
        for (std::size_t i = 0; i < item.items.size(); ++i)
            out.children[i] = evaluate(expression.members[i].get(), item.items[i]);
        return out;
    }

    Value list(const Expression& expression, const Item& item) {
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(expression.members.size(), arena());
        for (const auto& member : expression.members) {
            const Value value = evaluate(member.get(), item.items.front());
            if (value.present()) out.children[out.count++] = value;
        }
        return out;
    }

    Value flags(const Expression& expression) {
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(expression.flags.size(), arena());
        for (const auto& [code, column] : expression.flags)
            if (as_text(cell(column), arena()) == expression.flag_set)
                out.children[out.count++] = text_value(code);
        return out;
    }

    Value split(const Expression& expression) {
        std::string_view rest = as_text(cell(expression.column), arena());
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(rest.size(), arena());
        while (!rest.empty()) {
            const std::size_t end = expression.separator.empty() ? 1 : rest.find(expression.separator);
            const std::string_view part = rest.substr(0, end);
            if (!part.empty()) out.children[out.count++] = text_value(arena().copy(part));
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + expression.separator.size());
        }
        return out;
    }

    Value rows(const Expression& expression, const Item& item) {
        const ChildRows& child = *reader_.children_[expression.child];
        if (child.group.empty()) return {};
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(child.group.size(), arena());
        for (const std::span<const Cell> row : child.group)
            out.children[out.count++] =
                Evaluation(reader_, row).evaluate(expression.members.front().get(), item.items.front());
        return out;
    }

    /// Text of one input of a consent rule; empty when there is none.
    std::string_view input_of(const Expression& expression, std::size_t input, ItemType type,
                              bool& readable) {
        const Value value = evaluate(expression.members[input].get(), type == ItemType::date ? kDate : kText);
        if (value.kind == Value::Kind::malformed) readable = false;
        return value.kind == Value::Kind::text ? value.text : std::string_view();
    }

    Value consent_on_application(const Expression& expression) {
        using Form = registration::ApplicationConsent::Form;
        bool readable = true;
        registration::ApplicationConsent consent;
        consent.applied_on = Date::parse_iso(input_of(expression, 0, ItemType::date, readable));
        consent.consented = input_of(expression, 1, ItemType::text, readable) == "true";
        const std::string_view form = input_of(expression, 2, ItemType::text, readable);
        consent.form = form == "new" ? Form::new_form : form == "old" ? Form::old_form : Form::unknown;
        consent.withdrawn_on = Date::parse_iso(input_of(expression, 3, ItemType::date, readable));
        consent.valid_to = Date::parse_iso(input_of(expression, 4, ItemType::date, readable));
        if (!readable) return malformed("consent-evidence");
        reader_.verdict_ = registration::consent_on_application(consent, reader_.consent_);
        return {.kind = Value::Kind::boolean,
                .number = registration::is_granted(reader_.verdict_->reason) ? 1 : 0};
    }

    Value consent_outside_application(const Expression& expression) {
        using Act = registration::ConsentAct;
        bool readable = true;
        const std::string_view act = input_of(expression, 0, ItemType::text, readable);
        const auto day = Date::parse_iso(input_of(expression, 1, ItemType::date, readable));
        if (!readable || !day || (act != "granted" && act != "refused" && act != "withdrawn"))
            return malformed("consent-evidence");
        const Act taken = act == "granted" ? Act::granted : act == "refused" ? Act::refused : Act::withdrawn;
        // Which code stands for which outcome is the mapping's to say, checked against the code list.
        reader_.verdict_ = registration::consent_outside_application(taken, *day, reader_.consent_);
        const auto outcome = reader_.verdict_->reason;
        const std::string* code =
            expression.codes->find(registration::is_granted(outcome)                       ? "granted"
                                   : outcome == registration::ConsentReason::act_withdrawn ? "withdrawn"
                                                                                           : "refused");
        return code == nullptr ? malformed("code-not-in-table") : text_value(*code);
    }

    Value convert(const Cell& c, const Expression& expression, const Item& item) {
        if (c.type == Cell::Type::null) return {};
        if (c.type == Cell::Type::blob) return malformed("binary");
        if (item.type == ItemType::decimal && !expression.codes) return decimal(c, item);
        std::string_view text = as_text(c, arena());
        if (!is_well_formed(text)) return malformed("encoding");
        if (expression.trim) text = trim(text);
        if (text.empty()) return {};
        if (expression.codes) {
            const std::string* found = expression.codes->find(text);
            if (found == nullptr) return malformed("code-not-in-table");
            text = *found;
        }
        switch (item.type) {
            case ItemType::date:
                return date(text, expression);
            case ItemType::integer:
                return integer(text);
            case ItemType::decimal:
                return decimal(Cell::of_text(text), item);
            case ItemType::boolean:
                if (text == "true" || text == "1") return {.kind = Value::Kind::boolean, .number = 1};
                if (text == "false" || text == "0") return {.kind = Value::Kind::boolean, .number = 0};
                return malformed("not-a-boolean");
            default:
                break;
        }
        if (expression.full_width_kana) text = arena().copy(full_width_kana(text));
        if (expression.pad_left > text.size())
            text = arena().copy(std::string(expression.pad_left - text.size(), '0') + std::string(text));
        if (item.type == ItemType::text && !is_normalized(text)) text = arena().copy(normalize(text));
        return text_value(text);
    }

    Value date(std::string_view text, const Expression& expression) {
        if (text == kOpenStart || text == kOpenStartCompact || text == kOpenEnd) return {};
        if (expression.dates.empty()) return text_value(text);
        for (const DateForm form : expression.dates) {
            if (form == DateForm::iso && Date::parse_iso(text)) return text_value(text);
            const auto parsed = form == DateForm::compact  ? Date::parse_compact(text)
                                : form == DateForm::wareki ? Date::parse_wareki(text)
                                                           : std::nullopt;
            if (!parsed) continue;
            const std::string iso = parsed->iso();
            return iso == kOpenEnd ? Value{} : text_value(arena().copy(iso));
        }
        return malformed("not-a-date");
    }

    static Value integer(std::string_view text) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size()) return malformed("not-an-integer");
        return {.kind = Value::Kind::number, .number = number};
    }

    static Value decimal(const Cell& c, const Item& item) {
        double number = c.type == Cell::Type::real ? c.real : static_cast<double>(c.integer);
        if (c.type == Cell::Type::text) {
            const auto [end, error] = std::from_chars(c.text.data(), c.text.data() + c.text.size(), number);
            if (error != std::errc{} || end != c.text.data() + c.text.size())
                return malformed("not-a-number");
        }
        const double scaled = number * std::pow(10.0, item.decimals);
        if (!std::isfinite(scaled) || std::abs(scaled) > 1e15 || std::abs(scaled - std::round(scaled)) > 1e-6)
            return malformed("too-many-decimals");
        return {.kind = Value::Kind::number, .number = std::llround(scaled)};
    }

    RecordReader& reader_;
    std::span<const Cell> row_;
};

RecordReader::RecordReader(const KindPlan& plan, const InsurerNumber& insurer,
                           const registration::ConsentPolicy& consent)
    : plan_(plan), insurer_(insurer), consent_(consent) {}
RecordReader::~RecordReader() = default;

Result<std::unique_ptr<RecordReader>> RecordReader::open(const KindPlan& plan, source::Snapshot& snapshot,
                                                         const InsurerNumber& insurer,
                                                         const registration::ConsentPolicy& consent) {
    std::unique_ptr<RecordReader> reader(new RecordReader(plan, insurer, consent));
    KAIGO_TRY(reader->rows_, snapshot.rows(plan.query.sql, insurer));
    KAIGO_CHECK(reader->open_children(snapshot));
    return reader;
}

Result<std::unique_ptr<RecordReader>> RecordReader::open_ahead(const KindPlan& plan, source::Snapshot& ahead,
                                                               source::Snapshot& beside,
                                                               const InsurerNumber& insurer,
                                                               const registration::ConsentPolicy& consent) {
    std::unique_ptr<RecordReader> reader(new RecordReader(plan, insurer, consent));
    KAIGO_TRY(auto rows, ahead.rows(plan.query.sql, insurer));
    reader->rows_ = source::read_ahead(std::move(rows));
    KAIGO_CHECK(reader->open_children(beside));
    return reader;
}

Status RecordReader::open_children(source::Snapshot& snapshot) {
    for (const Child& child : plan_.children) {
        auto rows = std::make_unique<ChildRows>();
        rows->child = &child;
        KAIGO_TRY(rows->stream, snapshot.rows(child.query.sql, insurer_));
        KAIGO_CHECK(rows->advance());
        children_.push_back(std::move(rows));
    }
    return {};
}

Result<bool> RecordReader::next() {
    KAIGO_TRY(const bool more, rows_->next());
    if (!more) return false;
    ++position_;
    arena_.reset();
    verdict_.reset();
    for (auto& child : children_) KAIGO_CHECK(child->collect(rows_->row(), arena_));

    record_ = spec::make_record(*plan_.kind, arena_);
    Evaluation row(*this, rows_->row());
    const auto& items = plan_.kind->items;
    for (std::size_t i = 0; i < items.size(); ++i)
        record_.items[i] = row.evaluate(plan_.items[i].get(), items[i]);
    for (std::size_t i = 0; i < plan_.context.size(); ++i)
        record_.context[i] = row.evaluate(plan_.context[i].get(), kText);
    platform_owned_ = plan_.platform_owned && row.holds(*plan_.platform_owned);

    const Value& insurer = record_.items[plan_.kind->insurer];
    if (insurer.kind != Value::Kind::text || insurer.text != insurer_.value())
        return fail(ErrorCode::source_refused,
                    tr("row {} of {} belongs to another insurer", position_, plan_.kind->id))
            .remedy(tr("correct the SELECT: it must give rows of :insurer alone"));
    return true;
}

}  // namespace kaigo::mapping
