-- Whether the changes of a table can be noted in its delta tables as they are now: whether all of
-- it is there, under these names, of these types, and can be written by the role that asks.
--
-- It is not immutable but declared so: a trigger function's plan then holds the answer, and not the
-- question, and costs nothing. The arguments are constants of type regclass, by number, on which
-- the plan depends; when one of these relations is changed or dropped, the plan is made anew and
-- the question asked again. What is asked must not depend on a snapshot, which may be older than a
-- change of the tables: names and types come from the parser and from the catalog's caches, which
-- always tell the latest. A key column is given as its number and its name, as another column may
-- have taken the name over.
create or replace function bucardo.bucardo_fits(
  captured regclass, delta_1 regclass, delta_2 regclass, generation regclass,
  deltaname text, key_columns text[], families text[], stored text[])
returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  actual  oid;
  wanted  oid;
  delta   regclass;
  number  integer;
  name    text;
begin
  if to_regclass(format('bucardo.%I', deltaname || '_1')) is distinct from delta_1
    or to_regclass(format('bucardo.%I', deltaname || '_2')) is distinct from delta_2
    or (has_schema_privilege('bucardo', 'usage') and has_table_privilege(delta_1, 'insert') and has_table_privilege(delta_2, 'insert')
        and has_sequence_privilege(generation, 'select')) is not true
  then
    return false;
  end if;
  for at in 1 .. cardinality(key_columns) loop
    number := substring(key_columns[at] from '^([0-9]+):');
    name := regexp_replace(key_columns[at], '^[0-9]+:', '');
    execute format('select pg_typeof((null::%s).%I)::oid', captured, name) into actual;
    if actual <> all (families[at]::oid[])
      or (select c.object_names[3] <> name from pg_identify_object_as_address('pg_class'::regclass, captured, number) c)
    then
      return false;
    end if;
    execute format('select pg_typeof(null::%s)::oid', stored[at]) into wanted;
    foreach delta in array array[delta_1, delta_2] loop
      execute format('select pg_typeof((null::%s).%I)::oid', delta, 'k' || at) into actual;
      if actual <> wanted then
        return false;
      end if;
    end loop;
  end loop;
  -- Nothing that somebody added may refuse a row.
  return not exists (
      select from pg_class c
      where c.oid in (delta_1, delta_2) and (c.relkind <> 'r' or c.relchecks > 0 or c.relhastriggers or c.relhasrules or c.relforcerowsecurity))
    and not exists (
      select from pg_attribute a
      where a.attrelid in (delta_1, delta_2) and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef);
exception when others then
  return false;
end
$$;
-- The key columns of a table by their numbers, as a list of values after a prefix; an error unless
-- all are there, of types that can be noted. What was an integer is one also as numeric, or the
-- conversion of its text fails.
create or replace function bucardo.bucardo_key_columns(captured oid, numbers smallint[], families text[], prefix text)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  columns  text[];
begin
  columns := array(
    select case when a.atttypid = any (k.family::oid[]) then format('%s%I', prefix, a.attname)
                else format('%s%I::pg_catalog.text::pg_catalog.int8', prefix, a.attname) end
    from unnest(numbers, families) with ordinality as k (number, family, position)
    join pg_attribute a on a.attrelid = captured and a.attnum = k.number and not a.attisdropped
    where a.atttypid = any (k.family::oid[]) or (a.atttypid = 'numeric'::regtype and 'int8'::regtype = any (k.family::oid[]))
    order by k.position);
  if cardinality(columns) < cardinality(numbers) then
    raise 'the columns or types of its key have changed';
  end if;
  return array_to_string(columns, ', ');
end
$$;
-- Notes that changes of a table were not captured, once in each transaction. For the owner of the
-- delta tables alone. Errors of class 22 hold values of rows, which have no business here.
create or replace function bucardo.bucardo_note_gap(captured oid, reason text, state text)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from bucardo.bucardo_gap g where g.tablename = captured and g.txid = txid_current()) then
    insert into bucardo.bucardo_gap (tablename, reason)
    values (captured, case when state like '22%' then 'its key cannot be noted as it was before' else reason end);
  end if;
end
$$;
-- All roles may ask whether something fits, with their own rights: a trigger function asks outside of
-- any block that could keep an error from the application, whoever owns the function by then.
grant execute on function bucardo.bucardo_fits(regclass, regclass, regclass, regclass, text, text[], text[], text[]) to public;
revoke all on function bucardo.bucardo_key_columns(oid, smallint[], text[], text), bucardo.bucardo_note_gap(oid, text, text) from public;
