//! Foreign keys that are in force on a target, because our role may not switch them off: what they
//! do when a row is deleted must not befall rows that are only written.

use super::rights::{OWNER, world};
use crate::daemon::world::World;

/// For the role `carrier`.
const FAMILY: &str = "create table parent (id integer primary key, email text unique);
    create table child (id integer primary key, parent integer references parent on delete cascade);
    create table friend (id integer primary key, parent integer references parent on delete set null);
    alter table parent owner to carrier; alter table child owner to carrier; alter table friend owner to carrier;";

const ALL: &str = "select (select count(*) from parent) || ' ' || (select count(*) from child) || ' ' || \
    (select count(parent) from friend)";

const EMAILS: &str = "select string_agg(id || email, ' ' order by id) from parent";

/// A family on A and B, and a herd of these tables.
fn family(herd: &str) -> World {
    let world = world(OWNER);
    for name in ["A", "B"] {
        world.at(name, FAMILY);
    }
    world.says(&format!("add table {herd} db=A herd=family"));
    world
}

/// Everything is on both sides, and each row of a parent has one of each.
fn full(herd: &str) -> World {
    let world = family(herd);
    for name in ["A", "B"] {
        world.at(name, ROWS);
    }
    world
}

const ROWS: &str = "insert into parent values (1, 'a'), (2, 'b'), (3, 'c'); insert into child select id, id from parent;
    insert into friend select id, id from parent";

const PARENTS_LAST: &str = "child friend parent";

fn grant(world: &World) {
    world.at("B", "grant set on parameter session_replication_role to carrier");
}

/// Before, only a superuser may switch them off.
fn can_be_granted(world: &World) -> bool {
    world.installed.cluster.major() >= 15
}

#[test]
fn children_survive_changes_of_their_parents_where_foreign_keys_are_in_force() {
    let world = family("parent child friend");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.at("A", ROWS);
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("B", ALL), "3 3 3");
    world.at("A", "update parent set email = upper(email)");
    world.says("kick s 0");
    assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), ("1A 2B 3C".into(), "3 3 3".into()));
    world.at("A", "delete from parent where id = 3");
    world.says("kick s 0");
    assert_eq!(world.value("B", ALL), "2 2 2");
}

#[test]
fn a_unique_value_may_pass_from_one_row_to_another_where_foreign_keys_are_in_force() {
    let world = full("parent child");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    for (from, to) in [(1, 2), (2, 1), (3, 1)] {
        let email = world.value("A", &format!("select email from parent where id = {from}"));
        world.at(
            "A",
            &format!("begin; update parent set email = 'free{from}' where id = {from}; update parent set email = '{email}' where id = {to}; commit"),
        );
        world.says("kick s 0");
        assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), (world.value("A", EMAILS), "3 3 3".into()));
    }
}

#[test]
fn parents_may_change_whose_children_would_forbid_that_they_are_deleted() {
    let world = full("parent");
    world.at(
        "B",
        "delete from friend; alter table friend drop constraint friend_parent_fkey, add foreign key (parent) references parent",
    );
    world.at("B", "insert into friend values (1, 1)");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    world.at("A", "update parent set email = upper(email)");
    world.becomes("B", EMAILS, "1A 2B 3C");
}

#[test]
fn an_exchange_of_unique_values_that_is_not_possible_in_place_names_the_right_that_helps() {
    let world = full("parent child friend");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    world.at(
        "A",
        "begin; update parent set email = 'x' where id = 1; update parent set email = 'a' where id = 2; \
        update parent set email = 'b' where id = 1; commit",
    );
    let told = "select count(*) > 0 from bucardo.q where whydie ~ 'parent.*SQLSTATE 23505.*HINT: .*may not set session_replication_role'";
    world.becomes("control", told, "true");
    assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), ("1a 2b 3c".into(), "3 3 3".into()));
    if can_be_granted(&world) {
        grant(&world);
        // A kid that was there already has its session from before.
        world.becomes("B", EMAILS, "1b 2a 3c");
        assert_eq!(world.value("B", ALL), "3 3 3");
    }
}

