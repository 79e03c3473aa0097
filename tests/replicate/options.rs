//! What can be said of a single table: whether it takes part, whether its changes start the sync,
//! and how it is copied.

use crate::daemon::world::World;

fn set(world: &World, sql: &str) {
    world.installed.control().batch_execute(sql).unwrap();
}

#[test]
fn a_ghost_takes_no_part() {
    for kind in ["fullcopy", "pushdelta"] {
        let world = World::with(&["A", "B"], &[]);
        set(&world, "update bucardo.goat set ghost = true where tablename = 't'");
        world.says(&format!("add sync s type={kind} source=h targetdb=B"));
        world.says("start");
        world.at("A", "insert into t values (1); insert into u values (1)");
        world.says("kick s 0");
        assert_eq!(world.value("B", "(select count(*) from t) || ' ' || (select count(*) from u)"), "0 1", "{kind}");
    }
}

#[test]
fn a_table_may_start_its_sync_or_leave_that_to_others_whatever_the_sync_does() {
    let world = World::new();
    set(&world, "update bucardo.goat set ping = (tablename = 't')");
    world.says("add sync eager type=pushdelta source=h targetdb=B ping=true");
    world.says("add sync lazy type=pushdelta source=h targetdb=C ping=false");
    world.says("start");
    world.says("kick eager lazy 0");
    world.at("A", "insert into u values (1)");
    world.says("add table u db=B herd=other");
    world.says("add sync other type=fullcopy source=other targetdb=C");
    world.says("reload other");
    world.says("kick other 0");
    for target in ["B", "C"] {
        assert_eq!(world.value(target, "select count(*) from u"), "0", "nobody was to be woken, for {target}");
    }
    world.at("A", "insert into t values (1)");
    for target in ["B", "C"] {
        world.becomes(target, "(select count(*) from t) || ' ' || (select count(*) from u)", "1 1");
    }
}

#[test]
fn a_sync_that_listens_is_started_from_its_source() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=pushdelta source=h targetdb=B ping=false do_listen=true");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.logs("Listening on source database \"A\" for s");
    world.at("A", "notify bucardo_kick_sync_s");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn a_copy_is_followed_by_what_each_table_asks_for() {
    let world = World::with(&["A", "B"], &[]);
    set(
        &world,
        "update bucardo.goat set analyze_after_copy = (tablename = 't'), rebuild_index = case tablename when 't' then 1 else 0 end",
    );
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.at("A", "insert into t values (1); insert into u values (1)");
    let file = |table: &str| world.value("B", &format!("select pg_relation_filenode('{table}_pkey')"));
    let before = ["t", "u"].map(file);
    world.says("start");
    world.says("kick s 0");
    assert_ne!(file("t"), before[0], "its index is built anew");
    assert_eq!(file("u"), before[1]);
    let analyzed =
        "select string_agg(relname, ' ') from pg_stat_user_tables where last_analyze is not null and schemaname = 'public'";
    world.becomes("B", analyzed, "t");
}

#[test]
fn a_copy_has_the_options_that_the_sync_adds() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=fullcopy source=h targetdb=B");
    set(&world, "update bucardo.sync set copyextra = 'nonsense'");
    world.at("A", "insert into t values (1)");
    world.says("start");
    assert_ne!(world.run("kick s 0").code(), 0);
    world.logs("syntax error at or near \"nonsense\"");
    set(&world, "update bucardo.sync set copyextra = 'csv delimiter '';'''");
    world.says("reload s");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn a_table_is_copied_as_a_whole_when_a_share_of_it_has_changed_but_not_for_a_few_rows() {
    let world = World::with(&["A", "B"], &[]);
    set(
        &world,
        "update bucardo.goat set delta_bypass = true, delta_bypass_percent = 50, delta_bypass_min = 60 where tablename = 't'",
    );
    world.at("A", "insert into t select generate_series(1, 100); analyze t");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.at("B", "insert into t values (7777)");
    world.says("start");
    let stranger = "select count(*) from t where id = 7777";
    for (changes, left) in [(40, "1"), (55, "1"), (70, "0")] {
        world.at("A", &format!("update t set counter = counter + 1 where id <= {changes}"));
        world.says("kick s 0");
        assert_eq!(world.value("B", stranger), left, "after {changes} changes of 100 rows");
    }
    world.becomes_equal("A", "B");
}

#[test]
fn tables_of_higher_priority_come_first() {
    let world = World::with(&["A", "B"], &[]);
    let witness =
        "create table seen (number serial, name text); create function witness() returns trigger language plpgsql as $$ begin
        insert into public.seen (name) values (tg_table_name); return null; end $$;";
    world.at("B", witness);
    for table in ["t", "u"] {
        let watched =
            "create trigger witness after insert on @ execute procedure witness(); alter table @ enable always trigger witness";
        world.at("B", &watched.replace('@', table));
    }
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.says("kick s 0");
    for (id, first, order) in [(1, "t", "t u"), (2, "u", "u t")] {
        world.says("deactivate s 0");
        set(
            &world,
            &format!(
                "update bucardo.herdmap set priority = case when goat = (select id from bucardo.goat where tablename = '{first}') then 9 else 1 end"
            ),
        );
        world.at("B", "truncate seen");
        world.at("A", &format!("insert into t values ({id}); insert into u values ({id})"));
        world.says("activate s 0");
        world.says("kick s 0");
        assert_eq!(world.value("B", "(select string_agg(name, ' ' order by number) from seen)"), order);
    }
}
