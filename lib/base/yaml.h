#pragma once
// Strict reading of YAML files: every fault with file, line and column, all of them at once.

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace kaigo {

struct Fault {
    std::string file;
    int line = 0;    ///< from 1; 0 when it is about the whole file
    int column = 0;  ///< from 1
    std::string message;

    std::string text() const;
};

class Faults {
  public:
    void add(std::string file, const YAML::Mark& mark, std::string message);
    void add(Fault fault) { faults_.push_back(std::move(fault)); }
    bool empty() const { return faults_.empty(); }
    const std::vector<Fault>& list() const { return faults_; }
    /// One error that names every fault, a line each.
    Failure as_failure(ErrorCode code) const;

  private:
    std::vector<Fault> faults_;
};

/// Root of a YAML file. Syntax errors, anchors and aliases (a small file could stand for a huge one) are
/// faults.
std::optional<YAML::Node> load_yaml(const std::filesystem::path& path, Faults& faults);
/// The same for text that was read already.
/// @param file  whose text it is, for the faults
std::optional<YAML::Node> parse_yaml(const std::string& text, const std::string& file, Faults& faults);

/// One mapping of a YAML file. Each read marks its key as known; finish() calls every other key a fault.
class YamlMap {
  public:
    /// A node that is not a mapping is a fault, and the map then reads as empty.
    YamlMap(const YAML::Node& node, std::string file, Faults& faults);

    bool has(const std::string& key) const;
    /// The node, if the key is there. Counts as read.
    std::optional<YAML::Node> node(const std::string& key);
    std::optional<std::string> text(const std::string& key);
    std::string required_text(const std::string& key);
    std::optional<bool> boolean(const std::string& key);
    std::optional<std::int64_t> integer(const std::string& key, std::int64_t minimum, std::int64_t maximum);
    std::vector<std::string> texts(const std::string& key);
    std::optional<YamlMap> map(const std::string& key);
    /// Elements of a sequence; a fault when the key holds something else.
    std::vector<YAML::Node> sequence(const std::string& key);
    /// Keys in file order. All of them count as read.
    std::vector<std::string> keys();

    /// Text run through `parse`; what it does not accept is a fault that says what is `expected`.
    template <class Parse>
    auto parsed(const std::string& key, Parse parse, const std::string& expected)
        -> decltype(parse(std::string())) {
        const auto value = text(key);
        if (!value) return {};
        auto result = parse(*value);
        if (!result) fault(key, expected);
        return result;
    }

    void fault(const std::string& key, const std::string& message);
    void fault(const YAML::Node& node, const std::string& message);
    void finish();
    const std::string& file() const { return file_; }
    const YAML::Node& self() const { return node_; }
    Faults& faults() { return *faults_; }

  private:
    std::optional<YAML::Node> find(const std::string& key) const;
    YAML::Node node_;
    std::string file_;
    Faults* faults_;
    std::set<std::string> known_;
};

}  // namespace kaigo
