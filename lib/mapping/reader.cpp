#include "mapping/reader.h"

#include <algorithm>
#include <memory>

#include "base/date.h"
#include "base/i18n.h"
#include "base/text.h"
#include "mapping/convert.h"

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

Value text_value(std::string_view text) { return {.kind = Value::Kind::text, .text = text}; }

/// Of the parts of a split text.
std::size_t size_of_first_character(std::string_view text) {
    constexpr unsigned kContinues = 0x80, kMask = 0xC0;
    std::size_t size = 1;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & kMask) == kContinues) ++size;
    return size;
}

}  // namespace

/// Evaluates expressions over one row.
class RecordReader::Evaluation {
  public:
    Evaluation(RecordReader& reader, std::span<const Cell> row) : reader_(reader), row_(row) {}

    Value evaluate(const Expression* expression, const Item& item) {
        if (expression == nullptr) return {};
        if (expression->when && !holds(*expression->when)) return evaluate(expression->otherwise.get(), item);
        switch (expression->source) {
            case Expression::Source::column:
                return convert(cell(expression->column), expression->conversion, item, arena());
            case Expression::Source::constant:
                return convert(Cell::of_text(expression->constant), expression->conversion, item, arena());
            case Expression::Source::object:
                return object(*expression, item);
            case Expression::Source::list:
                return list(*expression, item);
            case Expression::Source::flags:
                return flags(*expression);
            case Expression::Source::split:
                return split(*expression, item);
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
        bool content = false;
        for (std::size_t i = 0; i < item.items.size(); ++i) {
            out.children[i] = evaluate(expression.members[i].get(), item.items[i]);
            // An object with a required member is kept even if it is empty, so that the rule reports what is
            // missing.
            content = content || out.children[i].present() ||
                      item.items[i].requirement.when == spec::Requirement::When::always;
        }
        return content ? out : Value{};
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
        for (const auto& [code, column] : expression.flags) {
            const auto [text, unreadable] = cell_text(cell(column), expression.conversion, arena());
            if (!unreadable.empty()) return malformed(unreadable, {}, arena());
            if (text == expression.flag_set)
                out.children[out.count++] = text_value(code);
            else if (!text.empty() &&
                     std::ranges::find(expression.flag_unset, text) == expression.flag_unset.end())
                return malformed(fault::kFlag, text, arena());
        }
        return out;
    }

    Value split(const Expression& expression, const Item& item) {
        const auto [text, unreadable] = cell_text(cell(expression.column), {}, arena());
        if (!unreadable.empty()) return malformed(unreadable, {}, arena());
        std::string_view rest = text;
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(rest.size(), arena());
        while (!rest.empty()) {
            const std::size_t end = expression.separator.empty() ? size_of_first_character(rest)
                                                                 : rest.find(expression.separator);
            const Value part = convert(Cell::of_text(rest.substr(0, end)), expression.conversion,
                                       item.items.front(), arena());
            if (part.present()) out.children[out.count++] = part;
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + expression.separator.size());
        }
        return out;
    }

    Value rows(const Expression& expression, const Item& item) {
        const auto& group = reader_.children_[expression.child]->group();
        // Where the item is required, no rows are an answer: an empty array.
        if (group.empty() && item.requirement.when != spec::Requirement::When::always) return {};
        Value out{.kind = Value::Kind::array};
        out.children = spec::make_values(group.size(), arena());
        for (const std::span<const Cell> row : group)
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
        const std::string_view said = input_of(expression, 1, ItemType::text, readable);
        consent.consented = said == "true" || said == "1";
        const std::string_view form = input_of(expression, 2, ItemType::text, readable);
        consent.form = form == "new" ? Form::new_form : form == "old" ? Form::old_form : Form::unknown;
        // A word that is not recognized must not count as "unknown": the setting for unknown forms would then
        // vouch for it.
        readable = readable && (consent.consented || said.empty() || said == "false" || said == "0") &&
                   (form.empty() || consent.form != Form::unknown);
        consent.withdrawn_on = Date::parse_iso(input_of(expression, 3, ItemType::date, readable));
        consent.valid_to = Date::parse_iso(input_of(expression, 4, ItemType::date, readable));
        if (!readable) return malformed(fault::kConsent, {}, arena());
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
            return malformed(fault::kConsent, {}, arena());
        const Act taken = act == "granted" ? Act::granted : act == "refused" ? Act::refused : Act::withdrawn;
        // Which code stands for which outcome is the mapping's to say, checked against the code list.
        reader_.verdict_ = registration::consent_outside_application(taken, *day, reader_.consent_);
        const auto outcome = reader_.verdict_->reason;
        const std::string* code = expression.conversion.codes->find(
            registration::is_granted(outcome)                       ? "granted"
            : outcome == registration::ConsentReason::act_withdrawn ? "withdrawn"
                                                                    : "refused");
        return code == nullptr ? malformed(fault::kCode, {}, arena()) : text_value(*code);
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
    KAIGO_TRY(reader->rows_, open_rows(plan.query, snapshot, insurer));
    KAIGO_CHECK(reader->open_children(snapshot));
    return reader;
}

Result<std::unique_ptr<RecordReader>> RecordReader::open_ahead(const KindPlan& plan, source::Snapshot& ahead,
                                                               source::Snapshot& beside,
                                                               const InsurerNumber& insurer,
                                                               const registration::ConsentPolicy& consent) {
    std::unique_ptr<RecordReader> reader(new RecordReader(plan, insurer, consent));
    KAIGO_TRY(auto rows, open_rows(plan.query, ahead, insurer));
    reader->rows_ = source::read_ahead(std::move(rows));
    KAIGO_CHECK(reader->open_children(beside));
    return reader;
}

Status RecordReader::open_children(source::Snapshot& snapshot) {
    for (const Child& child : plan_.children) {
        KAIGO_TRY(auto rows, ChildRows::open(child, snapshot, insurer_));
        children_.push_back(std::move(rows));
    }
    return {};
}

std::vector<ChildCount> RecordReader::child_counts() const {
    std::vector<ChildCount> out;
    out.reserve(children_.size());
    for (const auto& child : children_) out.push_back(child->count());
    return out;
}

Result<bool> RecordReader::next() {
    KAIGO_TRY(const bool more, next_row(*rows_, plan_.query));
    if (!more) {
        for (auto& child : children_) KAIGO_CHECK(child->finish());
        return false;
    }
    ++position_;
    arena_.reset();
    verdict_.reset();
    for (auto& child : children_) KAIGO_CHECK(child->follow(rows_->row()));

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