#[test]
fn parents_whose_rows_cannot_be_written_in_place_are_refused_where_children_would_go_with_them() {
    let world = full("parent child");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    for name in ["A", "B"] {
        world.at(name, "alter table parent add column n integer generated always as identity");
    }
    let refused = world.run("validate s");
    let told = format!("{}{}", refused.stdout, refused.stderr);
    let parts = ["Database \"B\"", "public.child would lose rows", "HINT: Let foreign keys be off: role \"carrier\" may not set"];
    assert!(refused.code() != 0 && parts.iter().all(|part| told.contains(part)), "{told}");
    world.at("A", "update parent set email = upper(email)");
    let told =
        "select count(*) > 0 from bucardo.q where whydie ~ 'public.child would lose rows.*HINT: .*session_replication_role'";
    world.becomes("control", told, "true");
    assert_eq!(world.value("B", ALL), "3 3 3");
}

#[test]
fn keys_that_are_written_in_another_way_take_nobody_along_where_foreign_keys_are_in_force() {
    let world = world(OWNER);
    for name in ["A", "B"] {
        world.at(
            name,
            "create table price (amount numeric primary key); create table tag (id integer primary key, amount numeric \
            references price on delete cascade); alter table price owner to carrier; alter table tag owner to carrier; \
            insert into price values (1.0); insert into tag values (1, 1)",
        );
    }
    world.says("add table price tag db=A herd=prices");
    world.says("add sync s type=pushdelta source=prices targetdb=B");
    world.says("start");
    world.at("A", "update price set amount = 1.000");
    world.becomes("B", "select amount from price", "1.000");
    assert_eq!(world.value("B", "select count(*) from tag"), "1");
}

#[test]
fn a_copy_loses_no_children_where_foreign_keys_are_in_force() {
    for kind in ["fullcopy", "pushdelta onetimecopy=1"] {
        let world = full(PARENTS_LAST);
        world.says(&format!("add sync s type={kind} source=family targetdb=B"));
        world.at("A", "update parent set email = upper(email)");
        world.says("start");
        world.says("kick s 0");
        assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), ("1A 2B 3C".into(), "3 3 3".into()), "{kind}");
        world.at("A", "insert into parent values (4, 'd'); insert into child values (4, 4)");
        world.says("kick s 0");
        assert_eq!(world.value("B", ALL), "4 4 3", "{kind}");
    }
}

#[test]
fn a_copy_of_parents_alone_is_refused_where_children_would_go_with_them() {
    let world = full("parent");
    world.says("add sync s type=fullcopy source=family targetdb=B");
    world.at("A", "insert into parent values (4, 'd')");
    world.says("start");
    let told = "select count(*) > 0 from bucardo.q where whydie ~ 'would lose rows.*HINT: .*session_replication_role'";
    world.becomes("control", told, "true");
    assert_eq!(world.value("B", ALL), "3 3 3");
    world.at("B", "delete from friend; delete from child; delete from parent");
    // The next try may come before the kick, and the parents that it has copied are refused then.
    world.run("kick s 0");
    world.becomes("B", ALL, "4 0 0");
}

#[test]
fn so_many_changes_of_parents_that_a_copy_would_be_less_work_lose_no_children() {
    let world = full("parent child");
    world.at("control", "update bucardo.goat set delta_bypass = true, delta_bypass_count = 2 where tablename = 'parent'");
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    world.at("A", "update parent set email = upper(email)");
    world.says("kick s 0");
    assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), ("1A 2B 3C".into(), "3 3 3".into()));
}

#[test]
fn what_is_written_after_a_truncate_stays_where_foreign_keys_are_in_force() {
    let world = full(PARENTS_LAST);
    world.says("add sync s type=pushdelta source=family targetdb=B");
    world.says("start");
    world.says("kick s 0");
    world.at("A", "begin; truncate parent cascade; insert into parent values (1, 'n'); insert into child values (1, 1); commit");
    world.says("kick s 0");
    assert_eq!((world.value("B", EMAILS), world.value("B", ALL)), ("1n".into(), "1 1 0".into()));
}
