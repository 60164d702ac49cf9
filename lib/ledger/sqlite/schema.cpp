#include "ledger/sqlite/schema.h"

#include <array>
#include <string>

#include "base/i18n.h"

namespace kaigo::ledger {
namespace {

constexpr std::array kMigrations = {
    // Records, batches, runs.
    R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE insurer (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE);
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- One row per record that the source has or the platform holds. State numbers: registration/record_state.h;
-- a record in flight has state 2, its batch says whether that is sending, unknown or submitted.
CREATE TABLE record (
    insurer INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    state INTEGER NOT NULL,
    owed INTEGER,                           -- 1 新規, 2 更新, 3 削除
    flags INTEGER NOT NULL DEFAULT 0,       -- 1 then create, 2 platform owned, 4 on platform, 8 needs body
    reason TEXT,
    acknowledged BLOB,                      -- keyed digest of what the platform holds, where known
    acknowledged_history INTEGER NOT NULL DEFAULT 0,
    sent BLOB,                              -- keyed digest of what was sent last
    sent_history INTEGER NOT NULL DEFAULT 0,
    my_number BLOB,                         -- keyed digest of the マイナンバー
    digest_key TEXT,                        -- id of the key of these digests
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    batch INTEGER,                          -- whose spool file holds the body
    seq INTEGER,                            -- place in that batch
    comparison INTEGER,                     -- which comparison's account it stands in
    PRIMARY KEY (insurer, kind, key)
) WITHOUT ROWID;
CREATE INDEX record_owed ON record (insurer, kind, due_at) WHERE state = 1;
CREATE INDEX record_body ON record (batch) WHERE state = 1;
CREATE INDEX record_blocked ON record (insurer, kind) WHERE state = 8;

-- 1 owed, 2 sending, 3 unknown, 4 submitted, 5 completed (results to be fetched), 6 settled, 7 refused, 8 dissolved
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    insurer INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    request_id TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL,
    base_date TEXT,
    state INTEGER NOT NULL,
    body_digest TEXT NOT NULL,
    members BLOB,                           -- until settled
    member_count INTEGER NOT NULL,
    run INTEGER NOT NULL,
    reception_number TEXT,
    processing_status TEXT,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    settled_at INTEGER
);
CREATE INDEX batch_open ON batch (insurer, state) WHERE state < 6;

CREATE TABLE batch_history (
    id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, at INTEGER NOT NULL,
    from_state INTEGER NOT NULL, to_state INTEGER NOT NULL, detail TEXT
);
CREATE INDEX batch_history_of ON batch_history (batch);

-- Records that left the normal path (新規, accepted, registered writes none).
CREATE TABLE record_history (
    id INTEGER PRIMARY KEY, insurer INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL,
    at INTEGER NOT NULL, from_state INTEGER NOT NULL, to_state INTEGER NOT NULL,
    event TEXT NOT NULL, reason TEXT, batch INTEGER, actor TEXT
);
CREATE INDEX record_history_of ON record_history (insurer, kind, key);

CREATE TABLE pmh_case (
    id INTEGER PRIMARY KEY, insurer INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL,
    error_id TEXT NOT NULL, state TEXT NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER
);
CREATE UNIQUE INDEX pmh_case_open ON pmh_case (insurer, kind, key) WHERE closed_at IS NULL;

CREATE TABLE run (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
    outcome TEXT, exit_status INTEGER, message TEXT, actor TEXT NOT NULL
);
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, insurer INTEGER NOT NULL, kind INTEGER NOT NULL,
    scope TEXT NOT NULL, outcome TEXT, complete INTEGER NOT NULL DEFAULT 0,
    rows_read INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0,
    registered INTEGER, deleted INTEGER NOT NULL DEFAULT 0, stored_in_error INTEGER, refused INTEGER,
    blocked_later INTEGER, owed INTEGER, closed INTEGER
);
CREATE INDEX comparison_of_run ON comparison (run);

-- What the last complete comparison of a kind saw.
CREATE TABLE baseline (
    insurer INTEGER NOT NULL, kind INTEGER NOT NULL, rows_read INTEGER NOT NULL,
    mapping TEXT NOT NULL, spec TEXT NOT NULL, digest_key TEXT NOT NULL,
    PRIMARY KEY (insurer, kind)
) WITHOUT ROWID;
CREATE TABLE setup (
    insurer INTEGER PRIMARY KEY, base_date TEXT NOT NULL, started_at INTEGER NOT NULL,
    compared_at INTEGER, completed_at INTEGER
);
CREATE TABLE cursor (insurer INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, insurer INTEGER, code TEXT NOT NULL, detail TEXT NOT NULL
);
)sql",
    // Cases with their steps; why a consent is told as it is; what stood where at the end of a run.
    R"sql(
