-- Who may do what in tailguard's database, and no more.
--
--   tailguard         owns the tables: runs, backfills and `tailguard db upgrade` connect as this role
--   tailguard_reader  reads them, also those that later upgrades create: the review app, `status`, `report`
--
-- As an administrator, in the database, before the first `tailguard db upgrade`:
--
--   createdb tailguard
--   psql -d tailguard -f ops/postgresql/roles.sql
--   psql -d tailguard -c '\password tailguard' -c '\password tailguard_reader'
--
-- Run it again at any time: it changes nothing that is so already. If another role created the tables, hand them over
-- first: REASSIGN OWNED BY that_role TO tailguard;

\set ON_ERROR_STOP on
BEGIN;

SELECT 'CREATE ROLE tailguard LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tailguard') \gexec
SELECT 'CREATE ROLE tailguard_reader LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tailguard_reader') \gexec

-- Nobody else connects, and nobody but the owner creates anything.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO tailguard, tailguard_reader', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO tailguard;
GRANT USAGE ON SCHEMA public TO tailguard_reader;

-- A reader sees every table, and its transactions cannot write even where a mistake granted it more.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO tailguard_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE tailguard IN SCHEMA public GRANT SELECT ON TABLES TO tailguard_reader;
ALTER ROLE tailguard_reader SET default_transaction_read_only = on;
-- A page that is looked at must not hold up a run.
ALTER ROLE tailguard_reader SET statement_timeout = '30s';
ALTER ROLE tailguard_reader SET idle_in_transaction_session_timeout = '60s';

COMMIT;
