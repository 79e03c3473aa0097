-- Notes what database $1 is now, and that nothing halts it.
insert into bucardo.db_identity as i (db, system_identifier, dboid, life)
values ($1, $2, $3, $4)
on conflict (db) do update
set system_identifier = excluded.system_identifier, dboid = excluded.dboid, life = excluded.life,
    halted = null, kind = null, reason = null, met = null
where (i.system_identifier, i.dboid, i.life) is distinct from (excluded.system_identifier, excluded.dboid, excluded.life)
   or i.halted is not null
