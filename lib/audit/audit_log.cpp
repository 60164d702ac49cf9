#include "audit/audit_log.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>

#include "base/crypto.h"
#include "base/i18n.h"
#include "base/text.h"

namespace kaigo::audit {
namespace {

constexpr std::string_view kHashMark = ",\"hash\":\"";

/// A line is its content, then the hash: the part before the mark is what the hash covers.
struct Line {
    std::string_view content;
    std::string_view hash;
};

std::optional<Line> split(std::string_view line) {
    const std::size_t mark = line.rfind(kHashMark);
    constexpr std::size_t kHashSize = 64;
    if (mark == std::string_view::npos || line.size() != mark + kHashMark.size() + kHashSize + 2)
        return std::nullopt;
    return Line{line.substr(0, mark), line.substr(mark + kHashMark.size(), kHashSize)};
}

std::string beginning(std::int64_t sequence, const std::string& previous) {
    return fmt::format("{{\"seq\":{},\"previous\":\"{}\",", sequence, previous);
}

}  // namespace

Result<AuditLog> AuditLog::open(const std::filesystem::path& path) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    KAIGO_TRY(FileLock lock, FileLock::acquire(path.string() + ".lock"));
    if (!std::filesystem::exists(path, ignored)) return AuditLog(std::move(lock), path, "", 0);
    std::ifstream in(path);
    std::string line;
    std::string last;
    std::int64_t count = 0;
    std::uintmax_t whole = 0;
    while (std::getline(in, line) && !in.eof()) {
        last = line;
        ++count;
        whole += line.size() + 1;
    }
    // Cut only what was read to its end: a log that cannot be opened or read must stay as it is.
    if (!in.eof() || in.bad())
        return fail(ErrorCode::cannot_read, tr("the audit log cannot be read")).at(path.string());
    in.close();
    // A line without its end was being written when the power went: what it told had not been confirmed to
    // anyone.
    if (whole < std::filesystem::file_size(path, ignored)) std::filesystem::resize_file(path, whole, ignored);
    if (count == 0) return AuditLog(std::move(lock), path, "", 0);
    const auto parts = split(last);
    if (!parts)
        return fail(ErrorCode::bad_data, tr("the last line of the audit log is not whole"))
            .at(path.string())
            .remedy(tr("run: kaigo-gateway audit verify"));
    return AuditLog(std::move(lock), path, std::string(parts->hash), count);
}

Status AuditLog::append(Instant at, const std::string& event, const std::string& actor,
                        const std::map<std::string, std::string>& details) {
    std::string content = beginning(sequence_ + 1, head_);
    content += fmt::format("\"at\":\"{}\",\"event\":", format_instant(at));
    append_json_string(content, event);
    content += ",\"actor\":";
    append_json_string(content, actor);
    content += ",\"details\":{";
    bool first = true;
    for (const auto& [name, value] : details) {
        if (!first) content += ',';
        first = false;
        append_json_string(content, name);
        content += ':';
        append_json_string(content, value);
    }
    content += '}';
    const std::string hash = sha256_hex(content);
    KAIGO_CHECK(append_line_durably(path_, fmt::format("{}{}{}\"}}", content, kHashMark, hash)));
    head_ = hash;
    ++sequence_;
    return {};
}

Result<Verification> verify(const std::filesystem::path& path, const std::string& anchor) {
    std::ifstream in(path);
    if (!in) return fail(ErrorCode::cannot_read, tr("there is no audit log")).at(path.string());
    Verification out;
    std::string line;
    while (std::getline(in, line)) {
        ++out.lines;
        const auto parts = split(line);
        if (!parts || sha256_hex(parts->content) != parts->hash ||
            !parts->content.starts_with(beginning(out.lines, out.head)))
            return fail(ErrorCode::bad_data,
                        tr("the chain is broken: this line was changed, or one before it removed"))
                .at(fmt::format("{}:{}", path.string(), out.lines))
                .remedy(tr(
                    "keep the file as it is and report it to the person in charge of information security"));
        out.head = parts->hash;
        out.anchor_seen = out.anchor_seen || out.head == anchor;
    }
    return out;
}

}  // namespace kaigo::audit
