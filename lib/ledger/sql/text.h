#pragma once
// The text of a statement. No number of a state or flag stands in one, and nothing that only one engine
// understands: the compiler refuses it.

#include <array>
#include <string>

#include "ledger/sql/words.h"

namespace kaigo::ledger::sql {

namespace detail {

/// Makes the compiler report the statement that is wrong.
[[noreturn]] inline void refuse(const char* why) { throw std::logic_error(why); }

/// What PostgreSQL has no word for, or another word than SQLite: its place is a part in words.h.
inline constexpr std::array<std::string_view, 10> kOfOneEngine = {
    "INSERT OR ", "likely(",  "INDEXED BY", "rowid", " GLOB ",
    "IS NOT '",   "IS NOT ?", "IS NOT {",   "x'",    " BLOB"};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Parameters are numbered, counts and lengths may be 0 or 1; every other number has a name.
constexpr void require_named_numbers(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool in_word = at > 0 && (text[at - 1] == '_' || (text[at - 1] >= 'a' && text[at - 1] <= 'z'));
        if (!is_digit(text[at]) || in_word) continue;
        std::size_t end = at;
        while (end < text.size() && is_digit(text[end])) ++end;
        const bool parameter = at > 0 && text[at - 1] == '?';
        const bool quoted = at > 0 && text[at - 1] == '\'';
        const bool small = end - at == 1 && text[at] <= '1';
        if (!parameter && !small && !quoted) refuse("a number in a statement has no name");
        at = end;
    }
    for (const std::string_view column : {"state = ", "owed = ", "look = ", "flags & ", "flags | "})
        for (std::size_t at = text.find(column); at != std::string_view::npos; at = text.find(column, at + 1))
            if (is_digit(text[at + column.size()])) refuse("a state or flag in a statement has no name");
}

constexpr void require_known(std::string_view text) {
    for (const std::string_view word : kOfOneEngine)
        if (text.find(word) != std::string_view::npos) refuse("a statement says what one engine understands");
    require_named_numbers(text);
    for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) refuse("a name in a statement has no end");
        const std::string_view word = text.substr(open + 1, close - open - 1);
        if (!number_of(word) && !stored_name(word) && !part_of(word))
            refuse("a statement names what words.h does not know");
    }
}

}  // namespace detail

/// A string literal: its address also identifies the statement (session.h).
class Text {
  public:
    consteval Text(const char* text) : text_(text) { detail::require_known(text); }  // NOLINT: reads as SQL
    const char* get() const { return text_; }

  private:
    const char* text_;
};

/// The text with every {name} replaced by what it stands for.
std::string expanded(std::string_view text);

}  // namespace kaigo::ledger::sql
