#pragma once
// States, reasons and next steps in the operator's words.

#include <string>

#include "ledger/view.h"
#include "mapping/child_rows.h"
#include "spec/spec.h"

namespace kaigo::jobs {

std::string state_in_words(const std::string& state);
/// A stored reason: a word of registration::reason, "validation:…", or an errorId of the catalogue.
std::string reason_in_words(const spec::Specification& specification, const std::string& reason);
/// What will happen to a record, or what a person should do.
std::string next_in_words(const spec::Specification& specification, const ledger::RecordRow& record);
/// 介護被保険者番号等情報; the id of a kind that the specification does not have.
std::string kind_in_words(const spec::Specification& specification, const std::string& id);
std::string update_kind_in_words(UpdateKind kind);
/// How a run ended.
std::string outcome_in_words(const std::string& outcome);
std::string rule_in_words(const std::string& rule);
std::string event_in_words(const std::string& event);
/// Rows of a child query that belong to no record, the first of them by their keys.
std::string orphans_in_words(const mapping::ChildCount& child);

}  // namespace kaigo::jobs
