#include "registration/record_state.h"

namespace kaigo::registration {

std::string_view name_of_event(Event event) {
    static constexpr Names<Event, 28> kNames = {{
        {Event::source_new, "source-new"},
        {Event::source_changed, "source-changed"},
        {Event::source_restored, "source-restored"},
        {Event::source_unusable, "source-unusable"},
        {Event::source_incomplete, "source-incomplete"},
        {Event::source_gone, "source-gone"},
        {Event::dependants_remain, "dependants-remain"},
        {Event::platform_owned, "platform-owned"},
        {Event::batched, "batched"},
        {Event::no_answer, "no-answer"},
        {Event::asked_not_found, "asked-not-found"},
        {Event::accepted, "accepted"},
        {Event::not_accepted, "not-accepted"},
        {Event::refused, "refused"},
        {Event::succeeded, "succeeded"},
        {Event::deleted, "deleted"},
        {Event::stored_without_link, "stored-without-link"},
        {Event::result_data_error, "result-data-error"},
        {Event::result_dependency, "result-dependency"},
        {Event::result_mismatch, "result-mismatch"},
        {Event::result_already_there, "result-already-there"},
        {Event::result_stale, "result-stale"},
        {Event::result_transient, "result-transient"},
        {Event::result_unknown, "result-unknown"},
        {Event::released, "released"},
        {Event::resend_by_operator, "resend-by-operator"},
        {Event::case_sends, "case-sends"},
        {Event::probed, "probed"},
    }};
    return name_of(kNames, event);
}

}  // namespace kaigo::registration
