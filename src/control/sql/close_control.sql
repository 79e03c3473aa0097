-- Only roles that the owner lets in come into the control database. The owner of the control schema
-- keeps what it had through PUBLIC.
do $$
declare
    owner text := (select nspowner::regrole::text from pg_catalog.pg_namespace where nspname = 'bucardo');
begin
    execute format('grant connect, temporary on database %I to %s', current_database(), owner);
    execute format('revoke connect, temporary on database %I from public', current_database());
end
$$
