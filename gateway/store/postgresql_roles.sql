-- What the gateway's own role may do in PostgreSQL. Run by the owner of the tables, who is another
-- role, after each migration: by `init` where [database] owner is set, else with psql:
--   psql -v service=gateway_service -f postgresql_roles.sql
-- The service owns nothing, so that it can neither drop, alter nor truncate a table, nor switch
-- anything off. What is only ever added to it may read and add to; nothing else may it remove.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"service";
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"service";
GRANT USAGE ON SCHEMA public TO :"service";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :"service";
GRANT SELECT ON alembic_version TO :"service";

-- Only ever added to.
GRANT SELECT, INSERT ON
  ledger, ledger_salts, ledger_index, vault, approvals, receipts, thread_entries, logs, checkpoints, witnesses,
  agreement_versions, agreement_signatures, destructions, handovers, register_steps
TO :"service";

-- Changed by their lifecycles, never removed.
GRANT SELECT, INSERT, UPDATE ON
  drops, windows, packages, deliveries, sent_references, answers, requests, threads,
  reconciliations, alarms, tokens, register_entries, meta, mails, rehearsals, absences, state_counts
TO :"service";

-- A hold: neither its scope nor its reason is ever changed.
GRANT SELECT, INSERT ON holds TO :"service";
GRANT UPDATE (state, review_on, ended_at, request_id) ON holds TO :"service";

-- Byte ranges served, folded together as they grow.
GRANT SELECT, INSERT, UPDATE, DELETE ON served TO :"service";

-- People and what they may do: a grant is ended, never changed otherwise, and nobody is removed.
GRANT SELECT, INSERT, UPDATE ON people, recovery_codes TO :"service";
GRANT SELECT, INSERT ON grants, invitations TO :"service";
GRANT UPDATE (revoked_by, revoked_at) ON grants TO :"service";
GRANT UPDATE (ended_at) ON invitations TO :"service";
GRANT SELECT, INSERT, UPDATE, DELETE ON
  webauthn_credentials, site_sessions, sign_in_counters, sign_in_places
TO :"service";
