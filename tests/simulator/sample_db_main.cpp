#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "domain/identifiers.h"
#include "simulator/sample_db.h"

int main(int argc, char** argv) {
    CLI::App app{"kaigo-sample-db: a synthetic 標準準拠 介護保険事務システム database"};
    kaigo::sample::SampleOptions options;
    std::string output;
    std::string schema = "standard";
    int advance = 0;
    app.set_version_flag("--version", "kaigo-sample-db " KAIGO_VERSION);
    auto* persons =
        app.add_option("--persons", options.persons, "insured persons")->check(CLI::Range(1, 5'000'000));
    app.add_option("--seed", options.seed, "same seed, same bytes");
    auto* insurer = app.add_option("--insurer", options.insurer, "保険者番号");
    app.add_flag("--dense", options.dense, "exactly one certification and one consent for every person");
    app.add_option("--schema", schema, "layout of the tables")->check(CLI::IsMember({"standard"}));
    app.add_option("--output", output, "database file")->required();
    auto* days = app.add_option("--advance-days", advance, "apply so many days of change to an existing file")
                     ->check(CLI::Range(1, 3650));
    persons->needs(insurer)->excludes(days);
    try {
        app.parse(argc, argv);
        if (*days) {
            kaigo::sample::advance_days(output, advance);
        } else {
            if (!*persons) throw CLI::RequiredError("--persons or --advance-days");
            if (!kaigo::InsurerNumber::parse(options.insurer))
                throw CLI::ValidationError("--insurer: 6 digits");
            kaigo::sample::write_sample(output, options);
        }
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << '\n';
        return 73;
    }
    return 0;
}
