// Prints docs/states.md from the tables that the programs run on.

#include <iostream>
#include <set>

#include "registration/pmh_case.h"
#include "registration/record_state.h"

using namespace kaigo;
using namespace kaigo::registration;

namespace {

/// Mermaid names cannot hold a hyphen.
std::string node(std::string_view name) {
    std::string out(name);
    for (char& c : out)
        if (c == '-') c = '_';
    return out;
}

void print_records() {
    std::cout
        << "## Records\n\nA record in flight is in the state of its batch (sending, unknown, submitted).\n\n"
           "| from | event | to |\n|---|---|---|\n";
    for (const Edge& edge : kEdges)
        std::cout << "| " << name_of(kRecordStateNames, edge.from) << " | " << name_of_event(edge.event)
                  << " | " << name_of(kRecordStateNames, edge.to) << " |\n";
}

void print_cases() {
    std::cout << "\n## PMHキー cases\n\n```mermaid\nstateDiagram-v2\n";
    for (const CaseEdge& edge : kCaseEdges) {
        if (edge.any_open) continue;
        const std::string from =
            edge.from == CaseState::none ? "[*]" : node(name_of(kCaseStateNames, edge.from));
        std::cout << "    " << from << " --> " << node(name_of(kCaseStateNames, edge.to)) << ": "
                  << name_of(kCaseEventNames, edge.event) << '\n';
    }
    std::cout << "```\n\nFrom every open state:";
    const char* separator = " ";
    for (const CaseEdge& edge : kCaseEdges) {
        if (!edge.any_open) continue;
        std::cout << separator << name_of(kCaseEventNames, edge.event) << " → "
                  << name_of(kCaseStateNames, edge.to);
        separator = ", ";
    }
    std::cout << ".\n\n| at | findings of a person that fit |\n|---|---|\n";
    for (const auto& [state, name] : kCaseStateNames) {
        const auto findings = fitting_findings(state);
        if (findings.empty()) continue;
        std::cout << "| " << name << " | ";
        for (std::size_t i = 0; i < findings.size(); ++i)
            std::cout << (i == 0 ? "" : ", ") << name_of(kCaseEventNames, findings[i]);
        std::cout << " |\n";
    }
}

}  // namespace

int main() {
    std::cout << "# States\n\nGenerated from `lib/registration` by `./dev tables`: a test compares them.\n"
                 "What decides at each step stands in [architecture.md](architecture.md).\n\n";
    print_records();
    print_cases();
}
