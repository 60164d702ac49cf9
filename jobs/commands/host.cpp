#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/i18n.h"
#include "jobs/checks/host_checks.h"
#include "jobs/commands/commands.h"
#include "jobs/present/checks.h"
#include "jobs/present/faults.h"
#include "jobs/present/json_document.h"
#include "jobs/present/validation.h"

namespace kaigo::jobs {

namespace json = boost::json;

int check_spec(const CommandContext& context, bool json_format) {
    Terminal& terminal = context.terminal;
    Faults faults;
    const auto specification = spec::Specification::load(context.config.interface_spec, faults);
    const int status = faults.empty() ? 0 : info(ErrorCode::bad_specification).exit_status;
    if (json_format) {
        write_json(terminal.out, json::object{{"ok", faults.empty()}, {"faults", faults_json(faults)}});
        return status;
    }
    for (const Fault& fault : faults.list()) terminal.err << fault.text() << '\n';
    if (faults.empty())
        terminal.out << tr("{}: in order, {} record kinds", specification->profile(),
                           specification->kinds().size())
                     << '\n';
    return status;
}

int doctor(const CommandContext& context, bool json_format) {
    const auto checks = check_host(context.config, context.environment.clock.now(), true);
    if (json_format)
        write_json(context.terminal.out, json::object{{"checks", checks_json(checks)}});
    else
        write_checks(context.terminal.out, checks);
    const Check::Level worst = std::ranges::max(checks, {}, &Check::level).level;
    if (worst == Check::Level::error) return info(ErrorCode::bad_configuration).exit_status;
    return worst == Check::Level::warning ? 1 : 0;
}

int validate_mapping(const CommandContext& context, const ValidateOptions& options) {
    Terminal& terminal = context.terminal;
    Faults faults;
    const auto specification = spec::Specification::load(context.config.interface_spec, faults);
    if (!specification)
        return refuse(terminal, Error{ErrorCode::bad_specification, faults.list().front().text(), "", ""});
    const std::string& kind = options.scope.kind;
    if (!kind.empty() && specification->kind(kind) == nullptr)
        return refuse(terminal, Error{ErrorCode::usage,
                                      tr("the specification has no record kind \"{}\"", kind), "", ""});
    const auto validated = validate_rows(context.config, context.environment, *specification, options.scope);
    if (!validated) return refuse(terminal, validated.error());
    for (const std::string& note : validated->notes) terminal.err << tr("note: {}", note) << '\n';
    if (const auto audited = audit_validation(context.config, context.environment, validated->kinds);
        !audited)
        return refuse(terminal, audited.error());

    std::ostringstream text;
    if (options.format == "json") {
        write_json(text, validation_json(*validated));
    } else {
        for (const Fault& fault : validated->faults.list()) text << fault.text() << '\n';
        write_validation(text, validated->kinds);
    }
    if (options.output.empty()) {
        terminal.out << text.str();
    } else {
        std::ofstream file(options.output);
        file << text.str();
        if (!file.flush())
            return refuse(terminal, Error{ErrorCode::cannot_write, tr("the file cannot be written"),
                                          options.output, ""});
    }
    if (!validated->faults.empty()) return info(ErrorCode::bad_mapping).exit_status;
    return std::ranges::all_of(validated->kinds, &KindValidation::sound) ? 0 : 1;
}

}  // namespace kaigo::jobs