ALTER TABLE record ADD COLUMN consent INTEGER;      -- registration::ConsentVerdict::packed
CREATE INDEX record_recreated ON record (insurer, kind) WHERE (flags & 32) != 0;
-- record.flags: 16 an open case owns it, 32 deleted to be registered anew, 64 stored without PMHキー link

ALTER TABLE pmh_case ADD COLUMN version INTEGER NOT NULL DEFAULT 0;     -- steps taken
ALTER TABLE pmh_case ADD COLUMN look INTEGER NOT NULL DEFAULT 0;        -- 1 decided, 2 opened: its row is to be read
ALTER TABLE pmh_case ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pmh_case ADD COLUMN left_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE pmh_case ADD COLUMN exemption_seen TEXT NOT NULL DEFAULT '';    -- a fact: its value, then its date
ALTER TABLE pmh_case ADD COLUMN exemption_used TEXT NOT NULL DEFAULT '';
ALTER TABLE pmh_case ADD COLUMN enrolment_seen TEXT NOT NULL DEFAULT '';
ALTER TABLE pmh_case ADD COLUMN enrolment_used TEXT NOT NULL DEFAULT '';
ALTER TABLE pmh_case ADD COLUMN residence TEXT NOT NULL DEFAULT '';
ALTER TABLE pmh_case ADD COLUMN hindrance TEXT NOT NULL DEFAULT '';         -- why its row cannot be sent
CREATE TABLE pmh_case_history (
    id INTEGER PRIMARY KEY, pmh_case INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    from_state TEXT NOT NULL, event TEXT NOT NULL, to_state TEXT NOT NULL, evidence TEXT, actor TEXT, note TEXT
);
CREATE INDEX pmh_case_history_of ON pmh_case_history (pmh_case);
UPDATE pmh_case SET changed_at = coalesce(closed_at, opened_at), look = closed_at IS NULL, version = 1;
-- The profile's error of several persons is an operator's from the beginning.
UPDATE pmh_case SET state = 'awaiting-operator' WHERE error_id = 'KJP0003' AND closed_at IS NULL;
INSERT INTO pmh_case_history (pmh_case, version, at, from_state, event, to_state, evidence)
    SELECT id, 1, opened_at, 'none', CASE error_id WHEN 'KJP0003' THEN 'result-needs-operator' ELSE
        'result-not-linked' END, CASE error_id WHEN 'KJP0003' THEN 'awaiting-operator' ELSE
        'awaiting-mynumber-check' END, error_id FROM pmh_case;
INSERT INTO pmh_case_history (pmh_case, version, at, from_state, event, to_state)
    SELECT c.id, 2, c.closed_at, h.to_state, 'source-gone', 'closed' FROM pmh_case c
    JOIN pmh_case_history h ON h.pmh_case = c.id WHERE c.closed_at IS NOT NULL;
UPDATE pmh_case SET version = 2 WHERE closed_at IS NOT NULL;
UPDATE record SET flags = flags | 64 WHERE state = 4 OR (state = 1 AND reason = 'KJP0002');
UPDATE record SET flags = flags | 16 WHERE EXISTS (SELECT 1 FROM pmh_case c WHERE c.insurer = record.insurer AND
    c.kind = record.kind AND c.key = record.key AND c.closed_at IS NULL);

-- Standing of the records when a run over all rows ended.
CREATE TABLE run_count (
    run INTEGER NOT NULL, insurer INTEGER NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,
    reason TEXT NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (run, insurer, kind, state, reason)
) WITHOUT ROWID;
)sql",
    // Members beside their batch: a change of its state does not write them again. Certificates of what was
    // compared.
    R"sql(
CREATE TABLE batch_members (batch INTEGER PRIMARY KEY, members BLOB NOT NULL);      -- until settled
INSERT INTO batch_members SELECT id, members FROM batch WHERE members IS NOT NULL;
ALTER TABLE batch DROP COLUMN members;

