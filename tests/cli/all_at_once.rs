//! `validate` and `add sync` tell all that is wrong, not the first of it.

use super::world::World;

#[test]
fn all_that_is_wrong_with_the_tables_of_a_sync_is_told_at_once() {
    let world = World::with_dbs();
    let at = |db: &str, sql: &str| world.cluster.connect(db).batch_execute(sql).unwrap();
    at("a", "create table extra (id integer primary key); create sequence more");
    world.says("add table t1 t2 uniq extra db=A herd=h");
    world.says("add sequence more db=A herd=h");
    at(
        "b",
        "alter table t1 alter name type integer using 1; alter table t2 drop column c; alter table uniq drop constraint uniq_x_key",
    );
    at("c", "alter table t1 drop column name");
    let outcome = world.run("add sync s type=pushdelta source=h targetdb=B").ended_with(255);
    for wrong in ["t1", "t2", "extra", "more"] {
        assert!(outcome.stderr.contains(&format!("public.{wrong}")), "nothing of {wrong}: {}", outcome.stderr);
    }
    assert_eq!(outcome.stderr.matches("HINT: ").count(), 1, "{}", outcome.stderr);
    world.says("add dbgroup g B C");
    let outcome = world.run("add sync s type=pushdelta source=h targetgroup=g").ended_with(255);
    for database in ["B", "C"] {
        let told = format!("Table \"public.t1\" on database \"{database}\"");
        assert!(outcome.stderr.contains(&told), "{told}: {}", outcome.stderr);
    }
}

#[test]
fn missing_rights_on_all_databases_are_told_at_once() {
    let world = World::with_dbs();
    world.cluster.connect("postgres").batch_execute("create role meek login").unwrap();
    world.control().batch_execute("update bucardo.db set dbuser = 'meek'").unwrap();
    world.says("add table t1 db=A herd=h");
    let outcome = world.run("add sync s type=pushdelta source=h targetdb=B").ended_with(255);
    for database in ["A", "B"] {
        assert!(outcome.stderr.contains(&format!("Database \"{database}\": role \"meek\"")), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("TRIGGER ON") && outcome.stderr.contains("INSERT, SELECT, UPDATE ON"), "{}", outcome.stderr);
}
