#include "mapping/child_rows.h"

#include <algorithm>
#include <cmath>
#include <compare>

#include "base/i18n.h"
#include "base/text.h"
#include "domain/identifiers.h"
#include "mapping/convert.h"

namespace kaigo::mapping {

using source::Cell;

namespace {

constexpr std::size_t kExamples = 20;
constexpr std::size_t kMyNumberDigits = 12;
constexpr char kNumberClass = 1, kTextClass = 2;

int rank(Cell::Type type) {
    switch (type) {
        case Cell::Type::null:
            return 0;
        case Cell::Type::integer:
        case Cell::Type::real:
            return 1;
        case Cell::Type::text:
            return 2;
        case Cell::Type::blob:
            break;
    }
    return 3;
}

/// The order of SQLite, with text as bytes.
std::weak_ordering compare(const Cell& a, const Cell& b) {
    if (rank(a.type) != rank(b.type)) return rank(a.type) <=> rank(b.type);
    if (rank(a.type) != 1) return a.text <=> b.text;
    if (a.type == Cell::Type::integer && b.type == Cell::Type::integer) return a.integer <=> b.integer;
    const auto number = [](const Cell& cell) {
        return cell.type == Cell::Type::real ? cell.real : static_cast<double>(cell.integer);
    };
    return std::weak_order(number(a), number(b));
}

/// A whole number that a database keeps as a real one.
std::optional<std::int64_t> whole(double number) {
    constexpr double kLargest = 9e15;
    if (std::abs(number) > kLargest || number != std::trunc(number)) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

}  // namespace

void JoinKey::add(std::int64_t number) {
    bytes_.push_back(kNumberClass);
    const std::uint64_t ordered = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63U);
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes_.push_back(static_cast<char>((ordered >> static_cast<unsigned>(shift)) & 0xFFU));
}

void JoinKey::add(std::string_view text) {
    bytes_.push_back(kTextClass);
    // A NUL inside stands before everything but the end of the text.
    for (std::size_t nul = text.find('\0'); nul != std::string_view::npos; nul = text.find('\0')) {
        bytes_.append(text.substr(0, nul)).append("\0\1", 2);
        text.remove_prefix(nul + 1);
    }
    bytes_.append(text).append("\0\0", 2);
}

Result<std::unique_ptr<ChildRows>> ChildRows::open(const Child& child, source::Snapshot& snapshot,
                                                   const InsurerNumber& insurer) {
    std::unique_ptr<ChildRows> rows(new ChildRows(child));
    KAIGO_TRY(rows->stream_, open_rows(child.query, snapshot, insurer));
    KAIGO_CHECK(rows->advance());
    return rows;
}

Result<bool> ChildRows::read_key(std::span<const Cell> row, const std::vector<std::size_t>& columns,
                                 JoinKey& key) const {
    key.clear();
    for (const std::size_t column : columns) {
        const Cell& cell = row[column];
        const auto number = cell.type == Cell::Type::real ? whole(cell.real) : std::nullopt;
        if (cell.type == Cell::Type::null) return false;
        if (cell.type == Cell::Type::integer)
            key.add(cell.integer);
        else if (number)
            key.add(*number);
        else if (cell.type == Cell::Type::text)
            key.add(cell.text);
        else
            return fail(
                ErrorCode::bad_mapping,
                tr("the child query \"{}\" has a key that is neither text nor a whole number", child_->name));
    }
    return true;
}

/// The next row that can belong to a main row.
Status ChildRows::advance() {
    for (;;) {
        KAIGO_TRY(has_row_, next_row(*stream_, child_->query));
        if (!has_row_) return {};
        ++count_.rows;
        KAIGO_TRY(const bool joins, read_key(stream_->row(), child_->key, found_));
        if (joins) break;
        orphan();
    }
    if (found_ < row_key_)
        return fail(ErrorCode::bad_mapping,
                    tr("the child query \"{}\" is not in the order of its key", child_->name))
            .remedy(tr("add ORDER BY with the key's columns"));
    std::swap(row_key_, found_);
    return {};
}

void ChildRows::orphan() {
    ++count_.orphans;
    if (count_.examples.size() >= kExamples) return;
    spec::Arena arena;
    std::string key;
    for (const std::size_t column : child_->key) {
        const std::string_view part = as_text(stream_->row()[column], arena);
        const auto digits = std::count_if(part.begin(), part.end(), [](char c) {
            return is_digits({&c, 1});
        });
        if (!key.empty()) key += ' ';
        key += digits >= static_cast<std::ptrdiff_t>(kMyNumberDigits) ? "(…)"
               : part.empty()                                         ? "NULL"
               : part.front() == ' ' || part.back() == ' '            ? "'" + std::string(part) + "'"
                                                                      : std::string(part);
    }
    count_.examples.push_back(std::move(key));
}

Status ChildRows::follow(std::span<const Cell> parent) {
    KAIGO_TRY(const bool joins, read_key(parent, child_->parent, found_));
    if (has_parent_ && joins && found_ == parent_key_)
        return {};  // it has the rows of the main row before it
    group_.clear();
    arena_.reset();
    if (!joins) {
        has_parent_ = false;
        return {};
    }
    if (found_ < parent_key_)
        return fail(
                   ErrorCode::bad_mapping,
                   tr("the main query is not in the order that its child query \"{}\" follows", child_->name))
            .remedy(tr("add ORDER BY with the parent's columns"));
    std::swap(parent_key_, found_);
    has_parent_ = true;
    while (has_row_ && row_key_ < parent_key_) {
        orphan();
        KAIGO_CHECK(advance());
    }
    while (has_row_ && row_key_ == parent_key_) {
        take_row();
        KAIGO_CHECK(advance());
    }
    sort_group();
    return {};
}

Status ChildRows::finish() {
    while (has_row_) {
        orphan();
        KAIGO_CHECK(advance());
    }
    return {};
}

void ChildRows::take_row() {
    const std::span<const Cell> row = stream_->row();
    auto* cells = static_cast<Cell*>(arena_.allocate(row.size() * sizeof(Cell)));
    std::uninitialized_copy(row.begin(), row.end(), cells);
    for (std::size_t i = 0; i < row.size(); ++i) cells[i].text = arena_.copy(cells[i].text);
    group_.emplace_back(cells, row.size());
}

void ChildRows::sort_group() {
    if (group_.size() < 2) return;
    std::ranges::sort(group_, [this](std::span<const Cell> a, std::span<const Cell> b) {
        for (const std::size_t column : child_->order)
            if (const auto order = compare(a[column], b[column]); order != 0) return order < 0;
        for (std::size_t i = 0; i < a.size(); ++i)
            if (const auto order = compare(a[i], b[i]); order != 0) return order < 0;
        return false;
    });
}

}  // namespace kaigo::mapping