-- What a reconciliation found, as JSON; its SHA-256 stands in the audit log.
CREATE TABLE certificate (
    run INTEGER NOT NULL, insurer INTEGER NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (run, insurer)
) WITHOUT ROWID;
)sql",
    // For which insurer a run was. What the platform finished for requests that this file has forgotten.
    R"sql(
ALTER TABLE run ADD COLUMN insurer TEXT;        -- 保険者番号; NULL: all
CREATE INDEX run_of_job ON run (job, insurer, id);

CREATE TABLE forgotten_record (
    insurer INTEGER NOT NULL, record_id TEXT NOT NULL, request_id TEXT NOT NULL, reception_number TEXT NOT NULL,
    processing_status TEXT NOT NULL, PRIMARY KEY (insurer, record_id)
) WITHOUT ROWID;
)sql",
    // What a comparison saw beyond its main rows, and what a person must see to since.
    R"sql(
-- Of the last complete comparison, a line each: rows of a query, records that have an item. "name=count".
ALTER TABLE baseline ADD COLUMN contents TEXT NOT NULL DEFAULT '';
-- Child queries: rows that belong to no main row are orphans.
CREATE TABLE comparison_query (
    comparison INTEGER NOT NULL, query TEXT NOT NULL, rows_read INTEGER NOT NULL, orphans INTEGER NOT NULL,
    PRIMARY KEY (comparison, query)
) WITHOUT ROWID;
-- As the last comparison of all rows left it.
CREATE TABLE attention (
    insurer INTEGER NOT NULL, kind INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL,
    records INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (insurer, kind, code)
) WITHOUT ROWID;
-- Records without a row while deletions of their kind are withheld.
CREATE TABLE withheld (
    insurer INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (insurer, kind, key)
) WITHOUT ROWID;
CREATE INDEX pmh_case_of ON pmh_case (insurer, kind, key);
-- 8, 11: told as withdrawn (registration::ConsentReason).
CREATE INDEX record_withdrawn ON record (insurer, kind, key) WHERE (consent & 255) IN (8, 11);
-- 撤回 that the platform was told, or may have been, by 被保険者番号: its latest day (record.consent >> 8). It outlives
-- the record that told it.
CREATE TABLE withdrawal (
    insurer INTEGER NOT NULL, person BLOB NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (insurer, person)
) WITHOUT ROWID;
CREATE TRIGGER withdrawal_new AFTER INSERT ON record
WHEN (NEW.consent & 255) IN (8, 11) AND ((NEW.flags & 4) != 0 OR NEW.state = 2) AND
    coalesce(NEW.owed, 0) != 3 BEGIN
    INSERT INTO withdrawal VALUES (NEW.insurer, substr(NEW.key, 1, 10), NEW.consent >> 8)
    ON CONFLICT DO UPDATE SET day = max(day, excluded.day);
END;
CREATE TRIGGER withdrawal_told AFTER UPDATE OF state, flags, consent ON record
WHEN (NEW.consent & 255) IN (8, 11) AND ((NEW.flags & 4) != 0 OR NEW.state = 2) AND
    coalesce(NEW.owed, 0) != 3 BEGIN
    INSERT INTO withdrawal VALUES (NEW.insurer, substr(NEW.key, 1, 10), NEW.consent >> 8)
    ON CONFLICT DO UPDATE SET day = max(day, excluded.day);
END;
INSERT INTO withdrawal SELECT insurer, substr(key, 1, 10), max(consent >> 8) FROM record
    WHERE (consent & 255) IN (8, 11) AND ((flags & 4) != 0 OR state = 2) GROUP BY 1, 2;
)sql"};

}  // namespace

std::size_t current_version() { return kMigrations.size(); }

void migrate(sqlite::Database& database) {
    const auto version = static_cast<std::size_t>(database.integer("PRAGMA user_version"));
    if (version > kMigrations.size())
        throw StoreFailure(
            tr("the ledger was written by a newer program (version {} of its tables, "
               "this program knows {}): install that program again",
               version, kMigrations.size()));
    migrate_to(database, kMigrations.size());
}

void migrate_to(sqlite::Database& database, std::size_t wanted) {
    const auto version = static_cast<std::size_t>(database.integer("PRAGMA user_version"));
    for (std::size_t step = version; step < wanted; ++step) {
        sqlite::Transaction transaction(database);
        database.execute(kMigrations[step]);
        database.execute("PRAGMA user_version = " + std::to_string(step + 1));
        transaction.commit();
    }
}

}  // namespace kaigo::ledger
