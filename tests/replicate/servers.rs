//! Source, targets and control database on servers of their own, of different versions where there
//! are any.

use super::case::case_in;
use super::world::World;
use crate::harness::Cluster;
use std::path::PathBuf;

const TABLES: &str = "create table t (id integer primary key, v text, n numeric, f float8, at timestamptz, b bytea, j jsonb);
    create table pair (x integer, y text collate \"C\", v text[], primary key (x, y))";

/// Two servers beside that of the control database: of the oldest and the newest version at hand,
/// or of the same version.
fn two_others() -> [Cluster; 2] {
    let others = Cluster::other_servers();
    let start = |bin: Option<&PathBuf>| bin.map_or_else(Cluster::new, |bin| Cluster::of(bin, &[]));
    [start(others.first()), start(others.last())]
}

fn carried_between(world: &World, name: &str, source: &Cluster, target: &Cluster) {
    let mut case = case_in(world, name, TABLES).on(source, target).add();
    world.ctl(&["start", "--quiet"]).ok();
    case.write(
        "insert into t select i, 'ü' || i, i / 7.0, i / 7.0, now() - i * interval '7 days', decode(md5(i::text), 'hex'),
        json_build_object('i', i)::jsonb from generate_series(1, 500) i; insert into pair select id, v, array[v, null] from t",
    );
    case.arrives();
    case.write("update t set f = 'NaN', at = 'infinity' where id % 3 = 0; delete from pair where x % 2 = 0; update pair set y = y || 'x', v = null where x < 50");
    case.arrives();
    case.write("truncate pair; insert into pair values (1, '', '{}')");
    case.finish();
}

#[test]
fn source_target_and_control_database_may_be_of_different_versions() {
    let world = World::with(&[]);
    let [old, new] = two_others();
    carried_between(&world, "upwards", &old, &new);
    carried_between(&world, "downwards", &new, &old);
}
