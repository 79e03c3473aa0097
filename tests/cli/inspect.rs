//! `inspect`: foreign keys that leave a herd (reference, 3.15).

use super::world::World;

#[test]
fn foreign_keys_that_leave_a_herd_are_told_in_both_directions() {
    let world = World::with_dbs();
    let tables = "create table kind (id integer primary key);
        create table item (id integer primary key, kind integer references kind, parent integer references item);
        create table part (id integer primary key, item integer references item)";
    world.cluster.connect("a").batch_execute(tables).unwrap();
    world.says("add table kind item part db=A");
    assert_eq!(
        world.says("inspect table item"),
        "Inspecting public.item on A\nTable public.item is used as FK by public.kind
Table public.item is used as FK target by public.part\n"
    );
    world.says("add herd h item");
    assert_eq!(
        world.says("inspect tables public.item"),
        "Inspecting public.item on A\nTable public.item is in herd h, but public.kind (used as FK target) is not
Table public.item is in herd h, but public.part (used as FK) is not\n"
    );
    world.says("add herd h kind part");
    assert_eq!(world.says("inspect t item kind"), "Inspecting public.item on A\nInspecting public.kind on A\n");
}
