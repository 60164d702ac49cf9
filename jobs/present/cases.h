#pragma once
// PMHキー cases for people and for programs.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iosfwd>
#include <vector>

#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// Step by step, with the question's evidence.
/// @param all  the list does not stop at twenty of a step
void write_list(std::ostream& out, const spec::Specification& specification,
                const std::vector<ledger::CaseRow>& rows, bool all, Instant now);
/// One case with its question, the answers that fit and its history.
void write_case(std::ostream& out, const ledger::CaseRow& row, const spec::Specification& specification,
                Instant now);
boost::json::object case_json(const spec::Specification& specification, const ledger::CaseRow& row,
                              Instant now);
/// Persons that wait for a マイナンバー.
void write_without_number(std::ostream& out, const std::vector<ledger::WithoutNumber>& persons);
boost::json::array without_number_json(const std::vector<ledger::WithoutNumber>& persons);

}  // namespace kaigo::jobs
