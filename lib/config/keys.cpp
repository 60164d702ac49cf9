#include "config/keys.h"

#include "base/i18n.h"

namespace kaigo::config {

const std::vector<KeyHelp>& all_keys() {
    static const std::vector<KeyHelp> kKeys = {
        {"language", "ja | en", "ja", N_("Language of texts for operators.")},
        {"interface_spec", "FOLDER", "", N_("Folder of the interface specification.")},
        {"my_number_check", "real | test", "real",
         N_("Which マイナンバー are accepted: real ones, or test numbers alone (check digit plus one).")},
        {"sources.NAME.driver", "sqlite | postgresql | odbc", "",
         N_("How the database is reached. This version reaches sqlite alone.")},
        {"sources.NAME.database", "FILE", "", N_("The database; it is read only.")},
        {"sources.NAME.mapping", "FILE", "", N_("The mapping file of this database.")},
        {"insurers[].number", "NNNNNN", "", N_("保険者番号, in quotes.")},
        {"insurers[].name", "TEXT", "", N_("Name for people.")},
        {"insurers[].source", "NAME", "", N_("Its database, one of sources.")},
        {"insurers[].go_live", "YYYY-MM-DD", "", N_("The day from which the platform is used (利用開始日).")},
        {"insurers[].preconditions.pia_done", "true | false", "",
         N_("Whether the PIA is done. Preconditions that are not given are asked before the initial setup.")},
        {"insurers[].preconditions.setup_date", "YYYY-MM-DD", "",
         N_("The day that was notified for the initial setup.")},
        {"insurers[].preconditions.method", "batch | file", "", N_("The method of linkage.")},
        {"insurers[].consent_before_go_live", "true | false", "true",
         N_("Whether consent that was taken before go_live is linked.")},
        {"insurers[].new_form_from", "YYYY-MM-DD", "",
         N_("Application date from which the new form was in use, where the source cannot tell.")},
        {"insurers[].record_kinds", "[KIND, …]", "all", N_("Which record kinds are linked.")},
        {"insurers[].certificate_file", "FILE", "platform.certificate_file",
         N_("Its own client certificate; together with private_key_file.")},
        {"insurers[].private_key_file", "FILE | credential:NAME | pkcs11:URI", "platform.private_key_file",
         N_("The private key of that certificate.")},
        {"insurers[].service_window", "HH:MM-HH:MM", "platform.service_window",
         N_("When the platform takes its requests.")},
        {"insurers[].schedule", "[ENTRY, …]", "schedule", N_("Its own schedule.")},
        {"platform.url", "https://…", "", N_("Address of the platform.")},
        {"platform.ca_file", "FILE", "",
         N_("CA certificates that the platform's certificate must come from.")},
        {"platform.certificate_file", "FILE", "",
         N_("The client certificate. A renewed pair is tried and taken without a restart.")},
        {"platform.private_key_file", "FILE | credential:NAME | pkcs11:URI", "",
         N_("Its private key: a file, a key in a token, or a systemd credential, which is read at the "
            "daemon's start "
            "alone: a renewed pair then needs a restart.")},
        {"platform.connections", "1-64", "4", N_("Connections at once.")},
        {"platform.max_records", "N", "1000", N_("Records of one request.")},
        {"platform.max_bytes", "SIZE", "8MiB", N_("Bytes of one request.")},
        {"platform.gzip", "true | false", "false", N_("Compress requests, where the line is the limit.")},
        {"platform.request_timeout", "DURATION", "60s", N_("How long one request may take.")},
        {"platform.retry.initial", "DURATION", "2s", N_("The first pause before a retry.")},
        {"platform.retry.maximum", "DURATION", "15m", N_("The longest pause before a retry.")},
        {"platform.service_window", "HH:MM-HH:MM", "00:00-24:00", N_("When the platform takes requests.")},
        {"safety.drop_percent", "0-100", "10",
         N_("Rows missing against the last run, in per cent, above which a run holds for --accept-drop.")},
        {"safety.change_percent", "0-100", "5",
         N_("Records that change, or lose an item or a list that they had, in per cent, above which a run "
            "holds for "
            "--accept-change.")},
        {"safety.orphan_percent", "0-100", "1",
         N_("Rows of a child query that belong to no record, in per cent, above which a run holds for "
            "--accept-change.")},
        {"safety.resend_percent", "0-100", "5",
         N_("Rows to be sent again after mapping, specification or key changed, in per cent, above which a "
            "run holds for "
            "--accept-resend.")},
        {"safety.floor", "N", "10", N_("So few records never hold a run.")},
        {"cases.unanswered_tries", "N", "40",
         N_("How often in a row the intermediate server may not answer before an operator is asked.")},
        {"ledger.path", "FILE", "", N_("The ledger.")},
        {"spool.directory", "FOLDER", "", N_("Where encrypted requests under way lie.")},
        {"spool.key_file", "FILE | credential:NAME", "", N_("32 random bytes, from which all keys derive.")},
        {"spool.former_key_file", "FILE | credential:NAME", "",
         N_("The key before it, while ledger rotate-key works.")},
        {"spool.quota", "SIZE", "4GiB", N_("A comparison waits when more than this is under way.")},
        {"audit.path", "FILE", "", N_("The hash-chained audit log.")},
        {"control.socket", "FILE", "", N_("Socket over which commands reach the daemon.")},
        {"control.operators", "GROUP", "kaigo-operators", N_("Who may run jobs and decide cases.")},
        {"control.viewers", "GROUP", "kaigo-viewers", N_("Who may look.")},
        {"control.administrators", "GROUP", "root", N_("Who may do everything, also what nobody else may.")},
        {"http.listen", "ADDRESS:PORT", "", N_("Address of /healthz, /readyz and /metrics.")},
        {"daemon.jobs_at_once", "1-64", "4", N_("Jobs of different insurers that work at the same time.")},
        {"retention.history", "DURATION", "730d",
         N_("How long the history of records, requests, closed cases, alarms and runs is kept.")},
        {"retention.polls", "DURATION", "7d", N_("How long runs that only looked for answers are kept.")},
        {"schedule[].job", "JOB", "", N_("A job that the daemon starts.")},
        {"schedule[].at", "HH:MM", "", N_("At this time of day in Japan; a missed run is caught up once.")},
        {"schedule[].days", "[mon, …]", "every day", N_("On these days alone; goes with at.")},
        {"schedule[].every", "DURATION", "", N_("Again so long after its last start.")},
    };
    return kKeys;
}

}  // namespace kaigo::config
