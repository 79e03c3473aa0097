//! Two control databases and one database that both want to replicate: the second one is refused, and takes nothing from the first.

use crate::daemon::world::World;

/// Makes the database `name` of `world` known to `other` under the same name.
fn share(world: &World, other: &World, name: &str) {
    let cluster = world.server(name);
    let (host, port) = (cluster.socket_dir().display(), cluster.port());
    other.says(&format!("add db shared_{name} dbname={} host={host} port={port} user=postgres", name.to_lowercase()));
}

#[test]
fn a_second_installation_on_a_source_is_refused_and_leaves_the_first_alone() {
    let (first, second) = (World::with(&["A", "B"], &[]), World::with(&["A", "B"], &[]));
    first.run_sync("s", "targetdb=B");
    share(&first, &second, "A");
    second.says("add table t u db=shared_A herd=there");
    let refused = second.run("add sync s type=pushdelta source=there targetdb=B");
    assert_ne!(refused.code(), 0);
    assert!(
        refused.stderr.contains("\"shared_A\" is replicated by another installation already: control database \"bucardo\""),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("DROP SCHEMA bucardo CASCADE"), "{}", refused.stderr);
    second.run("remove sync s");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    assert_eq!(first.value("A", "select count(*) from bucardo.bucardo_delta_targets"), "1");
}

#[test]
fn a_second_installation_on_a_target_is_refused() {
    let (first, second) = (World::with(&["A", "B"], &[]), World::with(&["A", "B"], &[]));
    first.run_sync("s", "targetdb=B");
    share(&first, &second, "B");
    let refused = second.run("add sync s type=pushdelta source=h targetdb=shared_B");
    assert!(refused.stderr.contains("\"shared_B\" is replicated by another installation already"), "{}", refused.stderr);
    assert_eq!(second.value("A", "select count(*) from pg_trigger where tgname like 'bucardo%'"), "0", "nothing was made");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    assert_eq!(first.value("B", "select count(*) from bucardo.bucardo_track"), "1");
}

/// It had objects there before anybody marked them.
#[test]
fn removing_a_sync_leaves_what_another_installation_has() {
    let (first, second) = (World::with(&["A", "B"], &[]), World::with(&["A", "B"], &[]));
    first.run_sync("s", "targetdb=B");
    share(&first, &second, "A");
    second.says("add table t u db=shared_A herd=there");
    first.at("A", "alter table bucardo.bucardo_installation set schema public");
    second.says("add sync s type=pushdelta source=there targetdb=B");
    first.at("A", "drop table bucardo.bucardo_installation; alter table public.bucardo_installation set schema bucardo");
    let refused = second.run("validate s");
    assert!(refused.stderr.contains("another installation"), "{}", refused.stderr);
    second.says("remove sync s");
    first.says("validate s");
    first.at("A", "insert into t values (1)");
    first.says("kick s 0");
    first.becomes_equal("A", "B");
}

#[test]
fn who_was_removed_leaves_the_database_to_another() {
    let (first, second) = (World::with(&["A", "B"], &[]), World::with(&["A", "B"], &[]));
    first.run_sync("s", "targetdb=B");
    first.says("stop");
    first.says("remove sync s");
    for name in ["A", "B"] {
        assert_eq!(first.value(name, "select to_regnamespace('bucardo') is null"), "true", "{name}");
    }
    share(&first, &second, "A");
    second.says("add table t u db=shared_A herd=there");
    second.says("add sync s type=pushdelta source=there targetdb=B");
}
