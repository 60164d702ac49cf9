#pragma once
// The interface specification as data: record kinds, items, code lists, error catalogue, names on the wire.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/code_table.h"
#include "base/yaml.h"
#include "domain/vocabulary.h"

namespace kaigo::spec {

enum class ItemType : std::uint8_t {
    alphanumeric,  ///< X: half-width letters and digits
    digits,        ///< 9: half-width digits
    text,          ///< N: any Unicode text
    date,          ///< YYYY-MM-DD
    code,          ///< one of a code list
    boolean,
    integer,
    decimal,    ///< fixed number of decimals
    my_number,  ///< 個人番号
    object,
    array,
};

enum class Charset : std::uint8_t { any, full_width_kana };
enum class CheckDigit : std::uint8_t { none, insurer_number };
enum class Severity : std::uint8_t { warning, error };

struct CodeList {
    std::string id;
    std::string name;
    std::map<std::string, std::string, std::less<>> values;
};

/// When an item is required: always, never, or when a sibling or a context item fulfils something.
struct Requirement {
    enum class When : std::uint8_t { always, never, item_present, item_in, context_in };
    When when = When::never;
    std::size_t index = 0;  ///< of the sibling item or the context item
    std::set<std::string, std::less<>> values;
};

/// Bound of a date by a sibling item or by today.
struct DateBound {
    bool today = false;
    std::size_t index = 0;
};

struct Item {
    std::string key;
    std::string member;  ///< `"key":`, as it stands in JSON
    std::string name;
    ItemType type = ItemType::text;
    std::size_t length = 0;  ///< exactly so many characters; 0: see maximum length
    std::size_t max_length = 0;
    std::int64_t minimum = 0;  ///< of integers and decimals (whole units), or of the number of elements
    std::int64_t maximum = 0;
    int decimals = 0;
    Charset charset = Charset::any;
    CheckDigit check_digit = CheckDigit::none;
    Severity check_digit_severity = Severity::error;
    const CodeList* codes = nullptr;
    std::set<std::string, std::less<>> except;
    CodeTable allowed;  ///< of `codes` without `except`
    bool unique = false;
    Requirement requirement;
    std::optional<DateBound> not_before;
    std::optional<DateBound> not_after;
    std::vector<Item> items;  ///< members of an object; of an array the one element
};

struct RecordKind {
    std::string id;    ///< as in paths: insured-persons
    std::string name;  ///< 介護被保険者番号等情報
    std::vector<Item> items;
    std::vector<std::size_t> key;  ///< indices into items, insurerNumber first
    std::optional<std::string> requires_kind;
    std::optional<std::size_t> my_number;  ///< index of the 個人番号 item
    std::size_t insurer = 0;               ///< index of 介護保険者番号
    std::size_t history = 0;               ///< index of 履歴番号
    std::vector<std::string> context;      ///< keys of items that are mapped for the rules, not sent

    std::optional<std::size_t> item_index(std::string_view key_name) const;
};

struct RecordError {
    std::string id;
    std::string meaning;
    ErrorClass error_class = ErrorClass::unknown;
};

/// Everything in one folder interface-spec/<version>. Immutable once loaded.
class Specification {
  public:
    /// Loads and checks; every fault of every file is collected in `faults`.
    static std::unique_ptr<Specification> load(const std::filesystem::path& folder, Faults& faults);

    const RecordKind* kind(std::string_view id) const;
    /// In the order of sending: a kind stands behind the one it requires.
    const std::vector<std::unique_ptr<RecordKind>>& kinds() const { return kinds_; }
    const WireNames& wire() const { return wire_; }
    /// Entry of the catalogue; of class `unknown` when the id is not in it.
    RecordError record_error(std::string_view id) const;
    const std::map<std::string, RecordError, std::less<>>& record_errors() const { return errors_; }
    /// errorId that stands for a validator's rule family (required, length, charset, code, correlation).
    const std::string& validation_error(const std::string& family) const { return validation_.at(family); }
    /// Changes when any file of the folder does.
    const std::string& fingerprint() const { return fingerprint_; }
    const std::string& profile() const { return profile_; }

  private:
    friend class Loader;
    std::map<std::string, std::unique_ptr<CodeList>, std::less<>> codes_;
    std::vector<std::unique_ptr<RecordKind>> kinds_;
    std::map<std::string, RecordError, std::less<>> errors_;
    std::map<std::string, std::string> validation_;
    WireNames wire_;
    std::string fingerprint_;
    std::string profile_;
};

}  // namespace kaigo::spec
