#include "base/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>

#include <charconv>
#include <sstream>

#include "base/encoding.h"
#include "base/files.h"
#include "base/i18n.h"
#include "base/text.h"

namespace kaigo {
namespace {

constexpr std::size_t kLargestFile = 8U << 20;

/// Sees every event of the parser before a document is built from them.
class AnchorFinder : public YAML::EventHandler {
  public:
    AnchorFinder(std::string file, Faults& faults) : file_(std::move(file)), faults_(faults) {}
    void OnDocumentStart(const YAML::Mark& mark) override { document = mark; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { check(mark, anchor); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { check(mark, anchor); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string&) override {
        check(mark, anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        check(mark, anchor);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        check(mark, anchor);
    }
    void OnMapEnd() override {}

    YAML::Mark document;  ///< where the last one began

  private:
    void check(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) faults_.add(file_, mark, tr("anchors and aliases are not accepted here"));
    }
    std::string file_;
    Faults& faults_;
};

/// What YAML does not read, by its name; empty: UTF-8, or UTF-16 and UTF-32 with their byte order marks.
std::string foreign_encoding(const std::string& text) {
    const bool wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
                      text.starts_with(std::string_view("\0", 1)) || (text.size() > 1 && text[1] == '\0');
    if (wide || is_well_formed(text)) return {};
    return from_encoding(text, Encoding::cp932) ? "CP932 (Shift_JIS)" : tr("of an unknown encoding");
}

}  // namespace

std::string Fault::text() const {
    return line > 0 ? fmt::format("{}:{}:{}: {}", file, line, column, message)
                    : fmt::format("{}: {}", file, message);
}

void Faults::add(std::string file, const YAML::Mark& mark, std::string message) {
    faults_.push_back({std::move(file), mark.line + 1, mark.column + 1, std::move(message)});
}

Failure Faults::as_failure(ErrorCode code) const {
    std::string text;
    for (const Fault& fault : faults_) {
        if (!text.empty()) text += '\n';
        text += fault.text();
    }
    return fail(code, text);
}

std::optional<YAML::Node> load_yaml(const std::filesystem::path& path, Faults& faults) {
    const auto text = read_file(path, kLargestFile);
    if (!text) {
        faults.add(Fault{path.string(), 0, 0, text.error().message});
        return std::nullopt;
    }
    return parse_yaml(*text, path.string(), faults);
}

std::optional<YAML::Node> parse_yaml(const std::string& text, const std::string& file, Faults& faults) {
    if (const std::string encoding = foreign_encoding(text); !encoding.empty()) {
        faults.add(Fault{file, 0, 0, tr("the file is {}, not UTF-8: save it as UTF-8", encoding)});
        return std::nullopt;
    }
    try {
        const std::size_t before = faults.list().size();
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        AnchorFinder finder(file, faults);
        parser.HandleNextDocument(finder);
        if (faults.list().size() > before) return std::nullopt;
        // YAML::Load would silently ignore what follows the first document.
        if (parser.HandleNextDocument(finder)) {
            faults.add(file, finder.document, tr("a second document begins here; only one is accepted"));
            return std::nullopt;
        }
        return YAML::Load(text);
    } catch (const YAML::Exception& error) {
        faults.add(file, error.mark, error.msg);
        return std::nullopt;
    }
}

YamlMap::YamlMap(const YAML::Node& node, std::string file, Faults& faults)
    : node_(node), file_(std::move(file)), faults_(&faults) {
    if (!node_.IsMap()) {
        fault(node_, tr("a mapping (key: value) is expected here"));
        node_ = YAML::Node(YAML::NodeType::Map);
        return;
    }
    std::set<std::string> seen;
    for (const auto& pair : node_) {
        if (!pair.first.IsScalar())
            fault(pair.first, tr("a key must be plain text"));
        else if (!seen.insert(pair.first.Scalar()).second)
            fault(pair.first, tr("duplicate key \"{}\"", pair.first.Scalar()));
    }
}

std::optional<YAML::Node> YamlMap::find(const std::string& key) const {
    // Iteration, not node_[key]: that would change a node which is not const.
    for (const auto& pair : node_)
        if (pair.first.IsScalar() && pair.first.Scalar() == key) return pair.second;
    return std::nullopt;
}

bool YamlMap::has(const std::string& key) const { return find(key).has_value(); }

std::optional<YAML::Node> YamlMap::node(const std::string& key) {
    known_.insert(key);
    return find(key);
}

std::optional<std::string> YamlMap::text(const std::string& key) {
    const auto found = node(key);
    if (!found) return std::nullopt;
    if (!found->IsScalar() || found->Scalar().empty()) {
        fault(*found, tr("\"{}\" needs a value of one line", key));
        return std::nullopt;
    }
    return found->Scalar();
}

std::string YamlMap::required_text(const std::string& key) {
    if (!has(key)) {
        known_.insert(key);
        fault(node_, tr("\"{}\" is missing", key));
        return {};
    }
    return text(key).value_or("");
}

std::optional<bool> YamlMap::boolean(const std::string& key) {
    const auto value = text(key);
    if (!value) return std::nullopt;
    if (*value == "true") return true;
    if (*value == "false") return false;
    fault(key, tr("\"{}\" is true or false", key));
    return std::nullopt;
}

std::optional<std::int64_t> YamlMap::integer(const std::string& key, std::int64_t minimum,
                                             std::int64_t maximum) {
    const auto value = text(key);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc{} || end != value->data() + value->size() || number < minimum ||
        number > maximum) {
        fault(key, tr("\"{}\" is a whole number from {} to {}", key, minimum, maximum));
        return std::nullopt;
    }
    return number;
}

std::vector<std::string> YamlMap::texts(const std::string& key) {
    std::vector<std::string> out;
    for (const YAML::Node& element : sequence(key)) {
        if (element.IsScalar())
            out.push_back(element.Scalar());
        else
            fault(element, tr("plain text is expected here"));
    }
    return out;
}

std::optional<YamlMap> YamlMap::map(const std::string& key) {
    const auto found = node(key);
    if (!found) return std::nullopt;
    return YamlMap(*found, file_, *faults_);
}

std::vector<YAML::Node> YamlMap::sequence(const std::string& key) {
    std::vector<YAML::Node> out;
    const auto found = node(key);
    if (!found) return out;
    if (!found->IsSequence()) {
        fault(*found, tr("\"{}\" is a list", key));
        return out;
    }
    for (const auto& element : *found) out.push_back(element);
    return out;
}

std::vector<std::string> YamlMap::keys() {
    std::vector<std::string> out;
    for (const auto& pair : node_) {
        if (!pair.first.IsScalar()) continue;
        known_.insert(pair.first.Scalar());
        out.push_back(pair.first.Scalar());
    }
    return out;
}

void YamlMap::fault(const std::string& key, const std::string& message) {
    const auto found = find(key);
    fault(found ? *found : node_, message);
}

void YamlMap::fault(const YAML::Node& node, const std::string& message) {
    faults_->add(file_, node.Mark(), message);
}

void YamlMap::finish() {
    for (const auto& pair : node_)
        if (pair.first.IsScalar() && !known_.contains(pair.first.Scalar()))
            fault(pair.first, tr("unknown key \"{}\"", pair.first.Scalar()));
}

}  // namespace kaigo
